"""What samplers declare holds: their bias is what enumeration says, and shrinks at its order."""

import pytest

from reverie.learners import ContrastiveDivergence, InclusiveDiscreteField, StochasticMaximumLikelihood
from reverie.samplers import KERNELS, IndependenceChains, Langevin, PersistentChains, ReplayBuffer, Together
from tests import worlds

# ------------------------------------------------------------------------------------------------------ declarations


@pytest.mark.parametrize("kernel", ["auto", *KERNELS])
def test_particles_are_as_exact_as_the_kernel_that_moves_them(kernel):
    declared = "biased" if kernel in ("auto", "langevin", "sghmc") else "asymptotic"
    assert StochasticMaximumLikelihood(kernel=kernel).sampler.exactness == declared
    assert StochasticMaximumLikelihood(kernel=kernel, buffer=200).sampler.exactness == "biased"
    assert ContrastiveDivergence(kernel=kernel).sampler.exactness == "biased"
    assert InclusiveDiscreteField(kernel=kernel, sweeps=0).sampler.exactness == "asymptotic"


@pytest.mark.parametrize(
    ("model", "declared"),
    [("rbm", "asymptotic"), ("bit-field", "asymptotic"), ("random-field", "biased"), ("joint-field", "biased")],
)
def test_where_the_model_chooses_the_kernel_it_has_a_say_in_what_is_declared(model, declared):
    parts = {"model": worlds.blank(model)}
    for sampler in (PersistentChains(1, 5), IndependenceChains(1, 5, 1), Together((PersistentChains(1, 5),))):
        assert (sampler.exactness, sampler.exactness_with(parts)) == ("biased", declared)
    assert IndependenceChains(1, 5).exactness_with(parts) == "asymptotic"
    assert ReplayBuffer(1).exactness_with(parts) == PersistentChains(1, 5, Langevin()).exactness_with(parts) == "biased"
    assert StochasticMaximumLikelihood().targets(parts)["model"].claim == declared
