"""Which pairs a bake-off tries on which data."""

from typing import NamedTuple

from reverie.data.spec import Spec
from reverie.pairing import check, make_learner, make_part


class Entrant(NamedTuple):
    """A pair with its options, and the share of the time that it gets."""

    model: str
    learner: str
    model_options: dict[str, object] = {}  # noqa: RUF012 - a NamedTuple's default is never changed
    learner_options: dict[str, object] = {}  # noqa: RUF012
    settings: dict[str, object] = {}  # noqa: RUF012


ROSTER: tuple[Entrant, ...] = (
    Entrant("made", "mle", {"hidden": (200,), "orders": 4}),
    Entrant("fvsbn", "mle"),
    Entrant("sbn", "jsa", {"sizes": (50,)}, {"moves": 5}, {"learning_rate": 3e-3}),
    Entrant("sbn", "rws", {"sizes": (50,)}, {"k": 5}, {"learning_rate": 3e-3}),
    Entrant("sbn", "wake-sleep", {"sizes": (50,)}, {}, {"learning_rate": 3e-3}),
    Entrant("rbm", "pcd", {"hidden": 64}, {}, {"average": 0.999}),
    Entrant("rbm", "cd", {"hidden": 64}, {"k": 5}, {"average": 0.999}),
    Entrant("realnvp", "mle"),
    Entrant("gaussian-mixture", "em"),
    Entrant("gaussian-mixture", "mle"),
    Entrant("vae", "iwae", {}, {"k": 5}),
    Entrant("vae", "elbo"),
    Entrant("generator", "gan"),
)


def suited(spec: Spec, roster: tuple[Entrant, ...] = ROSTER) -> list[Entrant]:
    """The entrants whose parts can take such data."""
    found = []
    for entrant in roster:
        pair = check(make_part("model", entrant.model, entrant.model_options), make_learner(entrant.learner))
        if all(part.unsuited(spec) is None for part in pair.values()):
            found.append(entrant)
    return found
