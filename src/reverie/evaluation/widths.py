"""How many numbers a function makes of one row, so that a chunk of rows can be given a size that fits in memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import PyTree

from reverie import noise
from reverie.data import Measure

TYPES = {"reals": jnp.float32, "bits": jnp.bool_, "categories": jnp.int32}


def widest(function: Callable[..., Any], parts: Any, *row: Any) -> int:
    """The most numbers in one value on the way to `function(parts, *row)`, of those that depend on the row.

    For an image it is that of its widest layer; for text, places times tokens. A pure function of shapes: what the
    arrays hold does not matter, and shapes may stand in for them.
    """
    arrays, static = eqx.partition(parts, lambda leaf: eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct))
    closed = jax.make_jaxpr(lambda arrays, *row: function(eqx.combine(arrays, static), *row))(arrays, *row)
    fixed = len(jax.tree.leaves(arrays))
    own = [place >= fixed for place in range(len(closed.jaxpr.invars))]
    return max(_widths(closed.jaxpr, own), default=1)


def one_row(raw: PyTree) -> PyTree:
    """The shapes of one of the raw rows, in the types in which JAX would hold them."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], jax.dtypes.canonicalize_dtype(leaf.dtype)), raw
    )


def joint_width(model: Any, measure: Measure, raw: PyTree) -> int:
    """The most numbers in one value on the way to log p(x, h) of one of the raw rows."""
    return joint_width_of(model, jax.eval_shape(measure.to_model, noise.make_key(0), one_row(raw)))


def joint_width_of(model: Any, x: PyTree) -> int:
    """The same, of a row of the model's that has these shapes."""
    h = tuple(jax.ShapeDtypeStruct((latent.size,), TYPES[latent.kind]) for latent in model.latents)
    return widest(lambda model, x, h: model.log_joint(x, h), model, x, h)


def _widths(jaxpr: core.Jaxpr, own: Sequence[bool]) -> Iterator[int]:
    """The sizes of all values that come of the inputs called `own`, in inner functions too."""
    depends = {var for var, mine in zip(jaxpr.invars, own, strict=True) if mine}
    for equation in jaxpr.eqns:
        inputs = [isinstance(var, core.Var) and var in depends for var in equation.invars]
        if not any(inputs):
            continue
        depends.update(equation.outvars)
        shapes = (var.aval.shape for var in equation.outvars if isinstance(var.aval, jax.core.ShapedArray))
        yield from (int(np.prod(shape)) for shape in shapes)
        for value in jax.tree.leaves(equation.params, is_leaf=lambda leaf: isinstance(leaf, _INNER)):
            inner = value.jaxpr if isinstance(value, core.ClosedJaxpr) else value
            if isinstance(inner, core.Jaxpr):
                same = len(inner.invars) == len(inputs)
                yield from _widths(inner, inputs if same else [True] * len(inner.invars))


_INNER = (core.Jaxpr, core.ClosedJaxpr)
