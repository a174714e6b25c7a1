"""Codes of rows, rows of codes, and rows by way of their codes."""

from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree
from numpy.typing import NDArray

from reverie.capabilities import (
    Decodes,
    Encodes,
    HasClosedPosterior,
    HasCodeLogits,
    HasLogJoint,
    Latent,
    Proposes,
    Reparameterised,
    posterior_of,
)
from reverie.data import Measure
from reverie.errors import InputError
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks, seen
from reverie.parts import Parts

How = Literal["mean", "draw"]
DRAWS = 64
"""Of a posterior whose middle is not known otherwise."""
ROWS = 64
"""Rows in a chunk."""
TYPES = {"bits": bool, "reals": np.float32, "categories": np.int32}


def uncoded(parts: Parts) -> str | None:
    """Why rows have no codes, in a sentence's end; `None` where they have."""
    model = parts["model"]
    if not isinstance(model, HasLogJoint):
        return "has no latent variables, so that rows have no codes"
    posterior = posterior_of(parts) if "inference" in parts else None
    if isinstance(model, HasClosedPosterior) or isinstance(posterior, Proposes | Reparameterised):
        return None
    return "was fitted without an inference model, so that rows have no codes: choose a learner that fits one"


def encoded(parts: Parts, measure: Measure, raw: PyTree, key: Key[Array, ""], how: How = "mean") -> tuple[Any, ...]:
    """The code of each raw row, one array [n, size] a block; a row's code depends on the key and the row alone.

    The middle of q(h | x) is what the inference model says itself, where it does; the likeliest values layer by layer,
    where it gives their logits; else that of draws: of bits and categories what most draws have, of reals the mean over
    the draws that agree with it.

    Args:
        parts: the filled parts.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the draws.
        how: `mean`, the middle of q(h | x), or `draw`.
    """
    if how not in ("draw", "mean"):
        raise InputError(f"how must be draw or mean, not {how!r}")
    why = uncoded(parts)
    if why is not None:
        raise InputError(f"{type(parts['model']).__name__} {why}")
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to encode")
    return tuple(in_chunks(lambda rows: _codes(parts, measure, key, how, rows), (fingerprints(raw), raw), ROWS))


@eqx.filter_jit
def _codes(parts: Parts, measure: Measure, key: Key[Array, ""], how: How, rows: PyTree) -> tuple[Array, ...]:
    model = parts["model"]

    def one(words: Array, raw: PyTree) -> tuple[Array, ...]:
        x, _, key_code = seen(measure, key, words, raw)
        if "inference" not in parts:
            law = model.posterior(x)
            if how == "draw":
                return (law.sample(key_code),)
            if [latent.kind for latent in model.latents] == ["reals"]:
                return (law.mean,)
            return _agreed((law.sample(key_code, (DRAWS,)),), model.latents)
        posterior = posterior_of(parts)
        return _drawn(posterior, key_code, x) if how == "draw" else _middle(posterior, model.latents, key_code, x)

    return jax.vmap(one)(*rows)


def _drawn(posterior: Any, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
    if isinstance(posterior, Proposes):
        return tuple(posterior.propose(key, x)[0])
    return tuple(posterior.transform(posterior.noise(key), x))


def _middle(posterior: Any, latents: tuple[Latent, ...], key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
    if isinstance(posterior, Encodes):
        return tuple(posterior.encode(x))
    if isinstance(posterior, HasCodeLogits):
        h: tuple[Array, ...] = ()
        for latent in latents:
            logits = posterior.code_logits(x, h)
            h += (logits > 0 if latent.kind == "bits" else jnp.argmax(logits, axis=-1).astype(jnp.int32),)
        return h
    drawn = jax.vmap(lambda one: _drawn(posterior, one, x))(jax.random.split(key, DRAWS))
    return _agreed(drawn, latents)


def _agreed(drawn: tuple[Array, ...], latents: tuple[Latent, ...]) -> tuple[Array, ...]:
    """What most draws have, and the mean of reals over the draws that agree with it, or over all if none does."""
    most: list[Array | None] = []
    agree = jnp.ones(drawn[0].shape[0], bool)
    for latent, block in zip(latents, drawn, strict=True):
        if latent.kind == "reals":
            most.append(None)
            continue
        levels = jax.nn.one_hot(block.astype(jnp.int32), latent.levels or 2)
        chosen = jnp.argmax(jnp.sum(levels, axis=0), axis=-1).astype(block.dtype)
        most.append(chosen)
        agree &= jnp.all(block == chosen, axis=1)
    weight = jnp.where(jnp.any(agree), agree, True).astype(jnp.float32)
    mean = weight / jnp.sum(weight)
    return tuple(mean @ block if one is None else one for one, block in zip(most, drawn, strict=True))


def decoded(model: Any, measure: Measure, h: Sequence[Any], key: Key[Array, ""], how: How = "mean") -> PyTree:
    """The raw row of each code.

    Args:
        model: the filled model.
        measure: how the model's row becomes a raw one.
        h: one array [n, size] a block.
        key: of the draws; that of code i is a function of the key and i.
        how: `mean`, of p(x | h) the mean of reals and the likeliest bits and categories, or `draw`.
    """
    if how not in ("draw", "mean"):
        raise InputError(f"how must be draw or mean, not {how!r}")
    if not isinstance(model, Decodes):
        raise InputError(f"{type(model).__name__} gives no rows of codes")
    blocks = _checked(model.latents, h)
    places = np.arange(len(blocks[0]), dtype=np.int32)
    return in_chunks(lambda codes: _rows(model, measure, key, how, codes), (places, blocks), ROWS)


@eqx.filter_jit
def _rows(model: Any, measure: Measure, key: Key[Array, ""], how: How, codes: PyTree) -> PyTree:
    def one(place: Array, h: tuple[Array, ...]) -> PyTree:
        x = model.centre(h) if how == "mean" else model.decode(jax.random.fold_in(key, place), h)
        return measure.from_model(x)

    return jax.vmap(one)(*codes)


def _checked(latents: tuple[Latent, ...], h: Sequence[Any]) -> tuple[NDArray[Any], ...]:
    """The blocks in the model's types, or what is wrong with them in words."""
    blocks = [np.asarray(one) for one in h]
    wanted = ", ".join(f"[n, {one.size}] of {one.kind}" for one in latents)
    shapes = [one.shape[1:] for one in blocks]
    if shapes != [(one.size,) for one in latents] or len({len(one) for one in blocks}) != 1 or not len(blocks[0]):
        found = ", ".join(str(list(one.shape)) for one in blocks)
        raise InputError(f"codes of this model are {wanted}, with as many rows in each, and these are {found}")
    for latent, block in zip(latents, blocks, strict=True):
        levels = {"bits": 2, "categories": latent.levels}.get(latent.kind)
        if not np.issubdtype(block.dtype, np.number) and block.dtype != np.bool_:
            raise InputError(f"codes are numbers, and these are {block.dtype}")
        if levels is not None and not np.isin(block, np.arange(levels)).all():
            raise InputError(f"{latent.kind} are whole numbers from 0 to {levels - 1}, and some of these codes are not")
        if not np.isfinite(block.astype(np.float64)).all():
            raise InputError("some of these codes are not finite")
    return tuple(block.astype(TYPES[latent.kind]) for latent, block in zip(latents, blocks, strict=True))
