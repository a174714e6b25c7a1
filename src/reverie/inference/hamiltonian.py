"""Hamiltonian variational inference."""

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import ConsultsModel, HasRealCodes, ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import Encoded
from reverie.inference.normal import halves, normal_log_prob, standard_log_prob
from reverie.networks.mlp import MLP
from reverie.parts import filled, learned, option


class HamiltonianPosterior(Encoded, ReparameterisedProposal, ConsultsModel):
    """A Gaussian start, moved by leapfrog steps along ∇_h log p(x, h) with a momentum that is an auxiliary variable.

        h₀ ~ N(μ(x), σ(x)²),  v₀ ~ N(0, I),  (h, v) = leapfrog(h₀, v₀),
        log q̂ = log q(h₀ | x) + log N(v₀; 0, I) − log r(v | x, h)

    Several blocks of reals move as one long vector. The leapfrog keeps volumes, so that no determinant enters. Step
    sizes, one a variable, and r are learned; gradients pass through the model's own.

    Args:
        hidden: widths of the hidden layers of encoder and r; where not given one of 200, or none right after
            convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        steps: leapfrog steps.
        start: the step size before learning.

    Example:
        >>> from reverie.inference import HamiltonianPosterior
        >>> HamiltonianPosterior(steps=5).steps
        5

    Reference: Salimans, Kingma & Welling 2015, *Markov chain Monte Carlo and variational inference: bridging the gap*,
    Alg. 3, §3.
    """

    asks: ClassVar[type] = HasRealCodes
    several: ClassVar[bool] = True
    steps: int = option(3)
    start: float = option(0.1)
    log_step: Array = learned()
    reverse: MLP = learned()
    model: Any = learned()

    def __check_init__(self) -> None:
        """Refuse steps that are none."""
        if self.steps < 1 or not 0 < self.start < float("inf"):
            raise InputError("a Hamiltonian posterior needs steps >= 1 and a positive, finite start")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small steps."""
        key_encoder, key_reverse = jax.random.split(key)
        size = sum(one.size for one in model.latents)
        fields = self._encoder(key_encoder, spec, model, 2 * size)
        reverse = self.perceptron(key_reverse, fields["read"], 2 * size, beside=size)
        log_step = jnp.full(size, jnp.log(self.start))
        return filled(self, log_step=log_step, reverse=reverse, **fields)

    def consulting(self, model: Any) -> Self:
        """With the model at hand."""
        return filled(self, model=model)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I), for the start and then for the momentum."""
        return noise.normal(key, (2 * self.size,))

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """The start, the leapfrog, and the momentum taken back."""
        read = self.read(x)
        mean, log_scale = halves(self.encoder(read))
        h, v = mean + jnp.exp(log_scale) * noise[: self.size], noise[self.size :]
        step = jnp.exp(self.log_step)
        slope = jax.grad(lambda h: self.model.log_joint(x, self.blocks(h)))

        def leap(state: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
            h, v = state
            v = v + 0.5 * step * slope(h)
            h = h + step * v
            return (h, v + 0.5 * step * slope(h)), None

        (h, v), _ = jax.lax.scan(leap, (h, v), None, self.steps)
        log_q = standard_log_prob(noise) - jnp.sum(log_scale)
        return self.blocks(h), log_q - normal_log_prob(v, *halves(self.reverse(jnp.concatenate([read, h]))))
