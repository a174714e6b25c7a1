"""Wake-sleep."""

from reverie.capabilities import HasJointSample, HasLogJoint, HasPosterior
from reverie.directions import Fisher, InclusiveFromDreams
from reverie.directions.direction import Join
from reverie.learners.learner import Learner, named
from reverie.learners.target import Target
from reverie.samplers import Dream, Importance, Together


@named("wake-sleep")
def WakeSleep() -> Learner:
    """Wake: fit the model to codes of the data. Sleep: fit the inference model to the model's dreams.

        θ up ∇_θ log p(x, h), h ~ q(h | x);   φ up ∇_φ log q(h' | x'), (x', h') ~ p(x, h)   (Ou 2019, Alg. 4, Eq. 22)

    The wake phase ascends the evidence lower bound; the sleep phase descends another divergence, on the model's own x,
    so that the two have no common objective.

    Example:
        >>> from reverie.learners import WakeSleep
        >>> WakeSleep().direction.moves
        ('model', 'inference')

    Reference: Hinton, Dayan, Frey & Neal 1995.
    """
    return Learner(
        reference="Hinton et al. 1995",
        sampler=Together((Importance(1), Dream())),
        direction=Join((Fisher(), InclusiveFromDreams())),
        target={"model": Target("elbo"), "inference": Target("dreams")},
        requires={"model": (HasLogJoint, HasJointSample), "inference": (HasPosterior,)},
    )
