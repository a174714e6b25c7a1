"""How much the divergence weighs in an evidence lower bound: β, its schedule, and free bits."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from reverie.errors import InputError


class Weighting(eqx.Module):
    """β_t Σ_g max(λ, D_g), for the mean divergences D_g of the groups g of latent variables.

        β_t = β min(1, (t mod P) / `warmup`),  P = `warmup` / `ramp`,  until t = `cycles` P, and β from there on

    With one cycle that is a linear warm-up (Bowman et al. 2016; Sønderby et al. 2016), with several of them cyclical
    annealing (Fu et al. 2019, §4; their R is `ramp`, their M `cycles`). λ are the free bits of Kingma et al. 2016
    (appendix C.8): a group whose mean divergence over the batch lies below λ is not pushed down further.

    Args:
        beta: β; 1 is the bound, more asks for a simpler code, less for a fuller one.
        warmup: steps in which β_t rises from 0; 0 has no schedule.
        cycles: how often it rises.
        ramp: the share of a cycle in which it rises.
        free_bits: λ, in nats.
    """

    beta: float = 1.0
    warmup: int = 0
    cycles: int = 1
    ramp: float = 0.5
    free_bits: float = 0.0

    def __check_init__(self) -> None:
        """Refuse weights that describe no objective."""
        for name in ("beta", "free_bits"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise InputError(f"{name} must be finite and not negative, not {value}")
        if self.warmup < 0 or self.cycles < 1:
            raise InputError(f"warmup must be at least 0 and cycles at least 1, not {self.warmup} and {self.cycles}")
        if not 0 < self.ramp <= 1:
            raise InputError(f"ramp is a share of a cycle and must lie in (0, 1], not {self.ramp}")

    @property
    def plain(self) -> bool:
        """Whether it is 1 at each step and no bits are free: the bound itself."""
        return (self.beta, self.warmup, self.free_bits) == (1, 0, 0)

    def at(self, step: Array) -> Float[Array, ""]:
        """β_t."""
        if self.warmup == 0:
            return jnp.asarray(self.beta, jnp.float32)
        period = round(self.warmup / self.ramp)
        # After the last cycle the time stands still at the end of a ramp.
        time = jnp.where(step < self.cycles * period, step % period, self.warmup)
        return self.beta * jnp.minimum(1.0, time.astype(jnp.float32) / self.warmup)

    def cost(self, divergences: Float[Array, " groups"], step: Array) -> Float[Array, ""]:
        """What an objective loses to its divergences, each the mean over a batch."""
        return self.at(step) * jnp.sum(jnp.maximum(divergences, self.free_bits) if self.free_bits else divergences)
