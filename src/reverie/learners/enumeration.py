"""Learning with all codes written out."""

from typing import Literal

from reverie.capabilities import HasFiniteCodes, HasPosterior
from reverie.directions import Direction, EnumeratedBound, EnumeratedElbo, EnumeratedLikelihood
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both, bound
from reverie.samplers import DataOnly


@named("enumeration")
def Enumeration(objective: Literal["elbo", "bound", "likelihood"] = "likelihood", k: int = 5) -> Learner:
    """Exact learning of a model of few codes: the sums over h are written out.

        likelihood: θ up ∇ log Σ_h p(x, h), φ up ∇ Σ_h p(h | x) log q(h | x)               (Ou 2019, Eq. 6 and 26)
        elbo:       θ, φ up ∇ Σ_h q(h | x) [log p(x, h) − log q(h | x)]                            (Ou 2019, Eq. 8)
        bound:      θ, φ up ∇ Σ_{h_1 … h_K} Π_k q(h_k | x) log 1/K Σ_k p(x, h_k) / q(h_k | x)       (Ou 2019, Eq. 19)

    Nothing is drawn but rows. What other learners approximate is measured against this one.

    Args:
        objective: `likelihood`, `elbo` or `bound`.
        k: K of the bound; the others do not ask.

    Example:
        >>> from reverie.learners import Enumeration
        >>> Enumeration(objective="elbo").direction.uses
        ()
    """
    at_least_one(k=k)
    directions: dict[str, Direction] = {
        "elbo": EnumeratedElbo(),
        "bound": EnumeratedBound(k),
        "likelihood": EnumeratedLikelihood(),
    }
    return Learner(
        reference="Ou 2019, Eq. 6, 8, 19 and 26",
        sampler=DataOnly(),
        direction=directions[objective],
        target=both(bound(k) if objective == "bound" else Target(objective)),
        requires={"model": (HasFiniteCodes,), "inference": (HasPosterior,)},
    )
