"""Which pairs a bake-off tries on which data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from reverie.capabilities import SplitsColumns
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.pairing import check, make_learner, make_part


class Entrant(NamedTuple):
    """A pair with its options, and what its run is asked beside the defaults."""

    model: str
    learner: str
    model_options: Mapping[str, Any] = MappingProxyType({})
    learner_options: Mapping[str, Any] = MappingProxyType({})
    learning_rate: float | None = None
    average: float | None = None


ROSTER: tuple[Entrant, ...] = (
    Entrant("made", "mle", {"hidden": (200,), "orders": 4}),
    Entrant("fvsbn", "mle"),
    Entrant("sbn", "jsa", {"sizes": (50,)}, {"moves": 5}, 3e-3),
    Entrant("sbn", "rws", {"sizes": (50,)}, {"k": 5}, 3e-3),
    Entrant("sbn", "wake-sleep", {"sizes": (50,)}, {}, 3e-3),
    Entrant("rbm", "pcd", {"hidden": 64}, average=0.999),
    Entrant("rbm", "cd", {"hidden": 64}, {"k": 5}, average=0.999),
    Entrant("realnvp", "mle"),
    Entrant("gaussian-mixture", "em", {}, {"ridge": 1e-2}),
    Entrant("gaussian-mixture", "mle", {}, {}, 1e-2),
    Entrant("vae", "iwae", {}, {"k": 5}),
    Entrant("vae", "elbo"),
    Entrant("generator", "gan"),
)


def suited(spec: Spec, roster: tuple[Entrant, ...] = ROSTER) -> list[Entrant]:
    """The entrants whose parts can take such data."""
    found = []
    for entrant in roster:
        pair = check(make_part("model", entrant.model, entrant.model_options), make_learner(entrant.learner))
        if isinstance(pair["model"], SplitsColumns):
            raise InputError(
                f"{entrant.model} tells some columns given the others: its likelihood has no rank beside those of rows"
            )
        if all(part.unsuited(spec) is None for part in pair.values()):
            found.append(entrant)
    return found
