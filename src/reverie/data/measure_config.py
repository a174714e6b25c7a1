"""Building a measure again from the plain JSON of its `to_config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.data.composed import Composed
from reverie.data.densities import Dequantise, Logit, Standardise
from reverie.data.measure import Measure
from reverie.data.per_leaf import PerLeaf
from reverie.data.views import Binarise, BinariseDynamic, Identity, Levels, OneHot
from reverie.errors import InputError

_SIMPLE: dict[str, type[Measure]] = {
    "identity": Identity,
    "levels": Levels,
    "one-hot": OneHot,
    "binarise": Binarise,
    "binarise-dynamic": BinariseDynamic,
    "dequantise": Dequantise,
    "logit": Logit,
    "standardise": Standardise,
}


def measure_from_config(config: Mapping[str, Any]) -> Measure:
    """The measure whose `to_config` gave `config`; refuses what it does not know."""
    if not isinstance(config, Mapping) or not isinstance(config.get("measure"), str):
        raise InputError("a measure's config must be an object with the name of the measure under 'measure'")
    name = config["measure"]
    options = {key: value for key, value in config.items() if key != "measure"}
    try:
        if name == "composed":
            return Composed(tuple(measure_from_config(one) for one in options.pop("measures")), **options)
        if name == "per-leaf":
            measures = {kind: measure_from_config(one) for kind, one in options.pop("measures").items()}
            return PerLeaf(measures, **options)
        if name in _SIMPLE:
            return _SIMPLE[name](**options)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the config of the measure {name!r} does not fit it: {error}") from error
    raise InputError(f"unknown measure {name!r} in a config; known are {', '.join([*_SIMPLE, 'composed', 'per-leaf'])}")
