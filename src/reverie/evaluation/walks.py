"""Chains on x for any model whose density can be evaluated, free or with something known of x.

Where something is known, what a chain leaves invariant is

    p(x | known) ∝ exp(u(x) + a·t(x) − ½ Σ_i λ_i (x_i − c_i)²),    x_i = c_i where column i is held,

t being x of bits and one-hot x of categories. A model's own sweeps are taken where it has them for this, Hamiltonian
trajectories for other reals, and one Metropolis proposal for each site of other bits and categories. The size of a
trajectory's steps is tuned while a chain settles (towards the acceptance that Neal 2011, §4.4, finds best) and is then
held, so that what comes after is a Markov chain.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key
from numpy.typing import NDArray

from reverie.capabilities import (
    HasClassPotential,
    HasConditionalGibbs,
    HasGibbs,
    HasPotential,
    HasTempering,
    Latent,
    StartsChains,
)
from reverie.evaluation.moves import move
from reverie.samplers import kernel_for

LEAPS, FIRST_STEP, WANTED = 5, 0.3, 0.7
SCALING = 256
"""Starts that give a model's columns their scale."""


AnyArray: TypeAlias = Array | NDArray[Any]


class Known(NamedTuple):
    """What is known of a row.

    Attributes:
        x: c, the held values, or what was seen of others; the rest may be anything of the right type.
        held: which columns stay as they are, [columns].
        pull: a, [columns] of bits and [columns, levels] of categories; `None` for none.
        precision: λ, of reals; `None` for none.
    """

    x: AnyArray
    held: AnyArray
    pull: AnyArray | None = None
    precision: AnyArray | None = None


class Walker(NamedTuple):
    """A chain: where it is, the log of its step, and the mean acceptance of its moves so far."""

    x: Array
    log_step: Array
    acceptance: Array


def density_of(model: Any, label: Array | None = None) -> Callable[[Array], Array]:
    """u(x), or u(x, y) of a class; log p(x) of a model that is normalised."""
    if label is not None and isinstance(model, HasClassPotential):
        return lambda x: model.class_potentials(x)[label]
    return model.potential if isinstance(model, HasPotential) else model.log_prob


def walkable(model: Any) -> bool:
    """Whether free chains can run on the x of a model: it has sweeps, or a potential of one array of reals or bits."""
    if isinstance(model, HasGibbs):
        return True
    if not (isinstance(model, HasPotential) and isinstance(model, StartsChains)):
        return False
    leaves = jax.tree.leaves(eqx.filter_eval_shape(model.start, jax.random.key(0)))
    return len(leaves) == 1 and not jnp.issubdtype(leaves[0].dtype, jnp.integer)


def scale_of(model: Any, key: Key[Array, ""]) -> Array | None:
    """The spread of each real column among starts of chains; `None` for bits and categories."""
    if not isinstance(model, StartsChains):
        return None
    x = jax.vmap(model.start)(jax.random.split(key, SCALING))
    leaves = jax.tree.leaves(x)
    if len(leaves) != 1 or not jnp.issubdtype(leaves[0].dtype, jnp.floating):
        return None
    return jnp.maximum(jnp.std(leaves[0], axis=0), 1e-6)


def walk(
    model: Any,
    key: Key[Array, ""],
    x: Array,
    sweeps: Array | int,
    *,
    known: Known | None = None,
    label: Array | None = None,
    scale: Array | None = None,
    levels: int = 0,
    rising: bool = False,
) -> Walker:
    """One chain after so many moves, the first half of which tunes its step.

    Args:
        model: `HasPotential` or `HasLogProb`, or `HasGibbs` where nothing is known and no class is asked for.
        key: of all of its moves.
        x: where it begins.
        sweeps: how many moves.
        known: what is known of x.
        label: the class, of a model that `HasClassPotential`.
        scale: of real columns; ones where not given.
        levels: of categories.
        rising: whether the first half goes from the model's base to the model, where it `HasTempering`.
    """
    half = jnp.maximum(jnp.asarray(sweeps) // 2, 1)

    def step(t: Array, walker: Walker) -> Walker:
        beta = jnp.minimum((t + 1) / half, 1.0) if rising and isinstance(model, HasTempering) else None
        moved = stepped(model, jax.random.fold_in(key, t), walker, known, label, scale, levels, beta)
        return tuned(moved, t, half)

    return jax.lax.fori_loop(0, sweeps, step, begun(x, known))


def begun(x: Array, known: Known | None = None) -> Walker:
    """A chain that has not moved."""
    x = x if known is None else jnp.where(known.held, known.x, x)
    return Walker(x, jnp.log(jnp.full((), FIRST_STEP)), jnp.ones(()))


def tuned(walker: Walker, t: Array, half: Array) -> Walker:
    """The step longer or shorter by the last move's acceptance, while t is below `half`; then as it is."""
    gain = jnp.where(t < half, (1.0 + t) ** -0.6, 0.0)
    return walker._replace(log_step=walker.log_step + gain * (walker.acceptance - WANTED))


def stepped(
    model: Any,
    key: Key[Array, ""],
    walker: Walker,
    known: Known | None = None,
    label: Array | None = None,
    scale: Array | None = None,
    levels: int = 0,
    beta: Array | None = None,
) -> Walker:
    """The chain after one move, with that move's acceptance."""
    x = walker.x
    if known is None and label is None and isinstance(model, HasGibbs):
        x, _, _ = kernel_for(model).move(key, model, x, None)
        return walker._replace(x=x, acceptance=jnp.ones(()))
    if known is not None and isinstance(model, HasConditionalGibbs) and known.precision is None:
        pull = _no_pull(x, levels) if known.pull is None else known.pull
        return walker._replace(
            x=model.conditional_gibbs(key, x, jnp.asarray(known.held), jnp.asarray(pull)), acceptance=jnp.ones(())
        )
    unit = jnp.ones(()) if scale is None else scale
    real = jnp.issubdtype(x.dtype, jnp.floating)
    latent = Latent("reals" if real else "bits" if x.dtype == jnp.bool_ else "categories", x.size, levels)
    plain = density_of(model, label)

    def log_p(h: tuple[Array]) -> Array:
        place = h[0] * unit if real else h[0]
        place = place if known is None else jnp.where(known.held, known.x, place)
        value = plain(place)
        if beta is not None:
            value = (1.0 - beta) * model.tempered_potential(place, jnp.zeros(())) + beta * value
        return value if known is None else value + _told(place, known)

    moved = move(key, (x / unit if real else x,), log_p, (latent,), jnp.exp(walker.log_step), LEAPS)
    after = moved.h[0] * unit if real else moved.h[0]
    # What is held has no say in the density, wanders freely, and is put back.
    after = after if known is None else jnp.where(known.held, known.x, after)
    return walker._replace(x=after, acceptance=moved.acceptance[0 if real else 1])


def _no_pull(x: Array, levels: int) -> Array:
    return jnp.zeros((x.size, levels) if jnp.issubdtype(x.dtype, jnp.integer) else x.size)


def _told(x: Array, known: Known) -> Array:
    """The log-likelihood of what was seen."""
    told = jnp.zeros(())
    if known.pull is not None:
        seen = jax.nn.one_hot(x, known.pull.shape[1]) if known.pull.ndim > 1 else x.astype(jnp.float32)
        told = told + jnp.sum(known.pull * seen)
    if known.precision is not None:
        told = told - 0.5 * jnp.sum(known.precision * jnp.square(x - known.x))
    return told
