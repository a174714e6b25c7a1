"""A latent-feature discriminative model."""

from reverie.capabilities import ClassifiesCodes, Encodes, HasLogJoint, ReparameterisedProposal
from reverie.directions import AutoElbo, CodeClassification
from reverie.directions.direction import Join
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("m1")
def M1(samples: int = 1) -> Learner:
    """Variational learning from all rows, and a classifier on the codes of those that have a label.

        θ, φ up L(x; θ, φ);   ψ up E_labelled log p_ψ(y | h),  h = encode(x)

    Nothing comes back from the classifier to the codes. Rows without a label have −1 in its place.

    Args:
        samples: codes for each row.

    Example:
        >>> from reverie.learners import M1
        >>> M1().direction.moves
        ('model', 'inference', 'classifier')

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, §2.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Kingma et al. 2014",
        sampler=BaseNoise("inference", samples),
        direction=Join((AutoElbo(), CodeClassification())),
        requires={
            "model": (HasLogJoint,),
            "inference": (ReparameterisedProposal, Encodes),
            "classifier": (ClassifiesCodes,),
        },
        labels=True,
    )
