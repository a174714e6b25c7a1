"""Bulk random numbers: a counter-based generator that JAX's own keys drive.

Bits of a draw: element i of a draw is the first word of

    Threefry-2x32-13(key = (k₀, k₁), counter = (i mod 2³², i div 2³²))

Its authors publish known answers for 13 rounds and know of no statistical flaw from 13 on. Each element is a function
of the key and its own index only, so one device and several give the same bits, and XLA fuses the draw with its use.

Keys: seeded, split and folded with Threefry-2x32-20, word for word as JAX's `threefry2x32` does. The key words of
a run are therefore the same under either implementation, `"counter"` and `"threefry"` (JAX's own bits). As in JAX,
child i of a split is also what folding in i gives: split a key or fold into it, not both.

    >>> from reverie import noise
    >>> noise.uniform(noise.make_key(0), (2, 3)).shape
    (2, 3)

References: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
2011, and the notes on `Threefry2x32_R` in their library Random123. G. E. P. Box and M. E. Muller, "A note on the
generation of random normal deviates", Annals of Mathematical Statistics 29, 1958. M. Abramowitz and I. A. Stegun,
"Handbook of mathematical functions", equation 4.3.97.
"""

import math
import operator
from functools import partial, reduce
from itertools import accumulate

import jax
import jax.extend.random
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from reverie.errors import InputError

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = np.uint32(0x1BD11BDA)


def threefry_2x32(rounds: int, key: tuple[Array, Array], counter: tuple[Array, Array]) -> tuple[Array, Array]:
    """The two words of Threefry-2x32 at a counter (low, high), or in whatever order the words of the counter come.

    Unrolled, XLA fuses it into one pass with its neighbours; JAX's own lowering for the CPU is a loop through memory.
    """
    schedule = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    x, y = counter[0] + schedule[0], counter[1] + schedule[1]
    for i in range(rounds):
        turn = _ROTATIONS[i % 8]
        x = x + y
        y = x ^ (lax.shift_left(y, _word(turn, y)) | lax.shift_right_logical(y, _word(32 - turn, y)))
        if i % 4 == 3:
            step = i // 4 + 1
            x = x + schedule[step % 3]
            y = y + (schedule[(step + 1) % 3] + np.uint32(step))
    return x, y


def _word(value: int, like: Array) -> Array:
    return lax.full_like(like, value)


