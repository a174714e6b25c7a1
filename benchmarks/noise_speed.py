"""Nanoseconds a draw: the noise room under its own generator and under JAX's threefry, and `jax.random` itself.

Three places: half a million draws in one call; 50 × 50 and 100 × 500 draws inside a loop on the device, a new key each
time, as samplers draw. For each the least and the median wall-clock time of the repeats, and the processor time of
all cores together (mean of the repeats), which other work on the machine disturbs less. Below the table: the compile
time and the time of a step in which keys are split at 8 places and used at 8.

    python benchmarks/noise_speed.py [--repeats 15]
"""

import argparse
import os
import time

import jax
import jax.numpy as jnp
from jax import lax
from machine import describe

from reverie import noise

PLACES = {"500×1000": ((500, 1000), 1), "50×50 in a loop": ((50, 50), 400), "100×500 in a loop": ((100, 500), 40)}
LEVELS = 10


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="how often each is timed")
    repeats = parser.parse_args().repeats
    print(describe())
    print(f"load average {os.getloadavg()[0]:.1f}; ns a draw: least wall / median wall / processor time\n")
    print("| draw | " + " | ".join(PLACES) + " |")
    print("| --- |" + " --- |" * len(PLACES))
    for name, prng, draw in _draws():
        cells = [
            _time(_program(draw, rounds), (noise.make_key(0, prng), _parameter(name, shape)), repeats)
            for shape, rounds in PLACES.values()
        ]
        counts = [rounds * shape[0] * shape[1] for shape, rounds in PLACES.values()]
        shown = (" / ".join(f"{t / n * 1e9:.2f}" for t in cell) for cell, n in zip(cells, counts, strict=True))
        print(f"| {name} | " + " | ".join(shown) + " |", flush=True)
    print(
        "\n| a step with 8 splits and 8 draws | trace, s | compile, s | µs a step, least |\n| --- | --- | --- | --- |"
    )
    for prng in ("counter", "threefry"):
        print(f"| {prng} | " + " | ".join(_step(prng)) + " |", flush=True)


def _draws():
    ours = {
        "uniform": lambda key, x: noise.uniform(key, x.shape),
        "bernoulli": noise.bernoulli,
        "bernoulli_logits": noise.bernoulli_logits,
        "categorical": noise.categorical,
        "normal": lambda key, x: noise.normal(key, x.shape),
    }
    jaxs = {
        "uniform": lambda key, x: jax.random.uniform(key, x.shape),
        "bernoulli": jax.random.bernoulli,
        "bernoulli_logits": lambda key, x: jax.random.bernoulli(key, jax.nn.sigmoid(x)),
        "categorical": jax.random.categorical,
        "normal": lambda key, x: jax.random.normal(key, x.shape),
    }
    for name, draw in ours.items():
        yield f"{name}, ours", "counter", draw
        yield f"{name}, ours with threefry keys", "threefry", draw
        yield f"{name}, jax.random", "threefry", jaxs[name]


def _parameter(name, shape):
    """Probabilities, logits, or for a categorical a row of logits for each draw."""
    spread = jax.random.uniform(jax.random.key(0), (*shape, LEVELS) if "categorical" in name else shape)
    return spread if name.startswith("bernoulli,") else 6 * spread - 3


def _program(draw, rounds):
    if rounds == 1:
        return jax.jit(draw)

    def program(key, x):
        def body(i, total):
            # The next draw depends on the last, as in a sampler, so that nothing is done once for all rounds.
            now = x + 1e-9 * (total if total.ndim == x.ndim else total[..., None])
            return total + draw(jax.random.fold_in(key, i), now).astype(jnp.float32)

        return lax.fori_loop(0, rounds, body, jnp.zeros(x.shape[:2]))

    return jax.jit(program)


def _time(program, arguments, repeats):
    program(*arguments).block_until_ready()
    wall, start_processor = [], time.process_time()
    for _ in range(repeats):
        start = time.perf_counter()
        program(*arguments).block_until_ready()
        wall.append(time.perf_counter() - start)
    return min(wall), sorted(wall)[repeats // 2], (time.process_time() - start_processor) / repeats


def _step(prng, steps=500):
    def step(key, i):
        key, total = jax.random.fold_in(key, i), 0.0
        for site in range(8):
            key, here = jax.random.split(key)
            rows = jax.random.split(here, 100)
            match site % 4:
                case 0:
                    drawn = noise.uniform(here, (50, 50))
                case 1:
                    drawn = jax.vmap(lambda key: noise.bernoulli_logits(key, jnp.linspace(-1, 1, 50)))(rows)
                case 2:
                    drawn = noise.normal(here, (100, 50))
                case _:
                    drawn = jax.vmap(lambda key: noise.categorical(key, jnp.zeros((20, LEVELS))))(rows)
            total += drawn.astype(jnp.float32).sum()
        return key, total

    key = noise.make_key(0, prng)
    start = time.perf_counter()
    lowered = jax.jit(lambda key: lax.scan(step, key, jnp.arange(steps))[1]).lower(key)
    traced = time.perf_counter()
    program = lowered.compile()
    compiled = time.perf_counter()
    least, _, _ = _time(program, (key,), 7)
    return f"{traced - start:.2f}", f"{compiled - traced:.2f}", f"{least / steps * 1e6:.0f}"


if __name__ == "__main__":
    main()
