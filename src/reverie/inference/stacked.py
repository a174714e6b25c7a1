"""The posterior over two layers of code and a class between them."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Branches, Classifies, HasClass, HasPosteriorTerms, InfersFirstStage, RelaxesClass
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import each_normal_log_prob, halves, normal_log_prob, standard_log_prob
from reverie.networks.conditioned import ClassMLP, class_mlp
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class StackedPosterior(Part, HasPosteriorTerms, InfersFirstStage, RelaxesClass, Classifies):
    """A code of x, the class of that code, and a second code that knows both.

        q(z₁, z₂, y | x) = q(z₁ | x) q(y | z₁) q(z₂ | z₁, y);   with `skip` the last two read x as well

    Args:
        hidden: widths of the hidden layers of all three perceptrons.
        activation: of those layers.
        skip: whether class and second code also read x.
        draws: of z₁, over which `class_log_probs` averages.

    Example:
        >>> from reverie.inference import StackedPosterior
        >>> StackedPosterior(skip=True).draws
        16

    Reference: Kingma, Rezende, Mohamed & Welling 2014, §2, M1 + M2; with `skip`: Maaløe, Sønderby, Sønderby & Winther
    2016, *Auxiliary deep generative models*, Eq. 8.
    """

    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    skip: bool = option(default=False)
    draws: int = option(16)
    shape: tuple[Layout, ...] = known()
    sizes: tuple[int, int] = known()
    classes: int = known()
    below: MLP = learned()
    classifier: MLP = learned()
    encoder: ClassMLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS or self.draws < 1:
            raise InputError(
                f"a posterior needs hidden widths >= 1, draws >= 1 and an activation of {', '.join(ACTIVATIONS)}"
            )

    def unserving(self, model: Any) -> str | None:
        """Two blocks of reals and a class."""
        kinds = kinds_of(model)
        if isinstance(model, HasClass) and len(kinds) == 3:
            return None
        return f"StackedPosterior serves two blocks of reals and a class, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Three perceptrons."""
        keys = jax.random.split(key, 3)
        first, second, label = model.latents
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        read = first.size + (width if self.skip else 0)
        return filled(
            self,
            shape=shape,
            sizes=(first.size, second.size),
            classes=label.levels,
            below=mlp(keys[0], width, self.hidden, 2 * first.size, self.activation),
            classifier=mlp(keys[1], read, self.hidden, label.levels, self.activation),
            encoder=class_mlp(keys[2], read, label.levels, self.hidden, 2 * second.size, self.activation),
        )

    def _seen(self, code: Array, x: PyTree) -> Array:
        """What classifier and encoder read."""
        return jnp.concatenate([code, features(x, self.shape)]) if self.skip else code

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I), for z₁ and then for z₂."""
        return noise.normal(key, (sum(self.sizes),))

    def first(self, noise: Array, x: PyTree) -> tuple[Array, Array]:
        """μ(x) + σ(x) ε₁ and its density."""
        epsilon = noise[: self.sizes[0]]
        mean, log_scale = halves(self.below(features(x, self.shape)))
        return mean + jnp.exp(log_scale) * epsilon, standard_log_prob(epsilon) - jnp.sum(log_scale)

    def first_held(self) -> Self:
        """With q(z₁ | x) as it is."""
        return eqx.tree_at(lambda part: part.below, self, jax.lax.stop_gradient(self.below))

    def branches(self, noise: Array, x: PyTree) -> Branches:
        """One z₁ for all classes, and for each its own z₂."""
        code, log_first = self.first(noise, x)
        epsilon = noise[self.sizes[0] :]
        seen, every = self._seen(code, x), jnp.arange(self.classes, dtype=jnp.int32)
        mean, log_scale = jax.vmap(lambda y: halves(self.encoder(seen, y)))(every)
        log_q = log_first + standard_log_prob(epsilon) - jnp.sum(log_scale, axis=1)
        same = jnp.broadcast_to(code, (self.classes, code.shape[0]))
        return Branches((same, mean + jnp.exp(log_scale) * epsilon, every[:, None]), log_q, self.classifier(seen))

    def logits_of_class(self, noise: Array, x: PyTree) -> Array:
        """log q(y | z₁)."""
        return self.classifier(self._seen(self.first(noise, x)[0], x))

    def code_with_class(self, noise: Array, x: PyTree, y: Array) -> tuple[tuple[Array, ...], Array]:
        """z₁, and the z₂ of y."""
        code, log_first = self.first(noise, x)
        epsilon = noise[self.sizes[0] :]
        mean, log_scale = halves(self.encoder(self._seen(code, x), y))
        log_q = log_first + standard_log_prob(epsilon) - jnp.sum(log_scale)
        return (code, mean + jnp.exp(log_scale) * epsilon), log_q

    def class_log_probs(self, key: Key[Array, ""], x: PyTree) -> Array:
        """log of the mean of q(y | z₁) over draws of z₁."""
        codes = jax.vmap(lambda one: self.first(self.noise(one), x)[0])(jax.random.split(key, self.draws))
        each = jax.vmap(lambda code: jax.nn.log_softmax(self.classifier(self._seen(code, x))))(codes)
        return jax.nn.logsumexp(each, axis=0) - jnp.log(float(self.draws))

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """z₁, y, then z₂."""
        key_y, key_noise = jax.random.split(key)
        noises = self.noise(key_noise)
        code, _ = self.first(noises, x)
        seen = self._seen(code, x)
        y = noise.categorical(key_y, self.classifier(seen))
        mean, log_scale = halves(self.encoder(seen, y))
        return code, mean + jnp.exp(log_scale) * noises[self.sizes[0] :], y[None]

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(z₁ | x) + log q(y | z₁) + log q(z₂ | z₁, y)."""
        code, top, (y,) = h
        seen = self._seen(code, x)
        log_first = normal_log_prob(code, *halves(self.below(features(x, self.shape))))
        log_class = jax.nn.log_softmax(self.classifier(seen))[y]
        return log_first + log_class + normal_log_prob(top, *halves(self.encoder(seen, y)))

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable of both codes, and of y."""
        code, top, y = h
        seen = self._seen(code, x)
        first = each_normal_log_prob(code, *halves(self.below(features(x, self.shape))))
        second = each_normal_log_prob(top, *halves(self.encoder(seen, y[0])))
        return first, second, jax.nn.log_softmax(self.classifier(seen))[y]
