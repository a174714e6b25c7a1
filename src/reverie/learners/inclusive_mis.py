"""Random fields of bits and categories with an autoregressive generator."""

from reverie.capabilities import HasLogProb, HasPotential, Samplable, StartsChains
from reverie.directions import Contrastive, GeneratorFromParticles
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import IndependenceChains, KernelName, kernel_of


@named("inclusive-mis")
def InclusiveDiscreteField(
    moves: int = 5, particles: int = 100, sweeps: int = 1, kernel: KernelName = "auto"
) -> Learner:
    """A discrete field whose chains take rows of a generator that learns from where the chains are.

        θ up E_data ∇u(x) − E_{p_θ} ∇u(x),    φ up E_{p_θ} ∇ log q_φ(x)                          (Ou 2019, Eq. 44)

    Draws of p_θ are states of chains that move by Metropolis independence sampling with proposals from q_φ. The second
    line goes down KL[p_θ ‖ q_φ], so that q covers p and proposals come to be accepted; until they are
    (`independence_acceptance`), the model's own kernel keeps the chains moving.

    Args:
        moves: proposals of each chain in a step.
        particles: how many chains.
        sweeps: moves of the kernel after them.
        kernel: `gibbs`, `gradient-flips` or `balanced-flips`; `auto` is the model's own Gibbs sweep (of sequences with
            jumps between lengths), or flips informed by the gradient where it has none.

    Example:
        >>> from reverie.learners import InclusiveDiscreteField
        >>> InclusiveDiscreteField(moves=10, kernel="gibbs").sampler.exactness
        'asymptotic'

    Reference: Wang & Ou 2017, *Language modeling with neural trans-dimensional random fields*; Ou 2019, §4.2.3, Alg. 8.
    """
    at_least_one(moves=moves, particles=particles)
    if sweeps < 0:
        raise InputError(f"sweeps must not be negative, not {sweeps}")
    chosen = kernel_of(kernel)
    return Learner(
        reference="Wang & Ou 2017",
        sampler=IndependenceChains(moves, particles, sweeps, chosen),
        direction=Join((Contrastive(), GeneratorFromParticles())),
        requires={
            "model": (HasPotential, *((StartsChains,) if chosen is None else chosen.needs)),
            "generator": (Samplable, HasLogProb),
        },
    )
