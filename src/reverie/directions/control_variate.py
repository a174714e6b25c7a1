"""The score-function gradient with a learned, differentiable control variate."""

from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import RelaxesClass, posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.parts import Parts, parameters
from reverie.samplers import Draw, Tick

Uniforms: TypeAlias = tuple[Array, ...]


class ControlVariate(Direction):
    """Score function and reparameterisation at once, joined by a surrogate c of the relaxed code.

        [f(b) − c(z̃)] ∇_φ log q(b | x) + ∇_φ c(z) − ∇_φ c(z̃),  b = H(z),  z̃ ~ p(z | b)    (Tucker et al. 2017, Eq. 7)

    for each block in turn, those below as drawn and those above relaxed from it. f = log p(x, h) − log q(h | x); the
    part `surrogate` says what c is: f(σ(z/τ)) scaled (REBAR), with a network added to it (RELAX). Unbiased for any c.
    Of a class y among reals it is so for y; the reals' own part is ∇_φ f at the y that was drawn, reparameterised.
    The surrogate goes down ‖g_φ‖², whose mean is the variance of the direction up to what c cannot change
    (Grathwohl et al. 2018, Eq. 10).

    Example:
        >>> from reverie.directions import ControlVariate
        >>> ControlVariate().moves
        ('model', 'inference', 'surrogate')

    Reference: Tucker, Mnih, Maddison, Lawson & Sohl-Dickstein 2017, *REBAR*; Grathwohl, Choi, Wu, Roeder & Duvenaud
    2018, *Backpropagation through the void*.
    """

    moves = ("model", "inference", "surrogate")
    uses = ("uniforms", "noise")

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        first, second = draw["uniforms"]

        def pull(parts: Parts) -> tuple[Array, dict[str, Array]]:
            still = held(parts | {"surrogate": None})

            def one(u: Uniforms, v: Uniforms, noise: PyTree, x: PyTree) -> tuple[Array, Array]:
                if isinstance(parts["inference"], RelaxesClass):
                    return _pull_of_class(parts, still, u, v, noise, x)
                return _pull(parts, still, u, v, x)

            each = jax.vmap(jax.vmap(one), in_axes=(0, 0, 0, None))
            value, f = each(first, second, draw["noise"], batch.x)
            return jnp.mean(value), {"elbo": jnp.mean(f)}

        def energy(surrogate: Any) -> tuple[Array, tuple[Ascent, dict[str, Array]]]:
            ascent, info = gradient(pull, parts | {"surrogate": surrogate}, ("inference",))
            squares = [jnp.sum(leaf**2) for leaf in jax.tree.leaves(parameters(ascent.along["inference"]))]
            return -jnp.sum(jnp.stack(squares)), (ascent, info)

        along, (ascent, info) = eqx.filter_grad(energy, has_aux=True)(parts["surrogate"])
        fit, _ = gradient(lambda parts: (_log_joint(parts, first, draw["noise"], batch.x), {}), parts, ("model",))
        surrogate = parts["surrogate"]
        said = {"temperature": surrogate.temperature(), "scale": surrogate.scale()}
        return Ascent(ascent.along | fit.along | {"surrogate": along}, {}), memory, info | said


def _hard(logits: Array, uniform: Array) -> Array:
    return layers.corner(layers.perturbed(logits, uniform))


def _log_joint(parts: Parts, uniforms: Uniforms, noise: PyTree, x: PyTree) -> Array:
    """E log p(x, b), the codes held still."""
    inference = posterior_of(held(parts))

    def one(u: Uniforms, noise: PyTree, x: PyTree) -> Array:
        return parts["model"].log_joint(x, layers.drawn(inference, x, u, noise, _hard)[0])

    return jnp.mean(jax.vmap(jax.vmap(one), in_axes=(0, 0, None))(uniforms, noise, x))


