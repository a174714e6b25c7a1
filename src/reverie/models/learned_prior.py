"""VAEs whose prior is learned."""

from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.capabilities import HasMixturePrior
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.priors import AutoregressivePrior, FlowPrior, MixturePrior, Prior
from reverie.models.vae import OneBlockDecoder
from reverie.parts import filled, learned, option


class MixturePriorVAE(OneBlockDecoder, HasMixturePrior):
    """A VAE whose prior is a mixture of Gaussians, the component summed out: the marginalised GMVAE.

        h ~ Σ_k π_k N(μ_k, diag σ_k²),    x | h ~ p(x; f_θ(h))

    The divergence from a posterior has no closed form here and is sampled. The prior starts with about the moments of
    N(0, I). What moves its components is the learner's affair: their gradient, or pseudo-inputs (`VampPrior`).

    Args:
        latent: the dimension of h.
        hidden: widths of the decoder's hidden layers; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.
        count: how many components the prior has.

    Example:
        >>> from reverie.models import MixturePriorVAE
        >>> MixturePriorVAE(latent=8, count=20).count
        20

    Reference: Dilokthanakul et al. 2016; Jiang et al. 2017, *Variational deep embedding*.
    """

    count: int = option(10)
    density: MixturePrior = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no prior."""
        if self.count < 1:
            raise InputError(f"a mixture needs at least one component, not count={self.count}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A decoder whose output bias fits the columns' means, and components spread like N(0, I)."""
        key_decoder, key_prior = jax.random.split(key)
        density = MixturePrior.start(key_prior, self.latent, self.count)
        return filled(self, decoder=self.new_decoder(key_decoder, self.latent, spec), density=density)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log Σ_k π_k N(h; μ_k, diag σ_k²)."""
        return self.density.log_prob(h[0])

    def draw_prior(self, key: Key[Array, ""]) -> Array:
        """A component, then a Gaussian."""
        return self.density.sample(key)

    @property
    def prior_components(self) -> int:
        """K."""
        return self.count

    def with_prior(self, means: Array, scales: Array) -> "MixturePriorVAE":
        """The model with other components, equally weighted."""
        density = MixturePrior(jnp.zeros_like(means[:, 0]), means, jnp.log(scales))
        return filled(self, density=density)


class LearnedPriorVAE(OneBlockDecoder):
    """A VAE in which p(h) is no standard normal but learned with the rest.

        h ~ p_θ(h),    x | h ~ p(x; f_θ(h))

        flow            h = g_θ(ε), ε ~ N(0, I), of affine coupling layers
        autoregressive  p(h) = Π_i N(h_i; μ_i(h_{<i}), σ_i(h_{<i})²)

    The best prior for a posterior q is its average over the data, which a normal is not; a prior that can follow it
    leaves less to pay in the divergence, which here has no closed form and is sampled. Each starts near N(0, I).

    Args:
        latent: the dimension of h.
        hidden: widths of the decoder's hidden layers; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.
        prior: `flow` or `autoregressive`.
        layers: how many layers the flow has.
        width: of the hidden layer of the flow's and of the autoregressive network.

    Example:
        >>> from reverie.models import LearnedPriorVAE
        >>> LearnedPriorVAE(latent=8, prior="flow").layers
        4

    Reference: the aggregate posterior as the best prior: Hoffman & Johnson 2016; flows and autoregression: Chen et al.
    2017, *Variational lossy autoencoder*, §3.2.
    """

    prior: Literal["flow", "autoregressive"] = option("flow")
    layers: int = option(4)
    width: int = option(64)
    density: Prior = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no prior."""
        if self.prior not in ("flow", "autoregressive"):
            raise InputError(f"prior must be flow or autoregressive, not {self.prior!r}")
        if min(self.layers, self.width) < 1:
            raise InputError("a learned prior needs layers and width of at least 1")
        if self.prior == "flow" and self.latent < 2:
            raise InputError("a flow of coupling layers needs latent >= 2: choose another prior for one dimension")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A decoder whose output bias fits the columns' means, and a prior near N(0, I)."""
        key_decoder, key_prior = jax.random.split(key)
        density: Prior
        if self.prior == "flow":
            density = FlowPrior.start(key_prior, self.latent, self.layers, self.width)
        else:
            density = AutoregressivePrior.start(key_prior, self.latent, self.width)
        return filled(self, decoder=self.new_decoder(key_decoder, self.latent, spec), density=density)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(h)."""
        return self.density.log_prob(h[0])

    def draw_prior(self, key: Key[Array, ""]) -> Array:
        """Draw h ~ p(h)."""
        return self.density.sample(key)
