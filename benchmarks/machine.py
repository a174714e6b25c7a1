"""The line that says where and with what a figure was made."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("jax", "numpy", "equinox", "optax", "numpyro", "flowjax")


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe() -> str:
    """Machine and versions, in one line."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"
