"""JAX as Reverie wants it: compiled programs are kept on the disk, so that the second run does not wait for them."""

import os
from pathlib import Path

OFF = ("", "0", "off", "no", "none")


def cache_folder() -> Path | None:
    """Where compiled programs are kept: `REVERIE_CACHE` (`off` keeps none), else the user's cache folder."""
    chosen = os.environ.get("REVERIE_CACHE")
    if chosen is not None:
        return None if chosen.lower() in OFF else Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "reverie" / "jax"


def prepare() -> None:
    """Turn JAX's compilation cache on, unless somebody has chosen one already."""
    import jax

    folder = cache_folder()
    if folder is None or jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
