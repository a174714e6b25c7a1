"""Predictability minimisation."""

from reverie.capabilities import HasCodeLogits, HasRelaxedJoint, PredictsUnits
from reverie.directions import PredictorsDown, UnpredictableCode
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.parts import Optimiser
from reverie.samplers import DataOnly


@named("predictability-minimisation")
def PredictabilityMinimisation(strength: float = 10.0, predictor_steps: int = 1) -> Learner:
    """An encoder against predictors of each of its units from the others, so that the code becomes factorial.

        max_{θ,φ} min_ψ  E log p_θ(x, y) + λ Σ_i E (P_ψi(y_{−i}) − y_i)²,    y = q_φ(h = 1 | x)

    A training procedure for a code, and not a distribution of its own: the distribution is the model's, whose top units
    are independent a priori, and the game makes the encoder's units so. Where there are several layers, the code is the
    top one. The units are taken as probabilities, without sampling; the game drives them to 0 and 1, and there
    log p(x, y) is the evidence lower bound.

    Args:
        strength: λ; 0 is an autoencoder with a cost for its code.
        predictor_steps: steps of the predictors for each step of the rest.

    Example:
        >>> from reverie.learners import PredictabilityMinimisation
        >>> PredictabilityMinimisation(predictor_steps=3).cadence
        {'model': 3, 'inference': 3}

    Reference: Schmidhuber 1992, *Learning factorial codes by predictability minimization*, Neural Computation 4.
    """
    at_least_one(predictor_steps=predictor_steps)
    if not 0 <= strength < float("inf"):
        raise InputError(f"strength must be finite and not negative, not {strength}")
    return Learner(
        reference="Schmidhuber 1992",
        sampler=DataOnly(),
        direction=Join((PredictorsDown(), UnpredictableCode(strength))),
        requires={"model": (HasRelaxedJoint,), "inference": (HasCodeLogits,), "predictor": (PredictsUnits,)},
        cadence={"model": predictor_steps, "inference": predictor_steps},
        optimiser={"predictor": Optimiser(rate=1e-2)},
    )