def conditional(logits: Array, block: Array, uniform: Array) -> Array:
    """z̃ ~ p(z | H(z) = block), as a function of the logits and uniform noise (Tucker et al. 2017, App. C)."""
    v = jnp.clip(uniform, layers.SMALLEST, 1.0 - layers.SMALLEST)
    if logits.ndim == 1:
        nought = jax.nn.sigmoid(-logits)
        return layers.perturbed(logits, jnp.where(block > 0.5, nought + v * (1.0 - nought), v * nought))
    top = -jnp.log(-jnp.sum(block * jnp.log(v), axis=-1, keepdims=True))
    log_p = jax.nn.log_softmax(logits, axis=-1)
    others = -jnp.log(-jnp.log(v) / jnp.exp(log_p) + jnp.exp(-top))
    # Of Gumbel noise on normalised logits the largest is independent of its place; add back what was normalised away.
    return jnp.where(block > 0.5, top, others) + jax.nn.logsumexp(logits, axis=-1, keepdims=True)


def _pull(parts: Parts, still: Parts, u: Uniforms, v: Uniforms, x: PyTree) -> tuple[Array, Array]:
    """A function whose gradient for φ is the direction at one code, and f of that code."""
    inference, fixed, model = posterior_of(parts), posterior_of(still), still["model"]
    surrogate = parts["surrogate"]
    code, _ = layers.unroll(fixed, x, u, _hard)
    code = jax.lax.stop_gradient(code)
    f = layers.signal(model, fixed, x, code)
    total = jnp.zeros(())
    for i, block in enumerate(code):
        logits = inference.code_logits(x, code[:i])

        def control(z: Array, i: int = i) -> Array:
            heat = surrogate.temperature()
            soft = (*code[:i], layers.relaxed(z, heat))
            rule = lambda a, uniform: layers.relaxed(layers.perturbed(a, uniform), heat)
            whole, _ = layers.unroll(fixed, x, u, rule, soft)
            return surrogate.scale() * layers.signal(model, fixed, x, whole) + surrogate.extra(x, i, z)

        free, bound = control(layers.perturbed(logits, u[i])), control(conditional(logits, block, v[i]))
        # c(z̃) stands in the signal as a number for φ, yet the surrogate must see it there: only φ is held.
        total += (f - _number(control, logits, block, v[i])) * layers.log_prob(logits, block) + free - bound
    return total, f


def _pull_of_class(
    parts: Parts, still: Parts, u: Uniforms, v: Uniforms, noise: PyTree, x: PyTree
) -> tuple[Array, Array]:
    """The same of a class among reals; c sees the reals that come with the relaxed class."""
    inference, fixed, model = posterior_of(parts), posterior_of(still), still["model"]
    surrogate, place = parts["surrogate"], len(model.latents) - 1
    logits, known = (q.logits_of_class(noise, x)[None] for q in (inference, fixed))
    y = jax.lax.stop_gradient(_hard(known, u[-1]))

    def fit(q: Any, y: Array) -> Array:
        code, log_q = q.code_with_class(noise, x, y[0])
        return model.log_joint(x, (*code, y)) - log_q

    def control(z: Array) -> Array:
        soft = layers.relaxed(z, surrogate.temperature())
        f = fit(fixed, soft) - layers.log_prob(known, soft)
        return surrogate.scale() * f + surrogate.extra(x, place, z)

    f = fit(fixed, y) - layers.log_prob(known, y)
    free, bound = control(layers.perturbed(logits, u[-1])), control(conditional(logits, y, v[-1]))
    pull = (f - _number(control, logits, y, v[-1])) * layers.log_prob(logits, y)
    # Of −log q(y | x) the slope at the y that was drawn is left out: it has no mean.
    return pull + free - bound + fit(inference, y), f


def _number(control: Any, logits: Array, block: Array, uniform: Array) -> Array:
    return control(conditional(jax.lax.stop_gradient(logits), block, uniform))
