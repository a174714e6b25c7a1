"""Semi-supervised learning with a class among the latent variables: M2, M1 + M2, auxiliary models."""

from reverie.capabilities import Classifies, HasBranches, HasClass, HasFirstStage, InfersFirstStage
from reverie.directions import SemiSupervisedElbo, StagedSemiSupervised
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("m2")
def M2(alpha: float = 0.1, samples: int = 1) -> Learner:
    """Ascend a bound in which a label, where a row has one, takes the place of the sum over classes.

        E_rows [1_l L(x, y) + 1_u U(x)] + α E_labelled log q(y | x),
        L(x, y) = E_ε [log p(x, z_y, y) − log q(z_y | x, y)],   U(x) = Σ_y q(y | x) [L(x, y) − log q(y | x)]

    Which model it becomes is the parts' affair: M2 with `cvae`, M1 + M2 learned jointly with `m1m2`, an auxiliary deep
    generative model with `cvae` and the inference part `auxiliary-class`, a skip deep generative model with `sdgm`.
    Rows without a label have −1 in its place.

    Args:
        alpha: α, the weight of the mean over labelled rows against the mean over all rows.
        samples: draws of ε for each row.

    Example:
        >>> from reverie.learners import M2
        >>> M2(alpha=1.0).options["alpha"]
        1.0

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 9;
    auxiliary and skip models: Maaløe, Sønderby, Sønderby & Winther 2016.
    """
    _check(alpha, samples)
    return Learner(
        reference="Kingma et al. 2014",
        sampler=BaseNoise("inference", samples),
        direction=SemiSupervisedElbo(alpha),
        requires={"model": (HasClass,), "inference": (HasBranches, Classifies)},
        labels=True,
    )


@named("m1-then-m2")
def M1ThenM2(until: int = 2000, alpha: float = 0.1, samples: int = 1) -> Learner:
    """Learn M1 for some steps, then M2 on top of its code, which stands still.

        t < T: θ, φ up E log p(x | z₁) + log N(z₁; 0, I) − log q(z₁ | x);   t ≥ T: the rest of both, as `M2` has it

    To learn both layers at once, take `M2` with the same model.

    Args:
        until: T.
        alpha: α, the weight of the mean over labelled rows against the mean over all rows.
        samples: draws of ε for each row.

    Example:
        >>> from reverie.learners import M1ThenM2
        >>> M1ThenM2(until=500).direction.until
        500

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, §2.
    """
    _check(alpha, samples)
    if until < 1:
        raise InputError(f"until must be at least 1, not {until}")
    return Learner(
        reference="Kingma et al. 2014",
        sampler=BaseNoise("inference", samples),
        direction=StagedSemiSupervised(until, alpha),
        requires={"model": (HasFirstStage,), "inference": (InfersFirstStage, Classifies)},
        labels=True,
    )


def _check(alpha: float, samples: int) -> None:
    at_least_one(samples=samples)
    if not 0 <= alpha < float("inf"):
        raise InputError(f"alpha must be finite and not negative, not {alpha}")
