"""A battery of statistical tests for generators of 32-bit words that are functions of a key and a counter.

A generator is `words(key, low, high)`: the key as two words, the counter as two words, all uint32 arrays of one shape.
Every test gives a p-value that is uniform on (0, 1) for an ideal generator; values near 0 and near 1 (too regular) are
both signs of a fault. Chi-squared statistics count in cells; birthday spacings and collisions count coincidences,
which are Poisson (D. E. Knuth, "The art of computer programming", volume 2, section 3.3.2).
"""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from reverie import noise

Words = Callable[..., np.ndarray]
LENGTH = 2**18  # words in each stream


def generator(words: Callable) -> Words:
    """`words(key, low, high)` compiled, on NumPy arrays."""
    compiled = jax.jit(words)

    def call(key: tuple, low: object, high: object = 0) -> np.ndarray:
        words = (np.asarray(word, np.uint32) for word in (*key, low, high))
        first, second, low, high = np.broadcast_arrays(*words)
        return np.asarray(compiled((first, second), low, high))

    return call


def streams(words: Words, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Long sequences, in the orders in which Reverie uses keys and counters."""
    count = np.arange(LENGTH, dtype=np.uint32)
    key = noise.make_key(seed)
    yield "one key", words(jax.random.key_data(key), count)
    yield "seeds", words((np.zeros_like(count), count + np.uint32(seed)), np.zeros_like(count))
    # Child i of a split is also what folding in i gives.
    split = jax.random.key_data(jax.random.split(key, LENGTH))
    yield "split", words(split.T, np.zeros_like(count))
    # A batch of 512 keys draws together: neighbours in the stream are neighbouring keys at the same counter.
    batch = jax.random.key_data(jax.random.split(jax.random.fold_in(key, 1), 512)).T
    rows = count.reshape(-1, 512) // 512
    yield "batch of split keys", words((batch[0][None], batch[1][None]), rows).ravel()
    yield "batch of seeds", words((np.zeros_like(rows), count.reshape(-1, 512) % 512 + np.uint32(seed)), rows).ravel()


def p_values(words: Words, seed: int = 2) -> Iterator[tuple[str, float]]:
    """The name and the p-value of every test on every stream, one by one."""
    for part, p in avalanche(words, seed):
        yield f"avalanche of {part}", p
    for name, stream in streams(words, seed):
        for test in STREAM_TESTS:
            for part, p in test(stream):
                yield f"{name}: {test.__name__}{part}", p


def bytes_level(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Each of the four bytes takes its 256 values equally often."""
    for shift in (0, 8, 16, 24):
        counts = np.bincount((x >> np.uint32(shift)) & np.uint32(255), minlength=256)
        yield f" {shift}", stats.chisquare(counts).pvalue


def pairs_level(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """So do the pairs of high bytes (and of low bytes) of neighbours that do not overlap, on 2¹² cells."""
    for name, shift in (("high", 26), ("low", 0)):
        part = (x >> np.uint32(shift)) & np.uint32(63)
        counts = np.bincount(part[::2] * np.uint32(64) + part[1::2], minlength=4096)
        yield f" {name}", stats.chisquare(counts).pvalue


def bits_level(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Each bit is set half of the time; and unequal to the same bit of its neighbour half of the time (runs)."""
    yield " set", _halves(x)
    yield " runs", _halves(x[1:] ^ x[:-1])


def runs_up_and_down(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """The number of monotone runs is normal with mean (2n − 1)/3 and variance (16n − 29)/90."""
    n = x.size
    up = x[1:] > x[:-1]
    z = (1 + np.count_nonzero(up[1:] != up[:-1]) - (2 * n - 1) / 3) / np.sqrt((16 * n - 29) / 90)
    yield "", stats.norm.sf(z)


def serial_correlation(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Correlations of words at lags 1 to 32 and at powers of two are normal with variance 1/n."""
    u = x / 2.0**32 - 0.5
    lags = [*range(1, 33), *(2**k for k in range(6, 18))]
    z = [np.sum(u[lag:] * u[:-lag]) * 12 / np.sqrt(u.size - lag) for lag in lags]
    yield "", stats.chi2.sf(np.sum(np.square(z)), len(lags))


def bit_correlation(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Every bit against every bit of the word 1, 2, 16 and 512 places on: 1024 sums of ±1 of variance n."""
    signs = jnp.asarray(_signs(x[: 2**17]))
    for lag in (1, 2, 16, 512):
        # Sums of ±1 below 2²⁴ are exact in float32.
        table = np.asarray(_products(signs[lag:], signs[:-lag]), np.float64) / np.sqrt(len(signs) - lag)
        yield f" {lag}", stats.chi2.sf(np.sum(np.square(table)), table.size)


def birthday_spacings(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """2¹² birthdays in 2³² days: of the sorted gaps, 4 a block are expected to repeat an earlier one."""
    gaps = np.sort(np.diff(np.sort(x.reshape(-1, 2**12), axis=1), axis=1), axis=1)
    yield "", _poisson(np.count_nonzero(gaps[:, 1:] == gaps[:, :-1]), 4.0 * len(gaps))


def collisions(x: np.ndarray) -> Iterator[tuple[str, float]]:
    """Among n words about n² / 2³³ pairs are equal."""
    ordered = np.sort(x)
    yield "", _poisson(np.count_nonzero(ordered[1:] == ordered[:-1]), x.size * (x.size - 1) / 2.0**33)


STREAM_TESTS = (
    bytes_level,
    pairs_level,
    bits_level,
    runs_up_and_down,
    serial_correlation,
    bit_correlation,
    birthday_spacings,
    collisions,
)


def avalanche(words: Words, seed: int) -> Iterator[tuple[str, float]]:
    """Each input bit, when flipped, flips each output bit half of the time: 32 × 32 cells for each input word."""
    n = 2**12
    random = np.random.default_rng(seed)
    everything = np.arange(n, dtype=np.uint32)
    scattered = random.integers(2**32, size=(4, n)).astype(np.uint32)
    small = np.stack([everything * 0 + np.uint32(seed), everything * 0 + np.uint32(seed), everything, everything * 0])
    for kind, inputs in (("random inputs", scattered), ("small inputs", small)):
        plain = words(inputs[:2], *inputs[2:])
        for place, name in enumerate(("key 0", "key 1", "counter low", "counter high")):
            total = 0.0
            for bit in range(32):
                flipped = inputs.copy()
                flipped[place] ^= np.uint32(1 << bit)
                # Among consecutive counters a flip leads from one half to the other: one half meets each pair once.
                met_twice = kind == "small inputs" and name == "counter low" and 1 << bit < n
                keep = everything[everything & (1 << bit) == 0] if met_twice else everything
                change = _signs(plain[keep] ^ words(flipped[:2], *flipped[2:])[keep]).sum(axis=0, dtype=np.float64)
                total += np.sum(np.square(change)) / keep.size
            yield f"{name}, {kind}", stats.chi2.sf(total, 1024)


def _signs(x: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(x.astype("<u4").view(np.uint8).reshape(-1, 4), axis=1)
    return bits.astype(np.float32) * 2 - 1


@jax.jit
def _products(a: jax.Array, b: jax.Array) -> jax.Array:
    return a.T @ b


def _halves(x: np.ndarray) -> float:
    z = [2 * np.count_nonzero(x & np.uint32(1 << bit)) - x.size for bit in range(32)] / np.sqrt(x.size)
    return stats.chi2.sf(np.sum(np.square(z)), 32)


def _poisson(count: int | np.integer, mean: float) -> float:
    # The middle of the step, so that neither tail is favoured.
    return stats.poisson.sf(count, mean) + stats.poisson.pmf(count, mean) / 2
