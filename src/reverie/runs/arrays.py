"""Arrays of a pytree in a safetensors file: by the path of each leaf, and nothing that can run."""

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree
from safetensors import SafetensorError
from safetensors.numpy import load as load_bytes
from safetensors.numpy import save as save_bytes

from reverie import noise
from reverie.errors import InputError

_KEY = "key:"


def name_of(path: tuple[Any, ...]) -> str:
    """`model/layers/0/weight` for the path of a leaf."""
    return re.sub(r"/+", "/", jax.tree_util.keystr(path, simple=True, separator="/"))


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _named(tree: PyTree) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [(name_of(path), leaf) for path, leaf in leaves if isinstance(leaf, jax.Array | jax.ShapeDtypeStruct)]


def encode(tree: PyTree) -> bytes:
    """The arrays of a tree as the bytes of a safetensors file; random keys as their words."""
    arrays = {}
    for name, leaf in _named(tree):
        data = jax.random.key_data(leaf) if _is_key(leaf) else leaf
        arrays[(_KEY if _is_key(leaf) else "") + name] = np.asarray(data, order="C")
    return save_bytes(arrays)


def decode(data: bytes, where: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name."""
    try:
        return load_bytes(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{where} is not a readable safetensors file: {error}") from None


def restore(template: PyTree, arrays: dict[str, np.ndarray], where: Path, prng: str = "counter") -> PyTree:
    """The template with its arrays replaced by those of the file; each must be there, with its shape and type."""
    wanted = dict(_named(template))
    extra = set(arrays) - set(wanted) - {_KEY + name for name in wanted}
    if extra:
        raise InputError(f"{where} holds {sorted(extra)[0]!r}, which this run's configuration does not describe")

    def leaf_of(path: tuple[Any, ...], leaf: Any) -> Any:
        name = name_of(path)
        if name not in wanted:
            return leaf
        stored = (_KEY if _is_key(leaf) else "") + name
        if stored not in arrays:
            raise InputError(f"{where} lacks {name!r}")
        array = arrays[stored]
        if _is_key(leaf):
            return noise.wrap_key_data(array, prng)
        if array.shape != leaf.shape or array.dtype != leaf.dtype:
            raise InputError(
                f"{where}: {name!r} is {array.dtype}{list(array.shape)}, and {leaf.dtype}{list(leaf.shape)} is expected"
            )
        return jnp.asarray(array)

    return jax.tree_util.tree_map_with_path(leaf_of, template)
