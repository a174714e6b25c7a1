"""Stochastic maximum likelihood, also called persistent contrastive divergence."""

from reverie.capabilities import HasPotential, StartsChains
from reverie.directions import Contrastive
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import KernelName, PersistentChains, ReplayBuffer, kernel_of


@named("pcd")
def StochasticMaximumLikelihood(
    k: int = 1,
    particles: int = 100,
    kernel: KernelName = "auto",
    step: float | None = None,
    buffer: int = 0,
    restart: float = 0.05,
    penalty: float = 0.0,
) -> Learner:
    """The likelihood gradient with the model's expectation over particles that are never reset.

        E_data ∇u(x) − E_{p_θ} ∇u(x) = 0                                          (Ou 2019, Eq. 39, Alg. 7)

    Asymptotically exact where the kernel leaves p_θ invariant: as the step size falls the particles stay near the
    moving p_θ. `langevin` and `sghmc` do not, and with them, or where `auto` takes Langevin moves, a bias of the order
    of their step remains; `mala`, `hmc` and `nuts` have none.

    With a buffer, as usual for neural potentials (Du & Mordatch 2019), many chains are kept, of which as many as the
    batch has rows move at a step, and now and then one begins anew: biased towards where chains begin.

    Args:
        k: moves a step.
        particles: how many chains, where there is no buffer.
        kernel: how chains move: `gibbs`, `langevin`, `mala`, `hmc`, `nuts`, `sghmc`, `gradient-flips` or
            `balanced-flips`; `auto` is the model's own Gibbs sweep where it has one (of sequences jumps between lengths
            and sweeps within them), else Langevin moves of reals and flips informed by the gradient of the rest.
        step: the kernel's step size, where it has one.
        buffer: how many chains are kept of which a batch moves; 0: all particles move at each step.
        restart: the probability with which a chain of the buffer begins anew.
        penalty: α of the size of u at rows and at particles, as `Contrastive` has it: with one, what is climbed is a
            penalised likelihood.

    Example:
        >>> from reverie.learners import StochasticMaximumLikelihood
        >>> StochasticMaximumLikelihood().name
        'pcd'

    Reference: Younes 1989; Tieleman 2008; Du & Mordatch 2019.
    """
    at_least_one(k=k, particles=particles)
    if buffer < 0 or not 0.0 <= restart <= 1.0:
        raise InputError("buffer must not be negative, and restart must lie in [0, 1]")
    if not 0.0 <= penalty < float("inf"):
        raise InputError(f"penalty must not be negative nor infinite, not {penalty}")
    chosen = kernel_of(kernel, step)
    kept = ReplayBuffer(k, buffer, restart, chosen) if buffer else PersistentChains(k, particles, chosen)
    exact = not buffer and (chosen is None or chosen.exactness == "asymptotic")
    return Learner(
        reference="Younes 1989; Tieleman 2008",
        sampler=kept,
        direction=Contrastive(penalty),
        target={} if penalty else {"model": Target("likelihood", claim="asymptotic" if exact else "biased")},
        requires={"model": (HasPotential, *((StartsChains,) if chosen is None else chosen.needs))},
    )
