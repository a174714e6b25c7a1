"""Neural variational inference and learning."""

from reverie.capabilities import HasLogJoint, HasPosterior, PredictsValue
from reverie.directions import NeuralVariational
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import Importance


@named("nvil")
def NVIL(samples: int = 1, decay: float = 0.8, *, local: bool = True) -> Learner:
    """REINFORCE on signals, one a layer, that are centred by a learned baseline and scaled by their own spread.

        φ_l up (f_l(h) − C_ψ,l − c_l) / max(1, σ_l) ∇_φ log q(h_l | h_{l−1}),  h_0 = x,
        f_l = Σ_{j ≥ l} [log p(h_{j−1} | h_j) − log q(h_j | h_{j−1})] + log p(h_L)

    Unbiased for θ, and for φ up to the factors 1/max(1, σ_l), which come from the steps before. The part `baseline` is
    `local-baseline` where nobody chose: it reads the layer below as well as x.

    Args:
        samples: codes for each row.
        decay: of the moving averages c and σ².
        local: leave out of a layer's signal what is known of log p before the layer is drawn, as the paper has it;
            without it each has all of log p(x, h). The same for one layer.

    Example:
        >>> from reverie.learners import NVIL
        >>> NVIL().direction.moves
        ('model', 'inference', 'baseline')

    Reference: Mnih & Gregor 2014, *Neural variational inference and learning in belief networks*, §2.3, Alg. 1.
    """
    at_least_one(samples=samples)
    if not 0 <= decay < 1:
        raise InputError(f"decay must lie in [0, 1), not {decay}")
    return Learner(
        reference="Mnih & Gregor 2014",
        sampler=Importance(samples),
        direction=NeuralVariational(decay, local),
        target={"model": Target("elbo"), "inference": Target("elbo", claim="scaled")},
        requires={"model": (HasLogJoint,), "inference": (HasPosterior,), "baseline": (PredictsValue,)},
        usual={"baseline": "local-baseline"},
    )
