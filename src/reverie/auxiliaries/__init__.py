"""Parts that serve a learner: critics, baselines. `AUXILIARIES` is the registry, by role and name."""

from reverie.auxiliaries.baseline import Baseline
from reverie.auxiliaries.critic import Critic
from reverie.parts import Part

AUXILIARIES: dict[str, dict[str, type[Part]]] = {
    "critic": {"critic": Critic},
    "baseline": {"baseline": Baseline},
}

__all__ = ["AUXILIARIES", "Baseline", "Critic"]
