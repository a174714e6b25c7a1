"""Draws of x from a model, by whichever way the model has."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    ConditionsOnClass,
    GuidesClasses,
    HasClass,
    HasClassPotential,
    HasGibbs,
    MarginalOf,
    Pushforward,
    Recovers,
    Samplable,
    Speaks,
    SplitsColumns,
    whole_of,
)
from reverie.data import Measure
from reverie.errors import InputError
from reverie.evaluation.chunks import in_chunks
from reverie.evaluation.walks import scale_of, walk, walkable
from reverie.parts import Parts
from reverie.samplers import kernel_for

CHUNK = 256
MOVES = 5
"""Sweeps for each move of chains that have no sweeps of their own: such a move asks for the slope as often."""


@eqx.filter_jit
def _exact(model: Any, key: Key[Array, ""], places: Array) -> PyTree:
    return jax.vmap(lambda place: model.sample(jax.random.fold_in(key, place)))(places)


@eqx.filter_jit
def _spoken(model: Any, key: Key[Array, ""], temperature: float, places: Array) -> PyTree:
    return jax.vmap(lambda place: model.spoken(jax.random.fold_in(key, place), temperature))(places)


@eqx.filter_jit
def _given(model: Any, key: Key[Array, ""], label: Array, places: Array) -> PyTree:
    return jax.vmap(lambda place: model.sample_given(jax.random.fold_in(key, place), label))(places)


@eqx.filter_jit
def _guided(model: Any, key: Key[Array, ""], label: Array, guidance: float, places: Array) -> PyTree:
    return jax.vmap(lambda place: model.sample_class(jax.random.fold_in(key, place), label, guidance))(places)


@eqx.filter_jit
def _walked(model: Any, key: Key[Array, ""], moves: Array, label: Array | None, places: Array) -> PyTree:
    scale = scale_of(model, jax.random.fold_in(key, 2**31))

    def one(place: Array) -> PyTree:
        key_start, key_walk = jax.random.split(jax.random.fold_in(key, place))
        x = model.start(key_start)
        return walk(model, key_walk, x, moves, label=label, scale=scale, rising=True).x

    return jax.vmap(one)(places)


@eqx.filter_jit
def _class_chains(model: Any, key: Key[Array, ""], sweeps: Array, label: Array, places: Array) -> PyTree:
    """Chains in the model of the label; where that is −1, each in the model of a class that it has drawn."""
    keys = jax.vmap(lambda place: jax.random.fold_in(key, place))(places)
    drawn = jax.vmap(lambda one: noise.categorical(jax.random.fold_in(one, 2**31), model.log_class_prior()))(keys)
    y = jnp.where(label < 0, drawn, label)

    def sweep(t: Array, x: PyTree) -> PyTree:
        return jax.vmap(lambda one, y, row: model.given(y).gibbs(jax.random.fold_in(one, t), row))(keys, y, x)

    start = jax.vmap(lambda one, y: model.given(y).start(jax.random.fold_in(one, 0)))(keys, y)
    return jax.lax.fori_loop(1, sweeps + 1, sweep, start)


@eqx.filter_jit
def _pushed(model: Any, key: Key[Array, ""], places: Array) -> PyTree:
    return jax.vmap(lambda place: model.push(model.noise(jax.random.fold_in(key, place))))(places)


@eqx.filter_jit
def _chains(model: Any, key: Key[Array, ""], sweeps: Array, places: Array) -> PyTree:
    kernel = kernel_for(model)
    keys = jax.vmap(lambda place: jax.random.fold_in(key, place))(places)

    def sweep(t: Array, x: PyTree) -> PyTree:
        return jax.vmap(lambda one, row: kernel.move(jax.random.fold_in(one, t), model, row, None)[0])(keys, x)

    start = jax.vmap(lambda one: model.start(jax.random.fold_in(one, 0)))(keys)
    return jax.lax.fori_loop(1, sweeps + 1, sweep, start)


@eqx.filter_jit
def _from_states(model: MarginalOf, key: Key[Array, ""], sweeps: Array, places: Array) -> PyTree:
    states = _chains(whole_of(model), key, sweeps, places)
    keys = jax.vmap(lambda place: jax.random.fold_in(jax.random.fold_in(key, 2**31), place))(places)
    return jax.vmap(model.row)(keys, states)


@eqx.filter_jit
def _recovered(model: Recovers, key: Key[Array, ""], moves: Array, places: Array) -> PyTree:
    """Level by level from noise, a chain at each given the row at the level above (Gao et al. 2021, Alg. 2)."""
    levels = model.noise_levels

    def one(place: Array) -> PyTree:
        own = jax.random.fold_in(key, place)

        def down(step: Array, noisy: Array) -> Array:
            level = levels - 1 - step
            key_start, key_walk = jax.random.split(jax.random.fold_in(own, step))
            field = model.given_noisy(level, noisy)
            state = walk(field, key_walk, field.start(key_start), moves, rising=True).x
            return model.recovered(level, noisy, state)

        key_noisy, key_row = jax.random.split(jax.random.fold_in(own, levels))
        return model.row(key_row, jax.lax.fori_loop(0, levels, down, model.noisiest(key_noisy)))

    return jax.vmap(one)(places)


def classes_of(model: Any) -> int | None:
    """How many classes rows can be drawn of; `None` for a model without."""
    if isinstance(model, HasClass):
        return model.latents[-1].levels
    if isinstance(model, ConditionsOnClass):
        return model.given_classes
    if isinstance(model, HasClassPotential):
        x = jax.eval_shape(model.start, jax.random.key(0))
        return int(jax.eval_shape(model.class_potentials, x).shape[0])
    return (model.guided_classes or None) if isinstance(model, GuidesClasses) else None


def samples_of(
    parts: Parts,
    n: int,
    key: Key[Array, ""],
    sweeps: int = 1000,
    *,
    label: int | None = None,
    guidance: float = 1.0,
    temperature: float = 1.0,
) -> PyTree:
    """`n` draws in the model's space, as NumPy arrays [n, …].

    Independent draws where the model gives them; else the ends of `n` chains, of `sweeps` Gibbs sweeps each, or of a
    fifth as many moves of `walk` from the model's base where it has no sweeps. Draw i is a function of the key and i:
    the first ten of a thousand are the ten that would come alone.

    Args:
        parts: the filled parts; only `model` is asked.
        n: how many.
        key: of the noise.
        sweeps: the length of the chains.
        label: the class that they are to be of, for models that have one.
        guidance: how strongly, for models that `GuidesClasses`.
        temperature: for models that `Speaks`. Only at 1 are the rows draws of the model.
    """
    model = parts["model"]
    if n < 1 or sweeps < 0:
        raise InputError(f"draws need n of at least 1 and sweeps of at least 0; these are {n} and {sweeps}")
    places = np.arange(n, dtype=np.int32)
    moves = jnp.asarray(-(-sweeps // MOVES))
    if guidance != 1.0 and (label is None or not isinstance(model, GuidesClasses)):
        raise InputError("guidance needs a label, and a model that is guided by classes")
    if temperature != 1.0:
        if not isinstance(model, Speaks):
            raise InputError(
                f"a temperature is for models that say a row symbol after symbol, and {type(model).__name__} does not"
            )
        return in_chunks(lambda piece: _spoken(model, key, temperature, piece), places, CHUNK)
    if label is not None:
        count = classes_of(model)
        if count is None:
            raise InputError(f"{type(model).__name__} has no classes to draw from")
        if not 0 <= label < count:
            raise InputError(f"class {label} is none of the model's {count}")
        chosen = jnp.asarray(label)
        if isinstance(model, HasClass):
            return in_chunks(lambda piece: _given(model, key, chosen, piece), places, CHUNK)
        if isinstance(model, GuidesClasses):
            return in_chunks(lambda piece: _guided(model, key, chosen, guidance, piece), places, CHUNK)
        if not isinstance(model, ConditionsOnClass):
            return in_chunks(lambda piece: _walked(model, key, moves, chosen, piece), places, CHUNK)
    if isinstance(model, ConditionsOnClass):
        asked = jnp.asarray(-1 if label is None else label)
        return in_chunks(lambda piece: _class_chains(model, key, jnp.asarray(sweeps), asked, piece), places, CHUNK)
    if isinstance(model, Samplable):
        return in_chunks(lambda piece: _exact(model, key, piece), places, CHUNK)
    if isinstance(model, HasGibbs):
        return in_chunks(lambda piece: _chains(model, key, jnp.asarray(sweeps), piece), places, CHUNK)
    if isinstance(model, Recovers):
        each = jnp.maximum(moves // model.noise_levels, 1)
        return in_chunks(lambda piece: _recovered(model, key, each, piece), places, CHUNK)
    if isinstance(model, MarginalOf):
        return in_chunks(lambda piece: _from_states(model, key, jnp.asarray(sweeps), piece), places, CHUNK)
    if isinstance(model, Pushforward):
        return in_chunks(lambda piece: _pushed(model, key, piece), places, CHUNK)
    if walkable(model):
        return in_chunks(lambda piece: _walked(model, key, moves, None, piece), places, CHUNK)
    if isinstance(model, SplitsColumns):
        raise InputError(
            f"{type(model).__name__} draws {model.told_words} and no whole rows: give it rows, by `reverie tell --how "
            "sample` or Run.retold"
        )
    raise InputError(
        f"{type(model).__name__} has no draws: a model needs Samplable, HasGibbs or Pushforward, or a potential and "
        "somewhere for chains to start"
    )


@eqx.filter_jit
def _raw(measure: Measure, rows: PyTree) -> PyTree:
    return jax.vmap(measure.from_model)(rows)


def to_raw(measure: Measure, x: PyTree) -> PyTree:
    """Rows of the model as raw rows, NumPy arrays."""
    return in_chunks(lambda piece: _raw(measure, piece), jax.tree.map(np.asarray, x), CHUNK)
