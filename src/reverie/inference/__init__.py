"""Auxiliary models q(h | x).

`INFERENCE` is the registry; where nobody chose, `pairing.supply` takes the first that can serve.
"""

from reverie.inference.autoregressive import InverseAutoregressivePosterior, MaskedAutoregressivePosterior
from reverie.inference.auxiliary import AuxiliaryPosterior, HierarchicalPosterior
from reverie.inference.auxiliary_class import AuxiliaryClassPosterior
from reverie.inference.categorical import CategoricalPosterior
from reverie.inference.class_posterior import ClassPosterior
from reverie.inference.coupling import RealNVPPosterior
from reverie.inference.family import FamilyPosterior
from reverie.inference.full_gaussian import FullGaussianPosterior
from reverie.inference.gaussian import GaussianPosterior
from reverie.inference.hamiltonian import HamiltonianPosterior
from reverie.inference.implicit import ImplicitPosterior
from reverie.inference.layered import BottomUpPosterior, TopDownPosterior
from reverie.inference.minimum_rate import MinimumRatePosterior
from reverie.inference.nade import AutoregressivePosterior
from reverie.inference.planar import PlanarPosterior, RadialPosterior
from reverie.inference.refined import RefinedLayersPosterior, RefinedPosterior
from reverie.inference.sbn import SigmoidBeliefPosterior
from reverie.inference.stacked import StackedPosterior
from reverie.inference.sylvester import SylvesterPosterior
from reverie.inference.vector_quantiser import VectorQuantiser
from reverie.parts import Part

INFERENCE: dict[str, type[Part]] = {
    "gaussian": GaussianPosterior,
    "belief-net": SigmoidBeliefPosterior,
    "categorical": CategoricalPosterior,
    "vector-quantiser": VectorQuantiser,
    "full-gaussian": FullGaussianPosterior,
    "minimum-rate": MinimumRatePosterior,
    "bottom-up": BottomUpPosterior,
    "top-down": TopDownPosterior,
    "planar": PlanarPosterior,
    "radial": RadialPosterior,
    "iaf": InverseAutoregressivePosterior,
    "maf": MaskedAutoregressivePosterior,
    "coupling": RealNVPPosterior,
    "sylvester": SylvesterPosterior,
    "auxiliary": AuxiliaryPosterior,
    "hierarchical": HierarchicalPosterior,
    "hamiltonian": HamiltonianPosterior,
    "refined": RefinedPosterior,
    "refined-layers": RefinedLayersPosterior,
    "family": FamilyPosterior,
    "implicit": ImplicitPosterior,
    "nade": AutoregressivePosterior,
    "class-gaussian": ClassPosterior,
    "auxiliary-class": AuxiliaryClassPosterior,
    "stacked": StackedPosterior,
}


__all__ = [
    "INFERENCE",
    "AutoregressivePosterior",
    "AuxiliaryClassPosterior",
    "AuxiliaryPosterior",
    "BottomUpPosterior",
    "CategoricalPosterior",
    "ClassPosterior",
    "FamilyPosterior",
    "FullGaussianPosterior",
    "GaussianPosterior",
    "HamiltonianPosterior",
    "HierarchicalPosterior",
    "ImplicitPosterior",
    "InverseAutoregressivePosterior",
    "MaskedAutoregressivePosterior",
    "MinimumRatePosterior",
    "PlanarPosterior",
    "RadialPosterior",
    "RealNVPPosterior",
    "RefinedLayersPosterior",
    "RefinedPosterior",
    "SigmoidBeliefPosterior",
    "StackedPosterior",
    "SylvesterPosterior",
    "TopDownPosterior",
    "VectorQuantiser",
]
