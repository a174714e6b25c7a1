"""Joint energy-based models: a field of the rows and a classifier in one."""

from reverie.capabilities import HasClassPotential
from reverie.directions import Contrastive, LabelLikelihood
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import KernelName, ReplayBuffer, kernel_of


@named("jem")
def JointEnergy(
    k: int = 20,
    kernel: KernelName = "auto",
    step: float | None = None,
    size: int = 10_000,
    restart: float = 0.05,
    weight: float = 1.0,
) -> Learner:
    """The likelihood of (x, y) as that of x, by chains from a store, and that of y given x, in closed form.

        θ up E_data ∇u(x) − E_{p_θ} ∇u(x) + weight · E_labelled ∇ log p_θ(y | x)

    Rows without a label serve the first term alone, so that few labels may do.

    Args:
        k: moves a step.
        kernel: how chains move; `auto` is `langevin` of reals, as in the paper, and `gradient-flips` of bits. Or
            `mala`, `hmc`, `nuts`, `sghmc`, `balanced-flips`.
        step: the kernel's step size.
        size: of the store.
        restart: the probability with which a chain begins anew.
        weight: of the labels' term.

    Example:
        >>> from reverie.learners import JointEnergy
        >>> JointEnergy(k=10).labels
        True

    Reference: Grathwohl et al. 2020, *Your classifier is secretly an energy based model and you should treat it like
    one*, Alg. 1.
    """
    at_least_one(k=k, size=size)
    if not 0.0 <= restart <= 1.0 or not 0.0 <= weight < float("inf"):
        raise InputError("restart must lie in [0, 1], and weight must be finite and not negative")
    chosen = kernel_of(kernel, step)
    return Learner(
        reference="Grathwohl et al. 2020",
        sampler=ReplayBuffer(k, size, restart, chosen),
        direction=Join((Contrastive(), LabelLikelihood(weight))),
        requires={"model": (HasClassPotential, *(() if chosen is None else chosen.needs))},
        labels=True,
    )