def _index(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The place of each element in row-major order, as (low, high) words."""
    low = high = jnp.zeros(shape, jnp.uint32)
    for axis, length in enumerate(shape):
        if length > 2**32:
            raise InputError(f"An axis of {length} draws is longer than 2^32; spread the draws over two axes.")
        stride = math.prod(shape[axis + 1 :])
        place = lax.broadcasted_iota(jnp.uint32, shape, axis)
        step = place * np.uint32(stride % 2**32)
        if math.prod(shape) > 2**32:
            high = high + place * np.uint32(stride // 2**32 % 2**32)
            high = high + lax.mulhi(place, lax.full_like(place, stride % 2**32))
            high = high + (low + step < low).astype(jnp.uint32)
        low = low + step
    return low, high


@jax.jit
def _seed(seed: Array) -> Array:
    low = seed.astype(jnp.uint32)
    if seed.dtype.itemsize == 4:
        return jnp.stack([jnp.zeros_like(low), low])
    return jnp.stack([lax.shift_right_logical(seed, jnp.asarray(32, seed.dtype)).astype(jnp.uint32), low])


# The barriers end XLA's fusion at each key. Without them every draw computes again the whole chain of splits that led
# to its key: a step with 8 splits and 8 draws took 142 µs in place of 52, and compiled in 1.1 s in place of 0.6.


@partial(jax.jit, static_argnames="shape")
def _split(key: Array, shape: tuple[int, ...]) -> Array:
    low, high = _index(shape)
    return lax.optimization_barrier(jnp.stack(threefry_2x32(20, (key[0], key[1]), (high, low)), axis=-1))


@jax.jit
def _fold_in(key: Array, data: Array | int) -> Array:
    low = jnp.asarray(data).astype(jnp.uint32)
    return lax.optimization_barrier(jnp.stack(threefry_2x32(20, (key[0], key[1]), (jnp.zeros_like(low), low))))


def _two_words(key: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    return threefry_2x32(13, (key[0], key[1]), _index(shape))


@partial(jax.jit, static_argnames=("bit_width", "shape"))
def _random_bits(key: Array, bit_width: int, shape: tuple[int, ...]) -> Array:
    first, second = _two_words(key, shape)
    if bit_width == 64:
        wide = jnp.uint64
        return lax.shift_left(second.astype(wide), jnp.asarray(32, wide)) | first.astype(wide)
    return first.astype({8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32}[bit_width])


_COUNTER = jax.extend.random.define_prng_impl(
    key_shape=(2,),
    seed=_seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="counter",
    tag="ctr",
)
_IMPLEMENTATIONS = {"counter": _COUNTER, "threefry": "threefry2x32"}


def make_key(seed: int, prng: str = "counter") -> Key[Array, ""]:
    """The key of a seed (0 ≤ seed < 2⁶⁴) for the generator `prng`, `"counter"` or `"threefry"`."""
    seed = operator.index(seed)
    if not 0 <= seed < 2**64:
        raise InputError(f"The seed must be an integer from 0 to 2^64 - 1; got {seed}.")
    return wrap_key_data(np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32), prng)


def wrap_key_data(data: Array | np.ndarray, prng: str = "counter") -> Key[Array, "..."]:
    """Keys from the words that `jax.random.key_data` gave: how a checkpoint restores them."""
    if prng not in _IMPLEMENTATIONS:
        raise InputError(f"There is no generator {prng!r}; choose counter or threefry.")
    return jax.random.wrap_key_data(jnp.asarray(data), impl=_IMPLEMENTATIONS[prng])


def key_name(key: Key[Array, "..."]) -> str:
    """The generator of a key: the `prng` that makes it again from its words."""
    implementation = jax.random.key_impl(key)
    for name, known in _IMPLEMENTATIONS.items():
        if implementation == known:
            return name
    raise InputError(f"The key is for the generator {implementation}; Reverie knows counter and threefry.")


@partial(jax.jit, static_argnames=("shape", "dtype"))
def uniform(
    key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: jax.typing.DTypeLike = jnp.float32
) -> Float[Array, "..."]:
    """Uniform on {0, 1, …, 2ᵐ − 1} / 2ᵐ with m the bits of the significand: 24 for float32, so never 1."""
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    width, kept = jnp.finfo(dtype).bits, jnp.finfo(dtype).nmant + 1
    bits = jax.random.bits(key, shape, f"uint{width}")
    # Through a signed integer of the same width: a processor without AVX-512 converts those much faster.
    whole = lax.shift_right_logical(bits, lax.full_like(bits, width - kept)).astype(f"int{width}")
    return whole.astype(dtype) * jnp.asarray(2.0**-kept, dtype)


@partial(jax.jit, static_argnames=("shape", "dtype"))
def normal(
    key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: jax.typing.DTypeLike = jnp.float32
) -> Float[Array, "..."]:
    """Standard normal: √(−2 log u) sin(½πv), with u uniform on (0, 1] and v on (−1, 1) (Box and Muller).

    The sine of an angle uniform on (−½π, ½π) has the distribution of the cosine of one uniform on the circle, and
    needs no range reduction, and both words of a block are used. u has 31 bits, spaced evenly near zero, so that
    |z| reaches 6.6. JAX's own `normal` serves the keys of JAX's own generator, and float64.
    """
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    if key_name(key) != "counter" or key.ndim or jnp.finfo(dtype).bits > 32:
        return jax.random.normal(key, shape, dtype)
    return _box_muller(*_two_words(jax.random.key_data(key), shape)).astype(dtype)


def _box_muller(first: Array, second: Array) -> Array:
    whole = lax.shift_right_logical(first, _word(1, first)).astype(jnp.int32)
    u = whole.astype(jnp.float32) * np.float32(2.0**-31) + np.float32(2.0**-32)
    v = lax.bitcast_convert_type(second, jnp.int32).astype(jnp.float32) * np.float32(2.0**-31)
    return jnp.sqrt(-2.0 * jnp.log(u)) * _sine(v)


def _sine(v: Array) -> Array:
    """sin(½πv) for |v| ≤ 1, by equation 4.3.97 of the Handbook: its error of 2e-9 is below a float32's."""
    x = v * np.float32(math.pi / 2)
    s = x * x
    ratio = s * np.float32(-2.39e-8) + np.float32(2.7526e-6)
    for coefficient in (-1.98409e-4, 8.3333315e-3, -1.666666664e-1, 1.0):
        ratio = ratio * s + np.float32(coefficient)
    return x * ratio


@jax.jit
def bernoulli(key: Key[Array, ""], probability: Float[Array, "..."]) -> Bool[Array, "..."]:
    """True with the given probability, rounded up to a multiple of 2⁻²⁴: never at 0, always at 1."""
    probability = _at_least_single(probability)
    return uniform(key, probability.shape, probability.dtype) < probability


@jax.jit
def bernoulli_logits(key: Key[Array, ""], logits: Float[Array, "..."]) -> Bool[Array, "..."]:
    """True with probability σ(logits): u (1 + exp(−logits)) < 1, which needs no division. Never at −∞, always at ∞."""
    logits = _at_least_single(logits)
    return uniform(key, logits.shape, logits.dtype) * (1.0 + jnp.exp(-logits)) < 1.0


@partial(jax.jit, static_argnames="axis")
def categorical(key: Key[Array, ""], logits: Float[Array, "..."], axis: int = -1) -> Int[Array, "..."]:
    """Indices along `axis` with probabilities softmax(logits): the first k with F(k) > u, one uniform u a sample.

    A category of logit −∞ is never drawn. The gaps between the values of u (2⁻²⁴) bound the error of a probability.
    """
    logits = jnp.moveaxis(_at_least_single(logits), axis, -1)
    count = logits.shape[-1]
    if count > _UNROLLED:
        return _first_above_of_many(key, jnp.exp(logits - jnp.max(logits, axis=-1, keepdims=True)))
    levels = [logits[..., k] for k in range(count)]
    # Over a few levels a reduction costs more than all the rest; over many it is the faster.
    top = reduce(jnp.maximum, levels) if count <= _FEW else jnp.max(logits, axis=-1)
    return _first_above(key, [jnp.exp(level - top) for level in levels])


_UNROLLED, _FEW = 128, 16


def _first_above(key: Array, weights: list[Array]) -> Array:
    """Inverse CDF, unrolled over the categories: one fused pass, three times as fast as with a cumulative sum."""
    steps = list(accumulate(weights, operator.add))
    # u total < total also when rounded, and equal steps stay equal: a weight of zero is never chosen.
    threshold = uniform(key, steps[-1].shape, steps[-1].dtype) * steps[-1]
    index = jnp.zeros(threshold.shape, jnp.int32)
    for step in steps[:-1]:
        index = index + (step <= threshold).astype(jnp.int32)
    return index


def _first_above_of_many(key: Array, weight: Array) -> Array:
    """The same by `cumsum`. It adds in a tree and rounding may bend a step, so weights of zero are passed over."""
    count = weight.shape[-1]
    below = jnp.where(weight > 0, jnp.cumsum(weight, axis=-1), 0.0)
    total = jnp.max(below, axis=-1)
    threshold = uniform(key, total.shape, weight.dtype) * total
    place = lax.broadcasted_iota(jnp.int32, weight.shape, weight.ndim - 1)
    return jnp.min(jnp.where(below > threshold[..., None], place, count - 1), axis=-1)


def _at_least_single(x: Array) -> Array:
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
