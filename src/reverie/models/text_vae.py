"""Variational autoencoders of sentences: a code, and an autoregressive decoder that reads it at every step."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    Decodes,
    HasJointSample,
    HasPriorDistribution,
    HasRealCodes,
    HasTrainingForm,
    Latent,
    Speaks,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.categories import at_temperature
from reverie.networks.dilated import DilatedStack, dilated_stack
from reverie.networks.dropout import row_number
from reverie.networks.mlp import Affine, affine
from reverie.networks.recurrent import LSTM, lstm
from reverie.parts import Part, filled, known, learned, option


class SentenceDecoder(Part, HasRealCodes, Decodes, HasJointSample, Speaks, HasPriorDistribution, HasTrainingForm):
    """Abstract: h ~ N(0, I), p(x | h) = Π_t p(x_t | x_{<t}, h) up to and including the end mark.

    After the end mark there is padding, with probability one; a line that has not ended by its last place ends there.
    Windows of text have no end mark: every place counts. Who inherits says how the past is read.

    In training the decoder reads nought in the place of a token with probability `word_dropout`, so that it must look
    for what it cannot read in h. The density is that of the decoder which reads all of them.
    """

    latent: int = option(16)
    width: int = option(128)
    embedding: int = option(64)
    word_dropout: float = option(0.0)
    length: int = known()
    levels: int = known()
    marks: tuple[int, int] | None = known()
    table: Array = learned()
    out: Affine = learned()
    dropping: Any = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if min(self.latent, self.width, self.embedding) < 1:
            raise InputError("a text VAE needs latent, width and embedding >= 1")
        if not 0.0 <= self.word_dropout <= 1.0:
            raise InputError(f"word dropout is a probability from 0 to 1, not {self.word_dropout}")

    def unsuited(self, spec: Spec) -> str | None:
        """One block of categories with the same levels."""
        single = spec.single
        if single is not None and single.kind == "categorical" and len(set(single.counts)) == 1:
            return None
        return f"a text VAE takes text, or columns that share their levels, and these are {spec.kind}"

    @property
    def usual_reader(self) -> str:
        """As it is written, so it is read."""
        return "lstm"

    @abstractmethod
    def states(self, read: Float[Array, "time inputs"], h: Array) -> Float[Array, "time width"]:
        """What the decoder knows at each place, from the embedded tokens before it and h."""

    @abstractmethod
    def begin(self, h: Array) -> PyTree:
        """What it remembers before the first place."""

    @abstractmethod
    def step(self, memory: PyTree, read: Float[Array, " inputs"]) -> tuple[PyTree, Float[Array, " width"]]:
        """`states` one place at a time: what it remembers after a place, and what it knows there."""

    def _common(self, key: Key[Array, ""], spec: Spec) -> dict[str, Any]:
        """The fields of this class, filled."""
        (leaf,) = spec.leaves.values()
        key_table, key_out = jax.random.split(key)
        table = 0.1 * noise.normal(key_table, (leaf.levels + 1, self.embedding))  # The last row stands for the start.
        return {
            "length": leaf.size,
            "levels": leaf.levels,
            "marks": spec.marks,
            "table": table,
            "out": affine(key_out, self.width, leaf.levels),
        }

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of reals."""
        return (Latent("reals", self.latent),)

    def prior(self) -> dist.Distribution:
        """N(0, I)."""
        return dist.Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log N(h; 0, I)."""
        return self.prior().log_prob(h[0])

    def _logits(self, state: Float[Array, "*places width"]) -> Float[Array, "*places levels"]:
        """The logits of the next token; padding is never drawn."""
        logits = self.out(state)
        return logits if self.marks is None else logits.at[..., self.marks[1]].set(-jnp.inf)

    def in_training(self, key: Key[Array, ""]) -> Self:
        """With words dropped, others for each row and each key."""
        return filled(self, dropping=key) if self.word_dropout > 0 else self

    def _read(self, before: Array, x: Array) -> Float[Array, "time embedding"]:
        """The vectors of the tokens before each place, and in training nought for those that are dropped."""
        if self.dropping is None:
            return self.table[before]
        key = jax.random.fold_in(self.dropping, row_number(x))
        dropped = noise.uniform(key, (self.length,)) < self.word_dropout
        return jnp.where(dropped[:, None], 0.0, self.table[before])

    def log_likelihood(self, x: Array, h: tuple[Array, ...]) -> Array:
        """log p(x | h)."""
        before = jnp.concatenate([jnp.array([self.levels], x.dtype), x[:-1]])
        tiled = jnp.broadcast_to(h[0], (self.length, self.latent))
        logits = self._logits(self.states(jnp.concatenate([self._read(before, x), tiled], axis=1), h[0]))
        log_p = jnp.take_along_axis(jax.nn.log_softmax(logits), x[:, None], axis=1)[:, 0]
        if self.marks is None:
            return jnp.sum(log_p)
        ended = jnp.cumsum(x == self.marks[0]) - (x == self.marks[0])
        counts = (ended == 0) & (jnp.arange(self.length) < self.length - 1)
        return jnp.sum(jnp.where(counts, log_p, 0.0))

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """h from the prior, then token after token."""
        key_h, key_x = jax.random.split(key)
        h = (noise.normal(key_h, (self.latent,)),)
        return self.decode(key_x, h), h

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> Array:
        """Token after token."""
        return self._spoken(h[0], noise.categorical, key)

    def centre(self, h: tuple[Array, ...]) -> Array:
        """Token after token, each the likeliest."""
        return self._spoken(h[0], lambda one, logits: jnp.argmax(logits), noise.make_key(0))

    def _spoken(self, h: Array, choose: Callable[[Array, Array], Array], key: Key[Array, ""]) -> Array:
        """Tokens, each chosen by a key and the logits that those before it give."""

        def speak(carry: tuple[PyTree, Array, Array], at: tuple[Array, Array]) -> tuple[Any, Array]:
            (memory, before, ended), (place, one) = carry, at
            memory, state = self.step(memory, jnp.concatenate([self.table[before], h]))
            token = choose(one, self._logits(state)).astype(jnp.int32)
            if self.marks is None:
                return (memory, token, ended), token
            end, padding = self.marks
            token = jnp.where(ended, padding, jnp.where(place == self.length - 1, end, token))
            return (memory, token, ended | (token == end)), token

        first = (self.begin(h), jnp.asarray(self.levels, jnp.int32), jnp.asarray(False))
        places = (jnp.arange(self.length), jax.random.split(key, self.length))
        return jax.lax.scan(speak, first, places)[1]

    def spoken(self, key: Key[Array, ""], temperature: float = 1.0) -> Array:
        """h from the prior, whatever the temperature, then token after token: x of a dream at 1."""
        key_h, key_x = jax.random.split(key)
        h = noise.normal(key_h, (self.latent,))
        return self._spoken(h, lambda one, logits: at_temperature(one, logits, temperature), key_x)


class TextVAE(SentenceDecoder):
    """A VAE of sentences with an LSTM for a decoder, which reads h at every step and starts from it.

        h ~ N(0, I),  p(x | h) = Π_t p(x_t | x_{<t}, h),  s_t = LSTM([e(x_{t−1}), h], s_{t−1}),  s_0 = tanh(A h + a)

    Args:
        latent: the dimension of h.
        width: units of the LSTM.
        embedding: the dimension of a token's vector e.
        word_dropout: the probability that the decoder does not see the token before, in training alone (§3.1).

    Example:
        >>> from reverie.models import TextVAE
        >>> TextVAE(latent=8).latent
        8

    Reference: Bowman, Vilnis, Vinyals, Dai, Jozefowicz & Bengio 2016, *Generating sentences from a continuous space*.
    """

    start: Affine = learned()
    recurrence: LSTM = learned()

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights."""
        key_common, key_start, key_cell = jax.random.split(key, 3)
        return filled(
            self,
            start=affine(key_start, self.latent, self.width),
            recurrence=lstm(key_cell, self.embedding + self.latent, self.width),
            **self._common(key_common, spec),
        )

    def states(self, read: Float[Array, "time inputs"], h: Array) -> Float[Array, "time width"]:
        """The LSTM's outputs."""
        return self.recurrence(read, jnp.tanh(self.start(h)))

    def begin(self, h: Array) -> tuple[Array, Array]:
        """s_0 and c_0."""
        return self.recurrence.begin(jnp.tanh(self.start(h)))

    def step(self, memory: tuple[Array, Array], read: Float[Array, " inputs"]) -> tuple[tuple[Array, Array], Array]:
        """s_t and c_t."""
        return self.recurrence.step(memory, self.recurrence.inwards(read))


