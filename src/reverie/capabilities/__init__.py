"""What a thing can do.

A capability is a nominal, abstract mixin: a model *has* it by inheriting from it, and the rest of the library asks
`isinstance(model, HasLogJoint)` and never what the model is. Every method here is written for a **single example**
(one row `x`, one code `h`, one key); callers vectorise with `jax.vmap`.

Words and signs: `log_prob`, `log_joint` and `potential` are in nats and larger is likelier; `potential = log p̃`, the
log of the unnormalised density, so that `energy = −potential`.
"""

from reverie.capabilities.auxiliaries import (
    Discriminates,
    DiscriminatesCodes,
    DiscriminatesPairs,
    HasPseudoInputs,
    PredictsUnits,
    PredictsValue,
    StandsIn,
    StandsInFreely,
)
from reverie.capabilities.capability import Capability, Code, Row, Scalar, capabilities_of, missing_from
from reverie.capabilities.classes import (
    Branches,
    Classifies,
    ClassifiesCodes,
    HasBranches,
    HasClass,
    HasFirstStage,
    InfersFirstStage,
)
from reverie.capabilities.latents import (
    HasClosedPosterior,
    HasCodebook,
    HasFiniteCodes,
    HasJointSample,
    HasLogJoint,
    HasMixturePrior,
    HasPriorDistribution,
    HasRealCodes,
    HasRelaxedJoint,
    Latent,
)
from reverie.capabilities.models import (
    HasEnumeration,
    HasExactEM,
    HasGibbs,
    HasLogProb,
    HasPotential,
    HasTempering,
    Pushforward,
    Samplable,
)
from reverie.capabilities.posteriors import (
    ConsultsModel,
    EmbedsCodes,
    Encodes,
    HasBitLogits,
    HasCodeLogits,
    HasPosterior,
    HasPosteriorDistribution,
    Proposes,
    Refines,
    Reparameterised,
    ReparameterisedProposal,
    posterior_of,
)

__all__ = [
    "Branches",
    "Capability",
    "Classifies",
    "ClassifiesCodes",
    "Code",
    "ConsultsModel",
    "Discriminates",
    "DiscriminatesCodes",
    "DiscriminatesPairs",
    "EmbedsCodes",
    "Encodes",
    "HasBitLogits",
    "HasBranches",
    "HasClass",
    "HasClosedPosterior",
    "HasCodeLogits",
    "HasCodebook",
    "HasEnumeration",
    "HasExactEM",
    "HasFiniteCodes",
    "HasFirstStage",
    "HasGibbs",
    "HasJointSample",
    "HasLogJoint",
    "HasLogProb",
    "HasMixturePrior",
    "HasPosterior",
    "HasPosteriorDistribution",
    "HasPotential",
    "HasPriorDistribution",
    "HasPseudoInputs",
    "HasRealCodes",
    "HasRelaxedJoint",
    "HasTempering",
    "InfersFirstStage",
    "Latent",
    "PredictsUnits",
    "PredictsValue",
    "Proposes",
    "Pushforward",
    "Refines",
    "Reparameterised",
    "ReparameterisedProposal",
    "Row",
    "Samplable",
    "Scalar",
    "StandsIn",
    "StandsInFreely",
    "capabilities_of",
    "missing_from",
    "posterior_of",
]
