"""The posterior over a class and a code that knows the class."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Branches, Classifies, HasClass, HasPosteriorTerms, RelaxesClass
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import each_normal_log_prob, halves, normal_log_prob, standard_log_prob
from reverie.networks.conditioned import ClassMLP, class_mlp
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class ClassPosterior(Part, HasPosteriorTerms, RelaxesClass, Classifies):
    """A classifier, and a diagonal Gaussian whose parameters a perceptron reads off x and the class.

        q(z, y | x) = q(y | x) q(z | x, y),    z = μ_φ(x, y) + σ_φ(x, y) ε

    Args:
        hidden: widths of the hidden layers of both.
        activation: of those layers.

    Example:
        >>> from reverie.inference import ClassPosterior
        >>> ClassPosterior(hidden=(64,)).hidden
        (64,)

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 4.
    """

    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    size: int = known()
    classes: int = known()
    classifier: MLP = learned()
    encoder: ClassMLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"a posterior needs hidden widths >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unserving(self, model: Any) -> str | None:
        """One block of reals and a class."""
        kinds = kinds_of(model)
        if isinstance(model, HasClass) and len(kinds) == 2:
            return None
        return f"ClassPosterior serves one block of reals and a class, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Two perceptrons."""
        key_class, key_code = jax.random.split(key)
        code, label = model.latents
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        return filled(
            self,
            shape=shape,
            size=code.size,
            classes=label.levels,
            classifier=mlp(key_class, width, self.hidden, label.levels, self.activation),
            encoder=class_mlp(key_code, width, label.levels, self.hidden, 2 * code.size, self.activation),
        )

    def class_log_probs(self, key: Key[Array, ""], x: PyTree) -> Array:
        """log q(y | x)."""
        return jax.nn.log_softmax(self.classifier(features(x, self.shape)))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.size,))

    def branches(self, noise: Array, x: PyTree) -> Branches:
        """μ(x, y) + σ(x, y) ε for each y."""
        read, every = features(x, self.shape), jnp.arange(self.classes, dtype=jnp.int32)
        mean, log_scale = jax.vmap(lambda y: halves(self.encoder(read, y)))(every)
        log_q = standard_log_prob(noise) - jnp.sum(log_scale, axis=1)
        return Branches((mean + jnp.exp(log_scale) * noise, every[:, None]), log_q, self.classifier(read))

    def logits_of_class(self, noise: Array, x: PyTree) -> Array:
        """log q(y | x)."""
        return self.classifier(features(x, self.shape))

    def code_with_class(self, noise: Array, x: PyTree, y: Array) -> tuple[tuple[Array, ...], Array]:
        """μ(x, y) + σ(x, y) ε."""
        mean, log_scale = halves(self.encoder(features(x, self.shape), y))
        return (mean + jnp.exp(log_scale) * noise,), standard_log_prob(noise) - jnp.sum(log_scale)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """y, then z."""
        key_y, key_z = jax.random.split(key)
        read = features(x, self.shape)
        y = noise.categorical(key_y, self.classifier(read))
        mean, log_scale = halves(self.encoder(read, y))
        return mean + jnp.exp(log_scale) * self.noise(key_z), y[None]

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(y | x) + log q(z | x, y)."""
        z, (y,) = h
        read = features(x, self.shape)
        return jax.nn.log_softmax(self.classifier(read))[y] + normal_log_prob(z, *halves(self.encoder(read, y)))

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable of z, and of y."""
        z, y = h
        read = features(x, self.shape)
        each = each_normal_log_prob(z, *halves(self.encoder(read, y[0])))
        return each, jax.nn.log_softmax(self.classifier(read))[y]
