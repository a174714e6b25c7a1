"""VAEs with a class among their latent variables: it sets where the code lies, or is read by the decoder."""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Int, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    Decodes,
    HasClass,
    HasJointSample,
    HasPriorTerms,
    HasRelaxedJoint,
    Latent,
    Samplable,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.classes import count_of
from reverie.models.decoder import Decoder, Decoding
from reverie.networks.conditioned import point_of, row_of
from reverie.parts import filled, known, learned, option


class ClassVAE(Decoding, HasClass, HasRelaxedJoint, HasPriorTerms, Decodes, HasJointSample, Samplable):
    """Abstract: h = (z, y) of a block of reals and one category, p(y) p(z | y) p(x | z, y)."""

    latent: int = option(16)
    classes: int | None = option(None)
    hidden: tuple[int, ...] | None = option(None)
    levels: int = known()
    logits: Array = learned()
    decoder: Decoder = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        few = self.classes is not None and self.classes < 2
        if few or self.latent < 1:
            raise InputError("a VAE with classes needs latent >= 1 and classes >= 2")

    @abstractmethod
    def code_given(self, y: Int[Array, ""]) -> dist.Independent:
        """p(z | y), variables that are independent."""

    @abstractmethod
    def read(self, z: Array, y: Array) -> Array:
        """What the decoder reads; y is a class or a point of the simplex."""

    @property
    def latents(self) -> tuple[Latent, ...]:
        """z and y."""
        return (Latent("reals", self.latent), Latent("categories", 1, self.levels or count_of(self.classes)))

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(y) + log p(z | y), linear in a relaxed y."""
        z, (y,) = h
        return row_of(jax.nn.log_softmax(self.logits), y) + self._log_code(z, y)

    def _log_code(self, z: Array, y: Array) -> Array:
        if not jnp.issubdtype(y.dtype, jnp.floating):
            return self.code_given(y).log_prob(z)
        return y @ jax.vmap(lambda one: self.code_given(one).log_prob(z))(jnp.arange(self.levels))

    def prior_terms(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """Of each variable of z, and of y."""
        z, y = h
        return self.code_given(y[0]).base_dist.log_prob(z), jax.nn.log_softmax(self.logits)[y]

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | z, y)."""
        z, (y,) = h
        return self.decoder.log_prob(x, self.read(z, y))

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h)."""
        return self.decoder.sample(key, self.read(h[0], h[1][0]))

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The decoder's centre."""
        return self.decoder.centre(self.read(h[0], h[1][0]))

    def _draw(self, key: Key[Array, ""], y: Int[Array, ""]) -> tuple[PyTree, Array]:
        key_z, key_x = jax.random.split(key)
        normal = self.code_given(y)
        z = normal.mean + jnp.sqrt(normal.variance) * noise.normal(key_z, (self.latent,))
        return self.decoder.sample(key_x, self.read(z, y)), z

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """y, then z, then x."""
        key_y, key_rest = jax.random.split(key)
        y = noise.categorical(key_y, self.logits)
        x, z = self._draw(key_rest, y)
        return x, (z, y[None])

    def sample_given(self, key: Key[Array, ""], y: Int[Array, ""]) -> PyTree:
        """z, then x."""
        return self._draw(key, y)[0]

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]


class GMVAE(ClassVAE):
    """A VAE whose code comes from a mixture of Gaussians, the component being a latent variable of its own.

        y ~ Cat(π),    z | y ~ N(μ_y, diag σ_y²),    x | z ~ p(x; f_θ(z))

    Clustering in the code: q(y | x) assigns rows to components. (With the component summed out of the prior, so that
    nothing is assigned, it is `MixturePriorVAE`.)

    Args:
        latent: the dimension of z.
        classes: how many components; as many as the labels name where not given, ten where there are none.
        hidden: widths of the decoder's hidden layers; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import GMVAE
        >>> [(one.kind, one.size) for one in GMVAE(latent=8, classes=5).latents]
        [('reals', 8), ('categories', 1)]

    Reference: Jiang et al. 2017, *Variational deep embedding*, Eq. 1–3; Dilokthanakul et al. 2016.
    """

    usual: ClassVar[dict[str, str]] = {"learner": "marginal-elbo"}
    means: Array = learned()
    log_scales: Array = learned()

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Equal weights, and components that lie apart."""
        key_decoder, key_means = jax.random.split(key)
        count = count_of(self.classes, spec)
        shape = (count, self.latent)
        return filled(
            self,
            levels=count,
            logits=jnp.zeros(count),
            decoder=self.new_decoder(key_decoder, self.latent, spec),
            means=noise.normal(key_means, shape),
            log_scales=jnp.zeros(shape),
        )

    def code_given(self, y: Int[Array, ""]) -> dist.Independent:
        """N(μ_y, diag σ_y²)."""
        return dist.Normal(self.means[y], jnp.exp(self.log_scales[y])).to_event(1)

    def read(self, z: Array, y: Array) -> Array:
        """z alone."""
        return z


class CVAE(ClassVAE):
    """A VAE whose decoder reads a class beside the code, which is then free to hold the rest.

        y ~ Cat(π),    z ~ N(0, I),    x | z, y ~ p(x; f_θ(z, y))

    With labels it is the generative half of semi-supervised learning's M2, and of the conditional VAE for a class that
    is given.

    Args:
        latent: the dimension of z.
        classes: how many; as many as the labels name where not given, ten where there are none.
        hidden: widths of the decoder's hidden layers; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import CVAE
        >>> CVAE(latent=8, classes=3).latents[1].levels
        3

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 2;
    Sohn, Lee & Yan 2015, for a class that is always given.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Equal weights."""
        count = count_of(self.classes, spec)
        decoder = self.new_decoder(key, self.latent + count, spec)
        return filled(self, levels=count, logits=jnp.zeros(count), decoder=decoder)

    def code_given(self, y: Int[Array, ""]) -> dist.Independent:
        """N(0, I), whatever y."""
        return dist.Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def read(self, z: Array, y: Array) -> Array:
        """z and the one-hot y."""
        return jnp.concatenate([z, point_of(y, self.levels)])
