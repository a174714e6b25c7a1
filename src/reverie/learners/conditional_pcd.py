"""Persistent contrastive divergence of rows given their labels."""

from reverie.capabilities import ConditionsOnClass
from reverie.directions import ClassContrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import PersistentClassChains


@named("conditional-pcd")
def ConditionalPCD(k: int = 1, particles: int = 20) -> Learner:
    """The likelihood gradient of rows and labels, its expectations by particles of each class that are never reset.

        θ up 1/n Σ_i ∇[log p(y_i) + u(x_i, y_i)] − Σ_y n_y/n 1/P Σ_p ∇u(x̃_{y,p}, y),    x̃_{y,p} in the model of y

    Every condition needs chains of its own, which is why conditions that never come twice are left to contrastive
    divergence; of classes there are few. Rows without a label say nothing.

    Args:
        k: sweeps a step.
        particles: P, how many chains each class has.

    Example:
        >>> from reverie.learners import ConditionalPCD
        >>> ConditionalPCD(particles=50).name
        'conditional-pcd'

    Reference: Tieleman 2008; Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines for structured
    output prediction*.
    """
    at_least_one(k=k, particles=particles)
    return Learner(
        reference="Tieleman 2008; Mnih, Larochelle & Hinton 2011",
        sampler=PersistentClassChains(k, particles),
        direction=ClassContrastive(),
        requires={"model": (ConditionsOnClass,)},
        labels=True,
    )