class DilatedTextVAE(SentenceDecoder):
    """A VAE of sentences with dilated convolutions for a decoder: how far it sees is a choice.

        h ~ N(0, I),  p(x | h) = Π_t p(x_t | x_{t−r}, …, x_{t−1}, h),  r = 2^depth

    The shorter its reach, the more h must carry.

    Args:
        latent: the dimension of h.
        width: channels.
        embedding: the dimension of a token's vector.
        word_dropout: the probability that the decoder does not see a token, in training alone (Bowman et al. 2016).
        depth: layers; each doubles the reach.

    Example:
        >>> from reverie.models import DilatedTextVAE
        >>> DilatedTextVAE(depth=3).depth
        3

    Reference: Yang, Hu, Salakhutdinov & Berg-Kirkpatrick 2017, *Improved variational autoencoders for text modeling
    using dilated convolutions*, §3.2.
    """

    depth: int = option(4)
    stack: DilatedStack = learned()

    def __check_init__(self) -> None:
        """Refuse a depth that is none."""
        if not 1 <= self.depth <= 16:
            raise InputError(f"depth must lie in 1..16, not {self.depth}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights."""
        key_common, key_stack = jax.random.split(key)
        stack = dilated_stack(key_stack, self.embedding + self.latent, self.width, self.depth)
        return filled(self, stack=stack, **self._common(key_common, spec))

    def states(self, read: Float[Array, "time inputs"], h: Array) -> Float[Array, "time width"]:
        """The stack's outputs."""
        return self.stack(read)

    def begin(self, h: Array) -> tuple[Array, ...]:
        """Nothing read."""
        return self.stack.begin(self.length)

    def step(self, memory: tuple[Array, ...], read: Float[Array, " inputs"]) -> tuple[tuple[Array, ...], Array]:
        """One place further."""
        return self.stack.step(memory, read)
