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
    kinds = {latent.kind for latent in model.latents}
    if kinds == {"bits"}:
        return SigmoidBeliefPosterior()
    if kinds == {"reals"} and len(model.latents) == 1:
        return GaussianPosterior()
    return None


__all__ = ["INFERENCE", "GaussianPosterior", "SigmoidBeliefPosterior", "default_posterior"]
