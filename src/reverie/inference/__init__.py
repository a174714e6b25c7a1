"""Auxiliary models q(h | x).

`INFERENCE` is the registry; where nobody chose, `pairing.supply` takes the first that can serve.
"""

from reverie.inference.gaussian import GaussianPosterior
from reverie.inference.sbn import SigmoidBeliefPosterior
from reverie.inference.vector_quantiser import VectorQuantiser
from reverie.parts import Part

INFERENCE: dict[str, type[Part]] = {
    "gaussian": GaussianPosterior,
    "belief-net": SigmoidBeliefPosterior,
    "vector-quantiser": VectorQuantiser,
}


__all__ = ["INFERENCE", "GaussianPosterior", "SigmoidBeliefPosterior", "VectorQuantiser"]
