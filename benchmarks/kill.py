"""`kill -9` at random moments: every resumed run must end bit for bit where the run left alone ends.

For a JSA run (kept codes for every data point) and a PCD run (persistent particles): one run is left alone; then,
twenty times, a run is killed at a random moment of its life, and up to twice more while it resumes, until it comes to
its end. What is compared is the bytes of `model.safetensors` and of the last checkpoint: parameters, optimisers,
chains and all.

    python benchmarks/kill.py [--times 20]
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

CHILD = """
import sys
from pathlib import Path
import reverie as rv
path, model, learner = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
settings = {"checkpoint_seconds": 0.3, "pictures": False}
if (path / "result.json").is_file():
    pass  # the blow fell between the run's end and the process's
elif (path / "config.json").is_file():
    rv.resume(path, **settings)
else:
    data = rv.data.load("digits", binarize=True)
    rv.fit(data, model, learner, steps=12000, patience=None, seed=3, out=path, **settings)
"""
PAIRS = (("sbn", "jsa"), ("rbm", "pcd"))


def ending(path: Path) -> tuple[bytes, bytes]:
    """The bytes that two equal runs share."""
    last = max((path / "checkpoints").glob("*.safetensors"))
    return (path / "model.safetensors").read_bytes(), last.read_bytes()


def start(path: Path, pair: tuple[str, str]) -> subprocess.Popen[bytes]:
    """A process that fits, or goes on."""
    return subprocess.Popen([sys.executable, "-c", CHILD, str(path), *pair])


def main() -> int:
    """Print one line a pair; the exit status is the number of runs that differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="how many runs to kill, for each pair")
    times = parser.parse_args().times
    print(describe())
    different = 0
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        for pair in PAIRS:
            alone = Path(folder) / f"{pair[1]}-alone"
            began = time.perf_counter()
            if start(alone, pair).wait() != 0:
                raise SystemExit(f"{pair}: the run left alone failed")
            life = time.perf_counter() - began
            kills, equal = [], 0
            for number in range(times):
                path = Path(folder) / f"{pair[1]}-{number}"
                deaths = 0
                while True:
                    process = start(path, pair)
                    try:
                        process.wait(timeout=draw.uniform(0.2, 1.0) * life if deaths < 3 else None)
                        break
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                        deaths += 1
                kills.append(deaths)
                equal += ending(path) == ending(alone)
            different += times - equal
            print(
                f"{pair[0]} by {pair[1]}: {times} runs, killed {sum(kills)} times in all; {equal} of {times} identical"
            )
    return different


if __name__ == "__main__":
    sys.exit(main())
