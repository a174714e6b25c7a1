"""Auxiliary models q(h | x).

`INFERENCE` is the registry. `default_posterior` says which of them serves a model when nobody chose.
"""

from reverie.capabilities import HasLogJoint
from reverie.inference.gaussian import GaussianPosterior
from reverie.inference.sbn import SigmoidBeliefPosterior
from reverie.parts import Part

INFERENCE: dict[str, type[Part]] = {
    "gaussian": GaussianPosterior,
    "belief-net": SigmoidBeliefPosterior,
}


def default_posterior(model: object) -> Part | None:
    """The inference model that fits the model's latent blocks, blank; `None` where none does."""
    if not isinstance(model, HasLogJoint):
        return None
    return next((part for part in (cls() for cls in INFERENCE.values()) if part.unserving(model) is None), None)


__all__ = ["INFERENCE", "GaussianPosterior", "SigmoidBeliefPosterior", "default_posterior"]
