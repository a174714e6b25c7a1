"""Joint stochastic approximation."""

from reverie.capabilities import HasLogJoint, HasPosterior
from reverie.directions import Fisher, InclusiveFromData
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import MetropolisIndependence


@named("jsa")
def JSA(moves: int = 5, cache_after: int = 0) -> Learner:
    """Maximum likelihood for the model and the inclusive divergence for the inference model, by one Markov chain.

        E_{p̃(x) p(h|x)} ∇_θ log p(x, h) = 0,   E_{p̃(x) p(h|x)} ∇_φ log q(h | x) = 0          (Ou 2019, Eq. 27, Alg. 5)

    The codes come from a Metropolis independence sampler that keeps the last accepted code of every row and
    proposes from q. Reweighted wake-sleep has the same two directions and another sampler: there the codes are biased
    for any K, here the chain leaves the posterior invariant.

    Where few proposals are accepted (`acceptance` in the metrics falls to some in a thousand), rows keep a code for
    good and the parts learn it by heart: keep codes later, by `cache_after`, or propose more.

    Args:
        moves: proposals for each row and step.
        cache_after: the step from which a row begins with the code that it kept; until then with a fresh one.

    Example:
        >>> from reverie.learners import JSA
        >>> JSA(moves=5).sampler.exactness
        'asymptotic'

    Reference: Xu & Ou 2016, *Joint stochastic approximation learning of Helmholtz machines*; Ou & Song 2020.
    """
    at_least_one(moves=moves)
    if cache_after < 0:
        raise InputError(f"cache_after must not be negative, not {cache_after}")
    return Learner(
        reference="Xu & Ou 2016",
        sampler=MetropolisIndependence(moves, cache_after),
        direction=Join((Fisher(), InclusiveFromData())),
        target=both(Target("likelihood", claim="asymptotic")),
        requires={"model": (HasLogJoint,), "inference": (HasPosterior,)},
    )
