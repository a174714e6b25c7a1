"""What every test shares: the CPU, a compilation cache that starts empty, fixed seeds, and `--all-pairs`."""

import gc
import importlib.metadata
import os
import shutil
import tempfile

import hypothesis
import numpy as np
import pytest

hypothesis.settings.register_profile("reverie", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.load_profile("reverie")


def pytest_addoption(parser):
    parser.addoption(
        "--all-pairs",
        action="store_true",
        help="train every pair that fits, not only a set that covers each model and each learner",
    )


def pytest_configure(config):
    """Set JAX up in the environment, before anything imports it; commands that tests start inherit it.

    The cache lives as long as the session: workers and commands share what they compile, and every run starts cold.
    Most of the time goes into compiling, so what is compiled is optimised little, in one piece, and by the emitters
    that compile in half the time, where this JAX still has them.
    """
    if _is_worker():
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="reverie-tests-jax-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"  # To write costs a seventh of what a hit saves.
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    flags = ["--xla_cpu_parallel_codegen_split_count=1"]
    if tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2]) < (0, 11):
        flags.append("--xla_cpu_use_fusion_emitters=false")  # A flag that XLA does not know ends the process.
    os.environ["XLA_FLAGS"] = " ".join([*flags, os.environ.get("XLA_FLAGS", "")]).strip()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["MPLBACKEND"] = "Agg"


def pytest_unconfigure(config):
    if _is_worker():
        return
    shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


def pytest_collection_finish(session):
    """Look for garbage seldom: a fifth of the time of tracing went into walking objects that live until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _is_worker():
    """Whether this is one of the processes that `-n` starts; they inherit what the first has set."""
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_collection_modifyitems(config, items):
    """Leave tests marked `all_pairs` out, unless they were asked for."""
    if config.getoption("--all-pairs"):
        return
    left_out = [item for item in items if item.get_closest_marker("all_pairs")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("all_pairs")]


@pytest.fixture(scope="session")
def all_pairs(pytestconfig):
    """Whether every pair is to be trained."""
    return pytestconfig.getoption("--all-pairs")


@pytest.fixture
def key():
    """The JAX key that a test starts from."""
    import jax

    return jax.random.key(20)


@pytest.fixture
def rng():
    """The NumPy generator that a test starts from."""
    return np.random.default_rng(20)
