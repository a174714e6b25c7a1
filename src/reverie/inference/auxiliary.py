"""Posteriors made richer by auxiliary variables."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import Encoded
from reverie.inference.normal import halves, normal_log_prob, standard_log_prob
from reverie.networks.mlp import MLP
from reverie.parts import filled, learned, option


class AuxiliaryPosterior(Encoded, ReparameterisedProposal):
    """A Gaussian given x and an auxiliary variable, itself Gaussian given x: a mixture without a closed form.

        q(h, a | x) = q(a | x) q(h | a, x),    log q̂ = log q(h, a | x) − log r(a | x, h)

    r(a | x, h) is learned with the rest; p(x, h)/q̂ has the mean p(x) for any r, so all bounds stay bounds.

    Args:
        hidden: widths of the hidden layers of each of the three perceptrons; where not given one of 200, or none right
            after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        auxiliary: the dimension of a.

    Example:
        >>> from reverie.inference import AuxiliaryPosterior
        >>> AuxiliaryPosterior(auxiliary=8).auxiliary
        8

    Reference: Maaløe, Sønderby, Sønderby & Winther 2016, *Auxiliary deep generative models*, Eq. 4–5.
    """

    auxiliary: int = option(16)
    given: MLP = learned()
    reverse: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse a dimension that is none."""
        if self.auxiliary < 1:
            raise InputError(f"auxiliary is a dimension and must be at least 1, not {self.auxiliary}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Three perceptrons."""
        key_encoder, key_given, key_reverse = jax.random.split(key, 3)
        fields = self._encoder(key_encoder, spec, model, 2 * self.auxiliary)
        read, size = fields["read"], fields["size"]
        given = self.perceptron(key_given, read, 2 * size, beside=self.auxiliary)
        reverse = self.perceptron(key_reverse, read, 2 * self.auxiliary, beside=size)
        return filled(self, given=given, reverse=reverse, **fields)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I), for a and then for h."""
        return noise.normal(key, (self.auxiliary + self.size,))

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """a, then h given a; r takes a back."""
        read = self.read(x)
        mean, log_scale = halves(self.encoder(read))
        a = mean + jnp.exp(log_scale) * noise[: self.auxiliary]
        mean_h, log_scale_h = halves(self.given(read, a))
        h = mean_h + jnp.exp(log_scale_h) * noise[self.auxiliary :]
        log_q = standard_log_prob(noise) - jnp.sum(log_scale) - jnp.sum(log_scale_h)
        return (h,), log_q - normal_log_prob(a, *halves(self.reverse(read, h)))


class HierarchicalPosterior(Encoded, ReparameterisedProposal):
    """A factorised Gaussian whose own parameters λ are drawn from a flow over them.

        q(λ | x): planar flow of a Gaussian,    q(h | λ) = Π_i N(h_i; λ_i, e^{2λ_{d+i}}),
        log q̂ = log q(λ | x) + log q(h | λ) − log r(λ | x, h)

    Args:
        hidden: widths of the hidden layers of encoder and r; where not given one of 200, or none right after
            convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        planes: layers of the flow.

    Example:
        >>> from reverie.inference import HierarchicalPosterior
        >>> HierarchicalPosterior(planes=2).planes
        2

    Reference: Ranganath, Tran & Blei 2016, *Hierarchical variational models*, Eq. 3 and 8, §3.
    """

    planes: int = option(2)
    reverse: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse a number of planes that is none."""
        if self.planes < 0:
            raise InputError(f"planes must not be negative, and {self.planes} is")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """λ's log scales start below nought, so that draws follow λ's means."""
        (latent,) = model.latents
        size = latent.size
        key_encoder, key_reverse = jax.random.split(key)
        fields = self._encoder(key_encoder, spec, model, 4 * size + self.planes * (4 * size + 1))
        reverse = self.perceptron(key_reverse, fields["read"], 4 * size, beside=size)
        return filled(self, reverse=reverse, **fields)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I), for λ and then for h."""
        return noise.normal(key, (3 * self.size,))

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """λ, then h given λ; r takes λ back."""
        read = self.read(x)
        twice = 2 * self.size
        said = self.encoder(read)
        mean, log_scale = halves(said[: 2 * twice])
        moved = mean + jnp.exp(log_scale) * noise[:twice]
        log_q = standard_log_prob(noise) - jnp.sum(log_scale)
        for u, w, b in ((p[:twice], p[twice:-1], p[-1]) for p in said[2 * twice :].reshape(self.planes, 2 * twice + 1)):
            along = w @ u
            u = u + (jax.nn.softplus(along) - 1.0 - along) * w / (w @ w + 1e-6)
            bend = jnp.tanh(w @ moved + b)
            log_q -= jnp.log(jnp.abs(1.0 + (u @ w) * (1.0 - bend**2)))
            moved = moved + u * bend
        centre, steep = halves(moved)
        h = centre + jnp.exp(steep) * noise[twice:]
        log_r = normal_log_prob(moved, *halves(self.reverse(read, h)))
        return (h,), log_q - jnp.sum(steep) - log_r
