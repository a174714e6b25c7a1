"""Reparameterised gradients of the evidence lower bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.divergence import closed_form, divergences
from reverie.directions.weighting import Weighting
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def weighed(fit: Array, groups: Array, weighting: Weighting, step: Array) -> tuple[Array, dict[str, Array]]:
    """The objective, and the bound itself and its two terms for people, whatever the weighting.

    Args:
        fit: E_q log p(x | h), averaged over the batch.
        groups: the divergences, averaged over the batch.
        weighting: of the divergences.
        step: of the run.
    """
    divergence = jnp.sum(groups)
    said = {"elbo": fit - divergence, "fit": fit, "divergence": divergence}
    return fit - weighting.cost(groups, step), said if weighting.warmup == 0 else said | {"beta": weighting.at(step)}


class SampledElbo(Direction):
    """∇ of E_ε [log p(x | h) − β (log q(h | x) − log p(h))] at h = h_φ(x, ε)          (Ou 2019, Eq. 8 and 13).

    Both terms are sampled, so any prior, any reparameterised posterior and any number of blocks will do. Unbiased;
    β = 1 is the bound itself. All latent variables are one group.

    Args:
        weighting: of the divergence.

    Example:
        >>> from reverie.directions import SampledElbo
        >>> SampledElbo().moves
        ('model', 'inference')
    """

    moves = ("model", "inference")
    uses = ("noise",)
    weighting: Weighting = Weighting()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(noise: PyTree, x: PyTree) -> tuple[Array, Array]:
                h, log_q = inference.transform_and_log_prob(noise, x)
                return model.log_likelihood(x, h), log_q - model.log_prior(h)

            fit, divergence = jax.vmap(jax.vmap(one), in_axes=(0, None))(draw["noise"], batch.x)
            return weighed(jnp.mean(fit), jnp.mean(divergence)[None], self.weighting, tick.step)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class ClosedElbo(Direction):
    """∇ of E_ε [log p(x | h)] − β KL[q(h | x) ‖ p(h)], the divergence in closed form      (Ou 2019, Eq. 8).

    Unbiased. It asks for a prior and a posterior with a closed-form divergence, and varies less than the sampled form,
    but for a posterior that is nearly right and far from the prior: there the sampled terms cancel (Roeder, Wu &
    Duvenaud 2017). Where the variables are independent in both, each is a group of its own.

    Args:
        weighting: of the divergence.

    Example:
        >>> from reverie.directions import ClosedElbo, Weighting
        >>> ClosedElbo(Weighting(beta=4.0)).weighting.beta
        4.0
    """

    moves = ("model", "inference")
    uses = ("noise",)
    weighting: Weighting = Weighting()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(noise: PyTree, x: PyTree) -> tuple[Array, Array]:
                h, law = inference.transform_and_distribution(noise, x)
                return model.log_likelihood(x, h), divergences(law, model.prior())

            # The divergences know nothing of the noise: they are made once, whatever the number of draws.
            fit, groups = jax.vmap(jax.vmap(one), in_axes=(0, None), out_axes=(0, None))(draw["noise"], batch.x)
            return weighed(jnp.mean(fit), jnp.mean(groups, axis=0), self.weighting, tick.step)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class AutoElbo(Direction):
    """`ClosedElbo` where the divergence of the parts is known in closed form, `SampledElbo` where it is not.

    The parts decide, once, when the step is compiled.

    Args:
        weighting: of the divergence.

    Example:
        >>> from reverie.directions import AutoElbo
        >>> AutoElbo().uses
        ('noise',)

    Reference: Kingma & Welling 2014, the two estimators of Eq. 6 and 7.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    weighting: Weighting = Weighting()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The ascent of the form that serves."""
        form = ClosedElbo if closed_form(parts, batch.x) else SampledElbo
        return form(self.weighting).ascend(tick, parts, batch, draw, memory)
