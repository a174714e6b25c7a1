"""dieharder (R. G. Brown) on the noise room's generator, beside JAX's threefry.

Needs the Debian package `dieharder`. Two sequences of 32-bit words are streamed to it: one key and one counter that
runs on, and 4,096 keys split from one, which take turns word by word. Each test goes on where the one before stopped.
A p-value beyond 10⁻⁶ is FAILED and one beyond 0.005 on either side WEAK: of an ideal generator and an exact test about
one p-value in a hundred is WEAK. A test with a WEAK p-value is run again on the words that follow; a fault shows again.

    python benchmarks/noise_battery.py [--seconds 300] [--generators counter,threefry,kernel] [--tests 4,102] [--seed 1]

`kernel` is what the tests say of the operating system's own source, a stream cipher.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from machine import describe

from reverie import noise

# The options of each test: those that dieharder calls reliable and that take seconds, not minutes.
TESTS = (
    ("0",), ("1",), ("2",), ("3",), ("4",), ("8",), ("9",), ("10",), ("11",), ("12",), ("13",), ("15",), ("16",),
    ("100",), ("101",), ("102",), ("200", "-n", "4"), ("201", "-n", "3"), ("202",), ("203", "-n", "8"), ("204",),
    ("205",), ("206",), ("207",), ("208",), ("209",),
)  # fmt: skip
KEYS = 4096


def counter(key, low, high):
    return noise.threefry_2x32(13, key, (low, high))[0]


def threefry(key, low, high):
    first, second = noise.threefry_2x32(20, key, (high, low))
    return first ^ second


GENERATORS: dict[str, Callable] = {"counter": counter, "threefry": threefry}


def main() -> None:
    """Run every test on both sequences of each generator until the time is over, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="no test is begun after this time")
    parser.add_argument("--generators", default="counter,threefry", help="which, beside each other")
    parser.add_argument("--tests", default="", help="the numbers of the tests, if not all")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the keys")
    parser.add_argument("--again", type=int, default=3, help="how often a test with a WEAK p-value is run again")
    options = parser.parse_args()
    if shutil.which("dieharder") is None:
        sys.exit("dieharder is not installed, so nothing was tested. On Debian: apt install dieharder")
    print(describe())
    print(f"{_version()}\n")
    columns: list[tuple[str, Iterator[np.ndarray]]] = []
    for name in options.generators.split(","):
        if name == "kernel":
            columns.append(("kernel", kernel()))
        else:
            columns += [(f"{name}, one key", one_key(GENERATORS[name], options.seed))]
            columns += [(f"{name}, keys in turn", keys_in_turn(GENERATORS[name], options.seed))]
    wanted = options.tests.split(",") if options.tests else [test[0] for test in TESTS]
    print("| test | " + " | ".join(name for name, _ in columns) + " |\n| --- |" + " --- |" * len(columns))
    end, found, weak = time.monotonic() + options.seconds, [], []
    for test in (test for test in TESTS if test[0] in wanted):
        if time.monotonic() > end:
            print(f"\nThe time was over before test {test[0]}.")
            break
        reports = [_run(test, chunks) for _, chunks in columns]
        for row in zip(*reports, strict=True):
            found += [assessment for _, _, assessment in row]
            weak += [(test, i, row[0][0]) for i, (_, _, assessment) in enumerate(row) if assessment != "PASSED"]
            cells = (f"{p:.4f}" + ("" if assessment == "PASSED" else f" {assessment}") for _, p, assessment in row)
            print(f"| {row[0][0]} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{len(found)} p-values: {found.count('FAILED')} FAILED, {found.count('WEAK')} WEAK.", flush=True)
    for test, i, name in dict.fromkeys(weak):
        name_of_column, chunks = columns[i]
        again = [[p for other, p, _ in _run(test, chunks) if other == name] for _ in range(options.again)]
        shown = "; ".join(" and ".join(f"{p:.4f}" for p in ps) for ps in again)
        print(f"Again, {name} of {name_of_column}: {shown}", flush=True)
    sys.exit("FAILED" in found)


def one_key(words: Callable, seed: int) -> Iterator[np.ndarray]:
    """One key; the counter runs on."""
    size = 2**22
    key = jax.random.key_data(noise.make_key(seed))
    chunk = jax.jit(lambda start, high: words(key, start + jnp.arange(size, dtype=jnp.uint32), high))
    start = 0
    while True:
        yield np.asarray(chunk(jnp.uint32(start % 2**32), jnp.uint32(start // 2**32)))
        start += size


def keys_in_turn(words: Callable, seed: int) -> Iterator[np.ndarray]:
    """Word t of every key, then word t + 1 of every key."""
    rows = 2**10
    keys = jax.random.key_data(jax.random.split(noise.make_key(seed), KEYS))
    spread = jnp.broadcast_to(keys.T[:, None], (2, rows, KEYS))

    @jax.jit
    def chunk(start):
        low = jnp.broadcast_to(start + jnp.arange(rows, dtype=jnp.uint32)[:, None], (rows, KEYS))
        return words((spread[0], spread[1]), low, low * 0)

    for start in range(0, 2**32, rows):
        yield np.asarray(chunk(jnp.uint32(start)))


def kernel() -> Iterator[np.ndarray]:
    """The control: words of `os.urandom`."""
    while True:
        yield np.frombuffer(os.urandom(2**22), "<u4")


def _run(test: tuple[str, ...], chunks: Iterator[np.ndarray]) -> list[tuple[str, float, str]]:
    """What dieharder reports of one test: for each p-value its name, itself and the assessment."""
    columns = ("test_name", "ntuple", "pvalues", "assessment")
    command = ["nice", "dieharder", "-g", "200", "-c", "|", *(word for name in columns for word in ("-D", name))]
    with subprocess.Popen([*command, "-d", *test], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            for chunk in chunks:
                process.stdin.write(chunk.astype("<u4", copy=False).tobytes())
        except BrokenPipeError:
            pass  # the test has what it needs
        return list(_reports(process.stdout.read().decode()))


def _reports(text: str) -> Iterator[tuple[str, float, str]]:
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if fields[-1] in {"PASSED", "WEAK", "FAILED"}:
            yield f"{fields[0]} {fields[1]}", float(fields[-2]), fields[-1]


def _version() -> str:
    text = subprocess.run(["dieharder", "-l"], capture_output=True, text=True, check=False).stdout
    return next(line.strip("# ") for line in text.splitlines() if "version" in line)


if __name__ == "__main__":
    main()
