"""The posterior over a class and a code that knows the class."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Branches, Classifies, HasClass, HasPosteriorTerms, RelaxesClass
from reverie.data.spec import Spec
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import each_normal_log_prob, halves, normal_log_prob, standard_log_prob
from reverie.inference.reading import Perceiving
from reverie.networks.conditioned import ClassMLP
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned


class ClassPosterior(Perceiving, HasPosteriorTerms, RelaxesClass, Classifies):
    """A classifier, and a diagonal Gaussian whose parameters a network reads off x and the class.

        q(z, y | x) = q(y | x) q(z | x, y),    z = μ_φ(x, y) + σ_φ(x, y) ε

    Args:
        hidden: widths of the hidden layers of both; where not given one of 200, or none right after convolutions or an
            LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import ClassPosterior
        >>> ClassPosterior(hidden=(64,)).hidden
        (64,)

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 4.
    """

    size: int = known()
    classes: int = known()
    classifier: MLP = learned()
    encoder: ClassMLP = learned()

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
        read = self.new_reader(key, spec, model)
        return filled(
            self,
            read=read,
            size=code.size,
            classes=label.levels,
            classifier=self.perceptron(key_class, read, label.levels),
            encoder=self.class_perceptron(key_code, read.width, label.levels, 2 * code.size),
        )

    def class_log_probs(self, key: Key[Array, ""], x: PyTree) -> Array:
        """log q(y | x)."""
        return jax.nn.log_softmax(self.classifier(self.read(x)))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.size,))

    def branches(self, noise: Array, x: PyTree) -> Branches:
        """μ(x, y) + σ(x, y) ε for each y."""
        read, every = self.read(x), jnp.arange(self.classes, dtype=jnp.int32)
        mean, log_scale = jax.vmap(lambda y: halves(self.encoder(read, y)))(every)
        log_q = standard_log_prob(noise) - jnp.sum(log_scale, axis=1)
        return Branches((mean + jnp.exp(log_scale) * noise, every[:, None]), log_q, self.classifier(read))

    def logits_of_class(self, noise: Array, x: PyTree) -> Array:
        """log q(y | x)."""
        return self.classifier(self.read(x))

    def code_with_class(self, noise: Array, x: PyTree, y: Array) -> tuple[tuple[Array, ...], Array]:
        """μ(x, y) + σ(x, y) ε."""
        mean, log_scale = halves(self.encoder(self.read(x), y))
        return (mean + jnp.exp(log_scale) * noise,), standard_log_prob(noise) - jnp.sum(log_scale)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """y, then z."""
        key_y, key_z = jax.random.split(key)
        read = self.read(x)
        y = noise.categorical(key_y, self.classifier(read))
        mean, log_scale = halves(self.encoder(read, y))
        return mean + jnp.exp(log_scale) * self.noise(key_z), y[None]

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(y | x) + log q(z | x, y)."""
        z, (y,) = h
        read = self.read(x)
        return jax.nn.log_softmax(self.classifier(read))[y] + normal_log_prob(z, *halves(self.encoder(read, y)))

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable of z, and of y."""
        z, y = h
        read = self.read(x)
        each = each_normal_log_prob(z, *halves(self.encoder(read, y[0])))
        return each, jax.nn.log_softmax(self.classifier(read))[y]
