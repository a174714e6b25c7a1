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
from reverie.inference.reading import Perceiving
from reverie.networks.conditioned import ClassMLP
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned, option


class StackedPosterior(Perceiving, HasPosteriorTerms, InfersFirstStage, RelaxesClass, Classifies):
    """A code of x, the class of that code, and a second code that knows both.

        q(z₁, z₂, y | x) = q(z₁ | x) q(y | z₁) q(z₂ | z₁, y);   with `skip` the last two read x as well

    Args:
        hidden: widths of the hidden layers of all three perceptrons; where not given one of 200, or none right after
            convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        skip: whether class and second code also read x.
        draws: of z₁, over which `class_log_probs` averages.

    Example:
        >>> from reverie.inference import StackedPosterior
        >>> StackedPosterior(skip=True).draws
        16

    Reference: Kingma, Rezende, Mohamed & Welling 2014, §2, M1 + M2; with `skip`: Maaløe, Sønderby, Sønderby & Winther
    2016, *Auxiliary deep generative models*, Eq. 8.
    """

    skip: bool = option(default=False)
    draws: int = option(16)
    sizes: tuple[int, int] = known()
    classes: int = known()
    below: MLP = learned()
    classifier: MLP = learned()
    encoder: ClassMLP = learned()

    def __check_init__(self) -> None:
        """Refuse draws that are none."""
        if self.draws < 1:
            raise InputError(f"a stacked posterior needs draws >= 1, not {self.draws}")

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
        read = self.new_reader(key, spec, model)
        seen = first.size + (read.width if self.skip else 0)
        return filled(
            self,
            read=read,
            sizes=(first.size, second.size),
            classes=label.levels,
            below=self.perceptron(keys[0], read, 2 * first.size),
            classifier=self.perceptron(keys[1], seen, label.levels),
            encoder=self.class_perceptron(keys[2], seen, label.levels, 2 * second.size),
        )

    def _seen(self, code: Array, read: Array) -> Array:
        """What classifier and encoder get."""
        return jnp.concatenate([code, read]) if self.skip else code

    def _below(self, epsilon: Array, read: Array) -> tuple[Array, Array]:
        """z₁ and its density."""
        mean, log_scale = halves(self.below(read))
        return mean + jnp.exp(log_scale) * epsilon, standard_log_prob(epsilon) - jnp.sum(log_scale)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I), for z₁ and then for z₂."""
        return noise.normal(key, (sum(self.sizes),))

    def first(self, noise: Array, x: PyTree) -> tuple[Array, Array]:
        """μ(x) + σ(x) ε₁ and its density."""
        return self._below(noise[: self.sizes[0]], self.read(x))

    def first_held(self) -> Self:
        """With q(z₁ | x) as it is."""
        return eqx.tree_at(lambda part: part.below, self, jax.lax.stop_gradient(self.below))

    def branches(self, noise: Array, x: PyTree) -> Branches:
        """One z₁ for all classes, and for each its own z₂."""
        read, epsilon = self.read(x), noise[self.sizes[0] :]
        code, log_first = self._below(noise[: self.sizes[0]], read)
        seen, every = self._seen(code, read), jnp.arange(self.classes, dtype=jnp.int32)
        mean, log_scale = jax.vmap(lambda y: halves(self.encoder(seen, y)))(every)
        log_q = log_first + standard_log_prob(epsilon) - jnp.sum(log_scale, axis=1)
        same = jnp.broadcast_to(code, (self.classes, code.shape[0]))
        return Branches((same, mean + jnp.exp(log_scale) * epsilon, every[:, None]), log_q, self.classifier(seen))

    def logits_of_class(self, noise: Array, x: PyTree) -> Array:
        """log q(y | z₁)."""
        read = self.read(x)
        return self.classifier(self._seen(self._below(noise[: self.sizes[0]], read)[0], read))

    def code_with_class(self, noise: Array, x: PyTree, y: Array) -> tuple[tuple[Array, ...], Array]:
        """z₁, and the z₂ of y."""
        read, epsilon = self.read(x), noise[self.sizes[0] :]
        code, log_first = self._below(noise[: self.sizes[0]], read)
        mean, log_scale = halves(self.encoder(self._seen(code, read), y))
        log_q = log_first + standard_log_prob(epsilon) - jnp.sum(log_scale)
        return (code, mean + jnp.exp(log_scale) * epsilon), log_q

    def class_log_probs(self, key: Key[Array, ""], x: PyTree) -> Array:
        """log of the mean of q(y | z₁) over draws of z₁."""
        read = self.read(x)
        keys = jax.random.split(key, self.draws)
        codes = jax.vmap(lambda one: self._below(self.noise(one)[: self.sizes[0]], read)[0])(keys)
        each = jax.vmap(lambda code: jax.nn.log_softmax(self.classifier(self._seen(code, read))))(codes)
        return jax.nn.logsumexp(each, axis=0) - jnp.log(float(self.draws))

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """z₁, y, then z₂."""
        key_y, key_noise = jax.random.split(key)
        noises, read = self.noise(key_noise), self.read(x)
        code, _ = self._below(noises[: self.sizes[0]], read)
        seen = self._seen(code, read)
        y = noise.categorical(key_y, self.classifier(seen))
        mean, log_scale = halves(self.encoder(seen, y))
        return code, mean + jnp.exp(log_scale) * noises[self.sizes[0] :], y[None]

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(z₁ | x) + log q(y | z₁) + log q(z₂ | z₁, y)."""
        (code, top, (y,)), read = h, self.read(x)
        seen = self._seen(code, read)
        log_first = normal_log_prob(code, *halves(self.below(read)))
        log_class = jax.nn.log_softmax(self.classifier(seen))[y]
        return log_first + log_class + normal_log_prob(top, *halves(self.encoder(seen, y)))

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable of both codes, and of y."""
        (code, top, y), read = h, self.read(x)
        seen = self._seen(code, read)
        first = each_normal_log_prob(code, *halves(self.below(read)))
        second = each_normal_log_prob(top, *halves(self.encoder(seen, y[0])))
        return first, second, jax.nn.log_softmax(self.classifier(seen))[y]
