"""Draws of x from a model, by whichever way the model has."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasClass, HasGibbs, MarginalOf, Pushforward, Samplable, whole_of
from reverie.data import Measure
from reverie.errors import InputError
from reverie.evaluation.chunks import in_chunks
from reverie.parts import Parts

CHUNK = 256


@eqx.filter_jit
def _exact(model: Any, key: Key[Array, ""], places: Array) -> PyTree:
    return jax.vmap(lambda place: model.sample(jax.random.fold_in(key, place)))(places)


@eqx.filter_jit
def _given(model: Any, key: Key[Array, ""], label: Array, places: Array) -> PyTree:
    return jax.vmap(lambda place: model.sample_given(jax.random.fold_in(key, place), label))(places)


@eqx.filter_jit
def _pushed(model: Any, key: Key[Array, ""], places: Array) -> PyTree:
    return jax.vmap(lambda place: model.push(model.noise(jax.random.fold_in(key, place))))(places)


@eqx.filter_jit
def _chains(model: Any, key: Key[Array, ""], sweeps: Array, places: Array) -> PyTree:
    keys = jax.vmap(lambda place: jax.random.fold_in(key, place))(places)

    def sweep(t: Array, x: PyTree) -> PyTree:
        return jax.vmap(lambda one, row: model.gibbs(jax.random.fold_in(one, t), row))(keys, x)

    start = jax.vmap(lambda one: model.start(jax.random.fold_in(one, 0)))(keys)
    return jax.lax.fori_loop(1, sweeps + 1, sweep, start)


@eqx.filter_jit
def _from_states(model: MarginalOf, key: Key[Array, ""], sweeps: Array, places: Array) -> PyTree:
    states = _chains(whole_of(model), key, sweeps, places)
    keys = jax.vmap(lambda place: jax.random.fold_in(jax.random.fold_in(key, 2**31), place))(places)
    return jax.vmap(model.row)(keys, states)


def samples_of(parts: Parts, n: int, key: Key[Array, ""], sweeps: int = 1000, *, label: int | None = None) -> PyTree:
    """`n` draws in the model's space, as NumPy arrays [n, …].

    Independent draws where the model gives them; else the ends of `n` Gibbs chains of `sweeps` sweeps each. Draw i is
    a function of the key and i: the first ten of a thousand are the ten that would come alone.

    Args:
        parts: the filled parts; only `model` is asked.
        n: how many.
        key: of the noise.
        sweeps: the length of the chains.
        label: the class that they are to be of, for models that have one.
    """
    model = parts["model"]
    if n < 1 or sweeps < 0:
        raise InputError(f"draws need n of at least 1 and sweeps of at least 0; these are {n} and {sweeps}")
    places = np.arange(n, dtype=np.int32)
    if label is not None:
        if not isinstance(model, HasClass):
            raise InputError(f"{type(model).__name__} has no classes to draw from")
        return in_chunks(lambda piece: _given(model, key, jnp.asarray(label), piece), places, CHUNK)
    if isinstance(model, Samplable):
        return in_chunks(lambda piece: _exact(model, key, piece), places, CHUNK)
    if isinstance(model, HasGibbs):
        return in_chunks(lambda piece: _chains(model, key, jnp.asarray(sweeps), piece), places, CHUNK)
    if isinstance(model, MarginalOf):
        return in_chunks(lambda piece: _from_states(model, key, jnp.asarray(sweeps), piece), places, CHUNK)
    if isinstance(model, Pushforward):
        return in_chunks(lambda piece: _pushed(model, key, piece), places, CHUNK)
    raise InputError(f"{type(model).__name__} has no draws: a model needs Samplable, HasGibbs or Pushforward")


@eqx.filter_jit
def _raw(measure: Measure, rows: PyTree) -> PyTree:
    return jax.vmap(measure.from_model)(rows)


def to_raw(measure: Measure, x: PyTree) -> PyTree:
    """Rows of the model as raw rows, NumPy arrays."""
    return in_chunks(lambda piece: _raw(measure, piece), jax.tree.map(np.asarray, x), CHUNK)
