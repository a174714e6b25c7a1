"""Augmented stochastic approximation: trans-dimensional random fields and their normalisers, learned together."""

from reverie.capabilities import HasLengthNormalisers
from reverie.directions import AugmentedApproximation
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import LengthJumps, PersistentChains


@named("trf-sa")
def AugmentedSA(
    k: int = 1,
    particles: int = 100,
    jumps: int = 2,
    decay: float = 0.6,
    settle: int | None = None,
    penalty: float = 0.0,
) -> Learner:
    """Persistent chains between sequences of all lengths; θ up the likelihood, ζ_l towards log Z_l.

        θ up E_data ∇u_θ − E_chains ∇u_θ − λ θ,    ζ_l ← ζ_l + min{1, γ_t/π_l} (share of chains at l − π_l)

    Asymptotically exact as `pcd` is, which fits the same fields and moves ζ by its own optimiser, as it moves θ.

    Args:
        k: moves a step.
        particles: how many chains.
        jumps: proposals of another length in a move, before its sweep.
        decay: β in (½, 1], γ_t = t^{−β}.
        settle: a step from which on γ falls as 1/t, so that ζ settles on the θ that are then nearly still.
        penalty: λ: a Gaussian prior of variance σ² has λ = 1 / (σ² rows). N-grams that were seen once ask for one.

    Example:
        >>> from reverie.learners import AugmentedSA
        >>> AugmentedSA().name
        'trf-sa'

    Reference: Wang, Ou & Tan 2018, *Learning trans-dimensional random fields with applications to language modeling*,
    Alg. 1–2.
    """
    at_least_one(k=k, particles=particles, jumps=jumps)
    if not 0.5 < decay <= 1.0:
        raise InputError(f"decay must lie in (1/2, 1], not {decay}")
    if settle is not None and settle < 1:
        raise InputError(f"settle must be at least 1, not {settle}")
    if not 0.0 <= penalty < float("inf"):
        raise InputError(f"penalty must not be negative nor infinite, not {penalty}")
    return Learner(
        reference="Wang, Ou & Tan 2018",
        sampler=PersistentChains(k, particles, LengthJumps(jumps)),
        direction=AugmentedApproximation(decay, settle, penalty),
        requires={"model": (HasLengthNormalisers,)},
    )
