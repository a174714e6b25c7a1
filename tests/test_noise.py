"""The noise room: its bits beside threefry's in one battery, its draws against their distributions, its keys.

False alarms: all tests with p-values of this file together would fail an ideal generator with new seeds once in a
thousand times. Each of the battery's p-values for two generators, and each of the others, gets an equal share. With
the fixed seeds here the outcome is the same on every run.
"""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions
import pytest
from jax import lax
from scipy import special, stats

from reverie import noise
from reverie.errors import InputError
from tests.noise_battery import generator, p_values

BOTH = ("counter", "threefry")
SHARE = 1e-3 / 300  # 2 × 88 of the battery, and fewer than 124 below


def plausible(p):
    return SHARE / 2 < p < 1 - SHARE / 2


def within(found, expected, se):
    """Whether normal estimates all lie where their standard errors say (as one chi-squared value each)."""
    return bool(np.all(stats.norm.sf(np.abs((np.asarray(found) - expected) / se)) > SHARE / 2))


def counter_words(key, low, high):
    return noise.threefry_2x32(13, key, (low, high))[0]


def threefry_words(key, low, high):
    first, second = noise.threefry_2x32(20, key, (high, low))
    return first ^ second


# --- the generator is the published one


@pytest.mark.parametrize(
    ("rounds", "counter", "key", "words"),
    [
        (13, (0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
        (13, (0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0xFD36D048, 0x2D17272C)),
        (13, (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xBA3E4725, 0xF27D669E)),
        (20, (0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        (20, (0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (20, (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers_of_random123(rounds, counter, key, words):
    found = noise.threefry_2x32(rounds, tuple(map(jnp.uint32, key)), tuple(map(jnp.uint32, counter)))
    assert tuple(map(int, found)) == words


@pytest.mark.parametrize(("prng", "words"), [("counter", counter_words), ("threefry", threefry_words)])
def test_bits_are_the_words_that_the_battery_tests(prng, words):
    key = noise.make_key(2**40 + 7, prng)
    expected = generator(words)(jax.random.key_data(key), np.arange(15).reshape(3, 5))
    np.testing.assert_array_equal(jax.random.bits(key, (3, 5)), expected)
    np.testing.assert_array_equal(jax.random.bits(key, (3, 5), "uint8"), expected.astype(np.uint8))
    np.testing.assert_array_equal(jax.random.bits(key, (3, 5), "uint16"), expected.astype(np.uint16))
    np.testing.assert_array_equal(jax.random.bits(key, (15,)), expected.ravel())


def test_bits_of_64():
    key = noise.make_key(3)
    with jax.enable_x64(True):
        wide = np.asarray(jax.random.bits(key, (4,), "uint64"))
    np.testing.assert_array_equal((wide & 0xFFFFFFFF).astype(np.uint32), jax.random.bits(key, (4,)))
    assert np.all(wide >> np.uint64(32) != wide & np.uint64(0xFFFFFFFF))


@pytest.mark.parametrize("row", [2**32 // (2**15 + 3), 2**18 - 2])
def test_more_draws_than_one_word_counts(row):
    """Of 2³³ + 786,432 draws the row where the low word overflows, and one near the end.

    Only what is asked for is computed: the slice is fused with the generator.
    """
    key, columns = noise.make_key(5), 2**15 + 3
    found = jax.jit(lambda key: jax.random.bits(key, (2**18, columns))[row, -3:])(key)
    place = row * columns + columns - 3 + np.arange(3)
    assert place.min() > 2**32
    expected = generator(counter_words)(jax.random.key_data(key), place % 2**32, place // 2**32)
    np.testing.assert_array_equal(found, expected)


# --- statistical tests of the bits


@pytest.fixture(scope="module")
def battery():
    return {"counter": dict(p_values(generator(counter_words))), "threefry": dict(p_values(generator(threefry_words)))}


def test_battery(battery):
    print(f"\n{'p-value of':<52} {'counter':>8} {'threefry':>8}")
    for test, p in battery["counter"].items():
        print(f"{test:<52} {p:8.4f} {battery['threefry'][test]:8.4f}")
    assert 2 * len(battery["counter"]) + 124 <= 1e-3 / SHARE
    failed = {(prng, test): p for prng, found in battery.items() for test, p in found.items() if not plausible(p)}
    assert not failed


def test_battery_p_values_are_uniform(battery):
    for found in battery.values():
        assert plausible(stats.kstest(list(found.values()), "uniform").pvalue)


def _iota(key, low, high):
    return low ^ high ^ key[0] ^ key[1]


def _multiplicative(key, low, high):
    x = (low ^ key[1]) * np.uint32(0x9E3779B9)
    return x ^ (x >> 16) ^ key[0] ^ high


def _overlapping(key, low, high):
    """A good hash (the end of MurmurHash3) of counter + key: the streams of keys k and k + 1 overlap."""
    x = low + key[1] + high
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    return x ^ (x >> 16) ^ key[0]


def _nine_rounds(key, low, high):
    return noise.threefry_2x32(9, key, (low, high))[0]


@pytest.mark.parametrize("bad", [_iota, _multiplicative, _overlapping, _nine_rounds])
def test_battery_rejects_bad_generators(bad):
    assert any(min(p, 1 - p) < 1e-12 for _, p in p_values(generator(bad)))


# --- uniform


@pytest.mark.parametrize("prng", BOTH)
def test_uniform(prng):
    n = 2**20
    x = np.asarray(noise.uniform(noise.make_key(1, prng), (n,)), np.float64)
    assert plausible(stats.kstest(x, "uniform").pvalue)
    assert x.min() >= 0
    assert x.max() < 1
    np.testing.assert_array_equal(x * 2**24, np.floor(x * 2**24))
    assert np.any(x * 2**24 % 2 == 1)


def test_uniform_of_other_types():
    key = noise.make_key(1)
    for dtype, bits in (("bfloat16", 8), ("float16", 11)):
        x = noise.uniform(key, (4096,), dtype)
        assert x.dtype == dtype
        whole = np.asarray(x, np.float64) * 2**bits
        np.testing.assert_array_equal(whole, np.floor(whole))
        assert whole.max() < 2**bits
        assert whole.max() > 0.98 * 2**bits
    assert noise.uniform(key, (), "float64").dtype == "float32"
    with jax.enable_x64(True):
        x = noise.uniform(key, (4096,), "float64")
        assert x.dtype == "float64"
        assert np.unique(x).size == 4096
        assert 0.49 < x.mean() < 0.51


def test_empty_and_scalar_shapes():
    key = noise.make_key(0)
    for draw in (noise.uniform, noise.normal):
        assert draw(key).shape == ()
        assert draw(key, (3, 0)).shape == (3, 0)
    assert noise.bernoulli(key, jnp.zeros((0, 2))).shape == (0, 2)
    assert noise.categorical(key, jnp.zeros((0, 4))).shape == (0,)
    assert noise.categorical(key, jnp.zeros(4)).shape == ()


# --- normal


@pytest.mark.parametrize("prng", BOTH)
def test_normal(prng):
    n = 2**20
    x = np.asarray(noise.normal(noise.make_key(1, prng), (n,)), np.float64)
    assert plausible(stats.kstest(x, "norm").pvalue)
    cells = np.bincount((special.ndtr(x) * 1000).astype(int), minlength=1000)
    assert plausible(stats.chisquare(cells).pvalue)
    for k in range(1, 7):
        moment, square = (special.factorial2(j - 1) if j % 2 == 0 else 0.0 for j in (k, 2 * k))
        assert within((x**k).mean(), moment, np.sqrt((square - moment**2) / n)), k
    far = np.abs(x[np.abs(x) > 3])
    assert plausible(stats.kstest(special.ndtr(-far) / special.ndtr(-3), "uniform").pvalue)
    # Neighbours, which share no word, and signs beside sizes.
    for a, b in ((x[1:], x[:-1]), (np.abs(x[1:]), x[:-1]), (np.sign(x), np.abs(x) - np.sqrt(2 / np.pi))):
        assert within((a * b).mean(), 0, (a * b).std() / np.sqrt(a.size))


def test_normal_tails():
    n, bounds = 2**24, np.array([4.0, 4.5, 5.0, 5.25])
    beyond = jax.jit(lambda x: jnp.stack([jnp.stack([(x > b).sum(), (x < -b).sum()]) for b in bounds]))
    for counts, mean in zip(beyond(noise.normal(noise.make_key(4), (n,))), n * special.ndtr(-bounds), strict=True):
        for count in counts:
            assert plausible(stats.poisson.sf(count, mean) + stats.poisson.pmf(count, mean) / 2)


def test_normal_at_chosen_words():
    """The transformation itself, at the ends of its range: |z| reaches √(64 log 2) = 6.66."""
    words = np.uint32
    first = np.array([0, 1, 2, 3, 200, 2**16, 2**31, 2**32 - 2**20, 2**32 - 1], words)[:, None]
    second = np.array([-(2**31), -(2**30), -1, 0, 5, 2**29, 2**31 - 1], np.int32)[None].view(words)
    first, second = np.broadcast_arrays(first, second)
    u = (np.floor(first / 2) + 0.5) / 2**31
    expected = np.sqrt(-2 * np.log(u)) * np.sin(np.pi / 2 * second.view(np.int32) / 2.0**31)
    found = noise._box_muller(jnp.asarray(first), jnp.asarray(second))
    # u is a float32: near 1 it is 2⁻²⁵ off at worst, and z there is as small as √(2 · 2⁻²⁵).
    np.testing.assert_allclose(found[:-1], expected[:-1], rtol=1e-6)
    np.testing.assert_allclose(found[-1], expected[-1], atol=3e-4)
    assert float(found.max()) == pytest.approx(6.66, abs=0.01)
    v = np.linspace(-1, 1, 100_001, dtype=np.float32)
    np.testing.assert_allclose(noise._sine(jnp.asarray(v)), np.sin(np.pi / 2 * v.astype(np.float64)), atol=2e-7)


def test_normal_of_other_types():
    key = noise.make_key(1)
    assert noise.normal(key, (3,), "bfloat16").dtype == "bfloat16"
    with jax.enable_x64(True):
        x = np.asarray(noise.normal(key, (10_000,), "float64"))
    assert x.dtype == "float64"
    assert within(x.mean(), 0, 0.01)


# --- bernoulli and categorical


@pytest.mark.parametrize("prng", BOTH)
def test_bernoulli(prng):
    n = 2**18
    p = np.array([1e-5, 0.01, 0.3, 0.5, 0.77, 1 - 1e-4])
    grid = jnp.broadcast_to(jnp.asarray(p, jnp.float32), (n, p.size))
    logits = jnp.broadcast_to(jnp.asarray(special.logit(p), jnp.float32), (n, p.size))
    for found in (
        noise.bernoulli(noise.make_key(1, prng), grid),
        noise.bernoulli_logits(noise.make_key(2, prng), logits),
    ):
        assert found.dtype == bool
        for count, one in zip(np.asarray(found).sum(axis=0), p, strict=True):
            assert plausible(stats.binom.sf(count, n, one) + stats.binom.pmf(count, n, one) / 2)


@pytest.mark.parametrize(("seed", "end"), [(24, 0.0), (38, 1 - 2.0**-24)])
def test_the_ends_of_the_uniform_choose_nothing_impossible(seed, end):
    """With keys that are known to draw u = 0 and the greatest u, which few keys do."""
    key, n = noise.make_key(seed), 2**20
    assert end in noise.uniform(key, (n,))
    assert not noise.bernoulli(key, jnp.zeros(n)).any()
    assert noise.bernoulli(key, jnp.ones(n)).all()
    for logit in (jnp.inf, 200.0):
        assert noise.bernoulli_logits(key, jnp.full(n, logit)).all()
        assert not noise.bernoulli_logits(key, jnp.full(n, -logit)).any()
    for levels in (7, 30):
        weights = np.zeros(levels)
        weights[2:5] = 0.7, 0.1, 1 / 3
        drawn = noise.categorical(key, jnp.broadcast_to(jnp.log(jnp.asarray(weights)), (n, levels)))
        assert set(np.unique(drawn)) == {2, 3, 4}


def test_bernoulli_of_one_number():
    key = noise.make_key(3)
    assert noise.bernoulli(key, 1.0).shape == ()
    assert not noise.bernoulli_logits(key, jnp.array(jnp.nan))


def test_probabilities_of_low_precision():
    """A bfloat16 of 0.001 is met once in a thousand times, though a uniform in bfloat16 is 0 once in 256."""
    p = jnp.full(2**16, 0.001, jnp.bfloat16)
    count = int(noise.bernoulli(noise.make_key(0), p).sum())
    assert plausible(stats.binom.cdf(count, p.size, float(p[0])))


@pytest.mark.parametrize("prng", BOTH)
@pytest.mark.parametrize("padding", [0, 30, 200])
def test_categorical(prng, padding):
    """Every form: unrolled for few and for more categories, by a cumulative sum for many."""
    n = 2**17
    p = np.array([0.0, 0.02, 0.5, 0.0, 0.18, 0.3, 0.0])
    logits = np.pad(np.log(p, out=np.full(7, -np.inf), where=p > 0) + 3, (0, padding), constant_values=-np.inf)
    found = noise.categorical(
        noise.make_key(1, prng), jnp.broadcast_to(jnp.asarray(logits, jnp.float32), (n, logits.size))
    )
    assert found.dtype == jnp.int32
    counts = np.bincount(found, minlength=logits.size)
    assert counts[7:].sum() == counts[np.flatnonzero(p == 0)].sum() == 0
    assert plausible(stats.chisquare(counts[:7][p > 0], n * p[p > 0]).pvalue)


def test_categorical_of_many_levels():
    n, levels = 2**15, 1000
    weights = np.arange(levels) % 7 * 1.0
    logits = jnp.log(jnp.asarray(weights, jnp.float32))
    counts = np.bincount(noise.categorical(noise.make_key(2), jnp.broadcast_to(logits, (n, levels))), minlength=levels)
    assert counts[weights == 0].sum() == 0
    kept = weights > 0
    assert plausible(stats.chisquare(counts[kept], n * weights[kept] / weights.sum()).pvalue)


def test_categorical_of_many_levels_where_sums_bend(monkeypatch):
    """`cumsum` is not monotone in floating point; thresholds at its bends still choose no weight of zero."""
    random = np.random.default_rng(0)
    weights = (random.random(10_000) * (random.random(10_000) < 0.3)).astype(np.float32)
    below = np.asarray(jnp.cumsum(jnp.asarray(weights)))
    bends = np.flatnonzero((weights[1:] == 0) & (below[1:] != below[:-1]))
    assert bends.size > 20
    total = below[weights > 0].max()
    u = np.concatenate([below[bends] / total, below[bends + 1] / total, [0, 1 - 2**-24]]).astype(np.float32)
    monkeypatch.setattr(noise, "uniform", lambda *_: jnp.asarray(np.minimum(u, 1 - 2**-24)))
    chosen = noise._first_above_of_many(noise.make_key(0), jnp.broadcast_to(jnp.asarray(weights), (u.size, 10_000)))
    assert np.all(weights[np.asarray(chosen)] > 0)


def test_categorical_along_an_axis():
    key = noise.make_key(0)
    logits = jax.random.normal(key, (4, 5, 6))
    expected = noise.categorical(key, jnp.moveaxis(logits, 1, -1))
    assert expected.shape == (4, 6)
    np.testing.assert_array_equal(noise.categorical(key, logits, axis=1), expected)
    np.testing.assert_array_equal(noise.categorical(key, logits + 50, axis=-2), expected)


# --- keys


def _derived(key):
    yield key
    yield jax.random.split(key)
    yield jax.random.split(key, (3, 5))
    yield jax.random.fold_in(key, 9)
    yield jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(4))
    yield jax.jit(jax.vmap(lambda key: jax.random.split(key, 3)))(jax.random.split(key, 4))
    yield lax.scan(lambda key, _: tuple(jax.random.split(key)), key, length=3)[1]


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**40 + 5, 2**64 - 1])
def test_both_generators_have_the_same_keys(seed):
    ours, jaxs = (_derived(noise.make_key(seed, prng)) for prng in BOTH)
    for a, b in zip(ours, jaxs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_array_equal(jax.random.key_data(a), jax.random.key_data(b))


def test_a_child_is_a_fold():
    """So nobody should split a key and fold into it too: JAX's keys have this, and ours are the same."""
    key = noise.make_key(5)
    folds = [jax.random.key_data(jax.random.fold_in(key, i)) for i in range(3)]
    np.testing.assert_array_equal(jax.random.key_data(jax.random.split(key, 3)), folds)


def test_keys_are_those_of_jax():
    for prng, seed in (("counter", 7), ("threefry", 2**32 - 1)):
        with jax.enable_x64(True):
            expected = jax.random.key_data(jax.random.key(seed))
        np.testing.assert_array_equal(jax.random.key_data(noise.make_key(seed, prng)), expected)
    ours = jax.random.key(7, impl=jax.random.key_impl(noise.make_key(0)))
    np.testing.assert_array_equal(jax.random.key_data(ours), [0, 7])
    with jax.enable_x64(True):
        ours = jax.random.key(2**40 + 7, impl=jax.random.key_impl(noise.make_key(0)))
    np.testing.assert_array_equal(jax.random.key_data(ours), [256, 7])


@pytest.mark.parametrize("prng", BOTH)
def test_keys_are_saved_and_restored(prng):
    keys = jax.random.split(noise.make_key(3, prng), (2, 3))
    again = noise.wrap_key_data(np.asarray(jax.random.key_data(keys)), noise.key_name(keys))
    assert noise.key_name(again) == prng
    assert again.dtype == keys.dtype
    np.testing.assert_array_equal(noise.uniform(again[1, 2], (4,)), noise.uniform(keys[1, 2], (4,)))


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_bad_seeds(seed):
    with pytest.raises(InputError, match="from 0 to 2"):
        noise.make_key(seed)


def test_bad_generators():
    with pytest.raises(InputError, match="choose counter or threefry"):
        noise.make_key(0, "mersenne")
    with pytest.raises(InputError, match="Reverie knows counter and threefry"):
        noise.key_name(jax.random.key(0, impl="rbg"))


def test_one_key_a_draw():
    keys = jax.random.split(noise.make_key(0), 2)
    for draw in (lambda: noise.uniform(keys, (2,)), lambda: noise.normal(keys, (2,))):
        with pytest.raises(ValueError, match="single key"):
            draw()


# --- the same draw, however it is made


DRAWS = {
    "uniform": lambda key: noise.uniform(key, (6,)),
    "normal": lambda key: noise.normal(key, (2, 3)),
    "bernoulli": lambda key: noise.bernoulli(key, jnp.full((6,), 0.3)),
    "bernoulli_logits": lambda key: noise.bernoulli_logits(key, jnp.linspace(-1, 1, 6)),
    "categorical": lambda key: noise.categorical(key, jnp.zeros((6, 10))),
    "jax.normal": lambda key: jax.random.normal(key, (6,)),
    "jax.randint": lambda key: jax.random.randint(key, (6,), 0, 1000),
    "jax.permutation": lambda key: jax.random.permutation(key, 12),
    "jax.gamma": lambda key: jax.random.gamma(key, 2.0, (3,)),
    "numpyro": lambda key: numpyro.distributions.Beta(2.0, 3.0).sample(key, (3,)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_vmap_and_scan_and_jit_draw_the_same(draw):
    keys = jax.random.split(noise.make_key(8), 3)
    one_by_one = np.stack([draw(key) for key in keys])
    assert np.unique(one_by_one, axis=0).shape[0] == 3
    together = jax.jit(jax.vmap(draw))(keys)
    scanned = lax.scan(lambda carry, key: (carry, draw(key)), 0, keys)[1]
    # Floating-point transformations may differ in their last bits; the bits that they transform may not.
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scanned, one_by_one, rtol=1e-5, atol=1e-6)


def test_gradients_pass_a_draw():
    def mean_of_scaled(scale):
        return (scale * noise.normal(noise.make_key(0), (100,))).mean() + noise.bernoulli_logits(
            noise.make_key(1), scale
        )

    expected = noise.normal(noise.make_key(0), (100,)).mean()
    assert jax.grad(mean_of_scaled)(2.0) == pytest.approx(float(expected), rel=1e-5)


ON_TWO_DEVICES = """
import jax, jax.numpy as jnp, numpy as np
from reverie import noise
assert len(jax.devices()) == 2
mesh = jax.make_mesh((2,), ("rows",))
rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
draws = {
    "bits": lambda key: jax.random.bits(key, (64, 31)),
    "uniform": lambda key: noise.uniform(key, (64, 31)),
    "normal": lambda key: noise.normal(key, (64, 31)),
    "bernoulli": lambda key: noise.bernoulli(key, jnp.full((64, 31), 0.3)),
    "bernoulli_logits": lambda key: noise.bernoulli_logits(key, jnp.full((64, 31), 0.3)),
    "categorical": lambda key: noise.categorical(key, jnp.zeros((64, 31, 10))),
    "keys": lambda key: jax.random.key_data(jax.random.split(key, 64)),
    "of many keys": lambda key: jax.vmap(lambda key: noise.uniform(key, (31,)))(jax.random.split(key, 64)),
}
for name, draw in draws.items():
    one = jax.jit(draw)(noise.make_key(3))
    two = jax.jit(draw, out_shardings=rows)(noise.make_key(3))
    assert len(two.addressable_shards) == 2 and two.addressable_shards[0].data.shape[0] == 32
    text = jax.jit(draw, out_shardings=rows).lower(noise.make_key(3)).compile().as_text()
    assert "all-gather" not in text and "all-to-all" not in text, name
    np.testing.assert_array_equal(np.asarray(one), np.asarray(two), err_msg=name)
print("equal")
"""


def test_one_device_and_two_draw_the_same():
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    found = subprocess.run(
        [sys.executable, "-c", ON_TWO_DEVICES],
        env=os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert found.stdout.strip() == "equal", found.stderr
