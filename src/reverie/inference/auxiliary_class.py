"""The posterior over a class and a code, with an auxiliary variable before both."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Branches, Classifies, HasClass, RelaxesClass
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import halves, normal_log_prob, standard_log_prob
from reverie.inference.reading import Perceiving
from reverie.networks.conditioned import ClassMLP
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned, option


class AuxiliaryClassPosterior(Perceiving, RelaxesClass, Classifies):
    """A Gaussian auxiliary variable a, which ties the class and the code together, and a network that takes it back.

        q(a, z, y | x) = q(a | x) q(y | a, x) q(z | a, x, y),    log q̂ = log q(a, z, y | x) − log r(a | x, z, y)

    r is learned with the rest; p(x, h)/q̂ has the mean p(x) for any r.

    Args:
        hidden: widths of the hidden layers of each of the four perceptrons; where not given one of 200, or none right
            after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        auxiliary: the dimension of a.
        draws: of a, over which `class_log_probs` averages.

    Example:
        >>> from reverie.inference import AuxiliaryClassPosterior
        >>> AuxiliaryClassPosterior(auxiliary=8).auxiliary
        8

    Reference: Maaløe, Sønderby, Sønderby & Winther 2016, *Auxiliary deep generative models*, Eq. 6–8.
    """

    auxiliary: int = option(16)
    draws: int = option(16)
    size: int = known()
    classes: int = known()
    before: MLP = learned()
    classifier: MLP = learned()
    encoder: ClassMLP = learned()
    reverse: ClassMLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if min(self.auxiliary, self.draws) < 1:
            raise InputError(f"auxiliary and draws must be at least 1, not {self.auxiliary} and {self.draws}")

    def unserving(self, model: Any) -> str | None:
        """One block of reals and a class."""
        kinds = kinds_of(model)
        if isinstance(model, HasClass) and len(kinds) == 2:
            return None
        return f"AuxiliaryClassPosterior serves one block of reals and a class, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Four perceptrons."""
        keys = jax.random.split(key, 4)
        code, label = model.latents
        read, classes = self.new_reader(key, spec, model), label.levels
        with_a, with_code = read.width + self.auxiliary, read.width + code.size
        return filled(
            self,
            read=read,
            size=code.size,
            classes=classes,
            before=self.perceptron(keys[0], read, 2 * self.auxiliary),
            classifier=self.perceptron(keys[1], read, classes, beside=self.auxiliary),
            encoder=self.class_perceptron(keys[2], with_a, classes, 2 * code.size),
            reverse=self.class_perceptron(keys[3], with_code, classes, 2 * self.auxiliary),
        )

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I), for a and then for z."""
        return noise.normal(key, (self.auxiliary + self.size,))

    def _before(self, epsilon: Array, read: Array) -> tuple[Array, Array]:
        """a and log q(a | x)."""
        mean, log_scale = halves(self.before(read))
        return mean + jnp.exp(log_scale) * epsilon, standard_log_prob(epsilon) - jnp.sum(log_scale)

    def _branch(self, epsilon: Array, read: Array, a: Array, y: Array) -> tuple[Array, Array]:
        """z of a class, and log q(z | a, x, y) − log r(a | x, z, y)."""
        mean, log_scale = halves(self.encoder(jnp.concatenate([read, a]), y))
        z = mean + jnp.exp(log_scale) * epsilon
        log_r = normal_log_prob(a, *halves(self.reverse(jnp.concatenate([read, z]), y)))
        return z, standard_log_prob(epsilon) - jnp.sum(log_scale) - log_r

    def branches(self, noise: Array, x: PyTree) -> Branches:
        """One a for all classes, and for each its own z."""
        read, every = self.read(x), jnp.arange(self.classes, dtype=jnp.int32)
        a, log_a = self._before(noise[: self.auxiliary], read)
        z, log_q = jax.vmap(lambda y: self._branch(noise[self.auxiliary :], read, a, y))(every)
        return Branches((z, every[:, None]), log_a + log_q, self.classifier(jnp.concatenate([read, a])))

    def logits_of_class(self, noise: Array, x: PyTree) -> Array:
        """log q(y | a, x)."""
        read = self.read(x)
        return self.classifier(jnp.concatenate([read, self._before(noise[: self.auxiliary], read)[0]]))

    def code_with_class(self, noise: Array, x: PyTree, y: Array) -> tuple[tuple[Array, ...], Array]:
        """The z of y."""
        read = self.read(x)
        a, log_a = self._before(noise[: self.auxiliary], read)
        z, log_q = self._branch(noise[self.auxiliary :], read, a, y)
        return (z,), log_a + log_q

    def propose(self, key: Key[Array, ""], x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """a, y, then z."""
        key_y, key_noise = jax.random.split(key)
        noises, read = self.noise(key_noise), self.read(x)
        a, log_a = self._before(noises[: self.auxiliary], read)
        logits = self.classifier(jnp.concatenate([read, a]))
        y = noise.categorical(key_y, logits)
        z, log_q = self._branch(noises[self.auxiliary :], read, a, y)
        return (z, y[None]), log_a + jax.nn.log_softmax(logits)[y] + log_q

    def class_log_probs(self, key: Key[Array, ""], x: PyTree) -> Array:
        """log of the mean of q(y | a, x) over draws of a."""
        read = self.read(x)
        noises = noise.normal(key, (self.draws, self.auxiliary))
        every = jax.vmap(lambda one: jnp.concatenate([read, self._before(one, read)[0]]))(noises)
        each = jax.vmap(lambda seen: jax.nn.log_softmax(self.classifier(seen)))(every)
        return jax.nn.logsumexp(each, axis=0) - jnp.log(float(self.draws))
