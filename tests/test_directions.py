"""What every direction keeps: a value of the shape of each part that it moves; and how directions add."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.directions import (
    DIRECTIONS,
    AdversarialElbo,
    Ascent,
    AugmentedApproximation,
    AugmentReinforceMerge,
    AutoBound,
    AutoElbo,
    ClassContrastive,
    ClosedElbo,
    CodeClassification,
    CodeCriticUp,
    CodeDiscrepancy,
    CodesPastCritic,
    CombinedBound,
    Concrete,
    ConcreteBound,
    ConditionalContrast,
    Contrastive,
    ControlVariate,
    CriticUp,
    DenoisingScoreMatching,
    DoublyReparameterised,
    EnumeratedBound,
    EnumeratedElbo,
    EnumeratedLikelihood,
    ExactScoreMatching,
    ExpectationMaximisation,
    FieldAgainstGenerator,
    Fisher,
    GeneratorFromParticles,
    GeneratorFromRevised,
    GeneratorUpField,
    ImportanceWeightedBound,
    InclusiveFromData,
    InclusiveFromDreams,
    JackknifeBound,
    Join,
    LabelLikelihood,
    LaggingElbo,
    Likelihood,
    MarginalElbo,
    MeanFieldContrastive,
    MinimaxGenerator,
    MonteCarloObjective,
    MultiplyWeightedBound,
    MuProp,
    NeuralVariational,
    NoiseContrast,
    NoiseLikelihood,
    NoiseRegression,
    NonSaturatingGenerator,
    PairCriticUp,
    PartiallyWeightedBound,
    PathElbo,
    PredictorsDown,
    ProbabilityFlow,
    PseudoLikelihood,
    RatioMatching,
    Reconstruction,
    RecoveryContrast,
    ReferenceContrast,
    RenyiBound,
    SampledElbo,
    ScoreFunction,
    SemiSupervisedElbo,
    SlicedScoreMatching,
    StagedSemiSupervised,
    StraightThrough,
    StraightThroughConcrete,
    TiedPrior,
    ToldContrastive,
    ToldLikelihood,
    ToldNoiseContrast,
    ToldPseudoLikelihood,
    UnpredictableCode,
    UpDown,
    VectorQuantisation,
    VelocityRegression,
    Weighting,
)
from reverie.directions.direction import add
from reverie.models import FVSBN
from reverie.parts import parameters
from reverie.samplers import (
    BaseNoise,
    ChainsFromData,
    ChainsFromGenerator,
    ClassChainsFromData,
    CodeNoise,
    DataOnly,
    Dream,
    Importance,
    IndependenceChains,
    NoisedData,
    NoiseOrCodes,
    NoiseRows,
    PersistentChains,
    PersistentStates,
    RecoveryChains,
    StackPasses,
    Together,
    ToldChainsFromData,
)
from tests import worlds
from tests.measuring import along, tick


def helmholtz_row(sampler, direction):
    return lambda: (sampler, direction, worlds.helmholtz().parts, worlds.states(3))


def assisted_row(learner, sampler, direction):
    return lambda: (sampler, direction, worlds.parts_for("sbn", learner), worlds.states(4))


def reals_row(sampler, direction):
    return lambda: (sampler, direction, worlds.parts_for("vae", "elbo"), worlds.states(4))


def codes_row(direction, learner="aae"):
    sampler = Together((BaseNoise("inference"), Dream()))
    return lambda: (sampler, direction, worlds.parts_for("vae", learner), worlds.states(4))


def pairs_row(direction):
    return lambda: (BaseNoise("inference", 5), direction, worlds.parts_for("vae", "avb"), worlds.states(4))


def labels_row(direction, model, learner):
    return lambda: (BaseNoise("inference", 2), direction, worlds.parts_for(model, learner), worlds.states(4))


def players_row(direction):
    return lambda: (BaseNoise("model"), direction, worlds.parts_for("generator", "gan"), worlds.states(4))


def predictors_row(direction):
    parts = lambda: worlds.parts_for("sbn", "predictability-minimisation")
    return lambda: (DataOnly(), direction, parts(), worlds.states(4))


def field_row(sampler, direction, learner="score-matching"):
    return lambda: (sampler, direction, worlds.parts_for("random-field", learner), worlds.CONTINUOUS.rows.raw[:6])


def told_row(direction, learner, sampler=None):
    parts = lambda: worlds.parts_for("conditional-field", learner)
    return lambda: (sampler or DataOnly(), direction, parts(), worlds.states(4))


# One example of each: the sampler that feeds it, the direction, parts, and rows.
ROWS = {
    TiedPrior: lambda: (
        BaseNoise("inference", 2),
        TiedPrior(),
        worlds.parts_for("vae-mixture-prior", "vampprior"),
        worlds.states(4),
    ),
    PredictorsDown: predictors_row(PredictorsDown()),
    UnpredictableCode: predictors_row(UnpredictableCode(2.0)),
    VectorQuantisation: lambda: (
        DataOnly(),
        VectorQuantisation(),
        worlds.parts_for("vq-vae", "vector-quantisation"),
        worlds.states(4),
    ),
    Likelihood: lambda: (DataOnly(), Likelihood(), worlds.parts_for("fvsbn", "mle"), worlds.states(4)),
    SampledElbo: reals_row(BaseNoise("inference", 2), SampledElbo(Weighting(0.5))),
    ClosedElbo: reals_row(BaseNoise("inference", 2), ClosedElbo(Weighting(0.5))),
    AutoElbo: reals_row(BaseNoise("inference", 2), AutoElbo(Weighting(warmup=3, free_bits=0.1))),
    PathElbo: reals_row(BaseNoise("inference", 2), PathElbo()),
    LaggingElbo: reals_row(BaseNoise("inference", 2), LaggingElbo()),
    MarginalElbo: labels_row(MarginalElbo(), "gmvae", "marginal-elbo"),
    SemiSupervisedElbo: labels_row(SemiSupervisedElbo(), "cvae", "m2"),
    StagedSemiSupervised: labels_row(StagedSemiSupervised(), "m1m2", "m1-then-m2"),
    ToldContrastive: told_row(ToldContrastive(), "told-cd", ToldChainsFromData(2)),
    ToldLikelihood: told_row(ToldLikelihood(), "told-likelihood"),
    ToldPseudoLikelihood: told_row(ToldPseudoLikelihood(1), "told-pseudo-likelihood"),
    ToldNoiseContrast: told_row(ToldNoiseContrast(2), "told-nce"),
    ClassContrastive: lambda: (
        ClassChainsFromData(2),
        ClassContrastive(),
        worlds.parts_for("rbm-conditional", "conditional-cd"),
        worlds.states(4),
    ),
    CodeClassification: labels_row(CodeClassification(), "vae", "m1"),
    ImportanceWeightedBound: reals_row(BaseNoise("inference", 2), ImportanceWeightedBound()),
    DoublyReparameterised: reals_row(BaseNoise("inference", 2), DoublyReparameterised()),
    RenyiBound: reals_row(BaseNoise("inference", 2), RenyiBound()),
    JackknifeBound: reals_row(BaseNoise("inference", 3), JackknifeBound(2)),
    MultiplyWeightedBound: reals_row(BaseNoise("inference", 4), MultiplyWeightedBound(2)),
    CombinedBound: reals_row(BaseNoise("inference", 2), CombinedBound()),
    PartiallyWeightedBound: reals_row(BaseNoise("inference", 4), PartiallyWeightedBound(2)),
    Reconstruction: reals_row(BaseNoise("inference"), Reconstruction(corruption="swap")),
    CodeCriticUp: codes_row(CodeCriticUp()),
    CodesPastCritic: codes_row(CodesPastCritic()),
    CodeDiscrepancy: codes_row(CodeDiscrepancy(), "wae-mmd"),
    PairCriticUp: pairs_row(PairCriticUp(moments=4)),
    AdversarialElbo: pairs_row(AdversarialElbo(moments=4)),
    AutoBound: helmholtz_row(NoiseOrCodes(2), AutoBound()),
    ScoreFunction: helmholtz_row(Importance(2), ScoreFunction("others")),
    NeuralVariational: assisted_row("nvil", Importance(2), NeuralVariational()),
    MonteCarloObjective: helmholtz_row(Importance(2), MonteCarloObjective()),
    MuProp: assisted_row("muprop", Importance(2), MuProp()),
    Concrete: helmholtz_row(CodeNoise(2), Concrete()),
    ConcreteBound: helmholtz_row(CodeNoise(2), ConcreteBound()),
    StraightThrough: helmholtz_row(CodeNoise(2), StraightThrough()),
    StraightThroughConcrete: helmholtz_row(CodeNoise(2), StraightThroughConcrete()),
    AugmentReinforceMerge: helmholtz_row(CodeNoise(2), AugmentReinforceMerge()),
    ControlVariate: assisted_row("rebar", CodeNoise(2, sets=2), ControlVariate()),
    EnumeratedElbo: helmholtz_row(DataOnly(), EnumeratedElbo()),
    EnumeratedBound: helmholtz_row(DataOnly(), EnumeratedBound(2)),
    EnumeratedLikelihood: helmholtz_row(DataOnly(), EnumeratedLikelihood()),
    Fisher: helmholtz_row(Importance(2), Fisher()),
    InclusiveFromData: helmholtz_row(Importance(2), InclusiveFromData()),
    InclusiveFromDreams: helmholtz_row(Dream(), InclusiveFromDreams()),
    UpDown: lambda: (StackPasses(1, 0), UpDown(0), worlds.parts_for("dbn", "up-down"), worlds.states(4)),
    MeanFieldContrastive: lambda: (
        PersistentStates(1, 5),
        MeanFieldContrastive(),
        worlds.parts_for("dbm", "mean-field-pcd"),
        worlds.states(4),
    ),
    AugmentedApproximation: lambda: (
        PersistentChains(1, 5),
        AugmentedApproximation(settle=3, penalty=0.1),
        worlds.parts_for("trf", "trf-sa"),
        worlds.SENTENCES.rows.raw,
    ),
    Contrastive: lambda: (ChainsFromData(1), Contrastive(), worlds.parts_for("rbm", "cd"), worlds.states(4)),
    PseudoLikelihood: lambda: (
        DataOnly(),
        PseudoLikelihood(2),
        worlds.parts_for("bit-field", "pseudo-likelihood"),
        worlds.states(4),
    ),
    RatioMatching: lambda: (
        DataOnly(),
        RatioMatching(),
        worlds.parts_for("ising", "ratio-matching"),
        worlds.states(4),
    ),
    ProbabilityFlow: lambda: (
        DataOnly(),
        ProbabilityFlow(),
        worlds.parts_for("ising", "probability-flow"),
        worlds.states(4),
    ),
    RecoveryContrast: lambda: (
        RecoveryChains(2),
        RecoveryContrast(),
        worlds.parts_for("recovery-field", "recovery"),
        worlds.CONTINUOUS.rows.raw[:6],
    ),
    ConditionalContrast: field_row(DataOnly(), ConditionalContrast(2), "conditional-nce"),
    ExactScoreMatching: field_row(DataOnly(), ExactScoreMatching()),
    SlicedScoreMatching: field_row(DataOnly(), SlicedScoreMatching(2)),
    DenoisingScoreMatching: field_row(DataOnly(), DenoisingScoreMatching()),
    GeneratorFromRevised: field_row(ChainsFromGenerator(2), GeneratorFromRevised(), "inclusive"),
    GeneratorFromParticles: lambda: (
        IndependenceChains(2, 5),
        GeneratorFromParticles(),
        worlds.parts_for("bit-field", "inclusive-mis"),
        worlds.states(4),
    ),
    FieldAgainstGenerator: field_row(BaseNoise("generator"), FieldAgainstGenerator(), "exclusive"),
    GeneratorUpField: field_row(BaseNoise("generator"), GeneratorUpField(), "exclusive"),
    LabelLikelihood: lambda: (
        DataOnly(),
        LabelLikelihood(),
        worlds.parts_for("joint-field", "jem"),
        worlds.CONTINUOUS.rows.raw[:6],
    ),
    NoiseContrast: field_row(NoiseRows(3), NoiseContrast(0.5), "nce"),
    ReferenceContrast: lambda: (
        NoiseRows(2, 1),
        ReferenceContrast(1, 0.5),
        worlds.parts_for("trf", "trf-nce"),
        worlds.SENTENCES.rows.raw,
    ),
    NoiseLikelihood: field_row(NoiseRows(3), NoiseLikelihood(), "dynamic-nce"),
    CriticUp: players_row(CriticUp()),
    MinimaxGenerator: players_row(MinimaxGenerator()),
    NonSaturatingGenerator: players_row(NonSaturatingGenerator()),
    NoiseRegression: lambda: (
        NoisedData(0.1),
        NoiseRegression("likelihood"),
        worlds.parts_for("vp-sde", "denoising"),
        worlds.CONTINUOUS.rows.raw,
    ),
    VelocityRegression: lambda: (
        NoisedData(0.1),
        VelocityRegression(),
        worlds.parts_for("straight-flow", "flow-matching"),
        worlds.CONTINUOUS.rows.raw,
    ),
    ExpectationMaximisation: lambda: (
        DataOnly(),
        ExpectationMaximisation(),
        worlds.parts_for("gaussian-mixture", "em"),
        worlds.CONTINUOUS.rows.raw,
    ),
}


def test_every_direction_has_a_row():
    assert set(ROWS) == set(DIRECTIONS)


@pytest.mark.parametrize("cls", DIRECTIONS, ids=lambda cls: cls.__name__)
def test_a_direction_keeps_its_contract(cls):
    """Traced only: a value of the shape of each part that it moves, and a memory that keeps its own."""
    sampler, direction, parts, x = ROWS[cls]()
    assert isinstance(direction, cls)
    assert set(direction.uses) <= set(sampler.gives)
    batch = worlds.batch_of(x)._replace(y=jnp.arange(len(x)) % 4 - 1)
    chain = sampler.init(noise.make_key(1), parts, len(x), batch)
    draw, _, _ = eqx.filter_eval_shape(sampler.draw, tick(), parts, batch, chain)
    memory = eqx.filter_eval_shape(direction.init, noise.make_key(0), parts)
    ascent, after, info = eqx.filter_eval_shape(direction.ascend, tick(), parts, batch, draw, memory)
    assert set(ascent.along) == set(direction.moves)
    assert direction.moves or ascent.replace
    for name, value in ascent.along.items():
        shapes = [leaf for leaf in jax.tree.leaves(value) if isinstance(leaf, jax.ShapeDtypeStruct)]
        assert [leaf.shape for leaf in shapes] == [leaf.shape for leaf in jax.tree.leaves(parameters(parts[name]))]
    assert worlds.alike(after, memory)
    assert all(value.shape == () for value in info.values())


def test_directions_that_move_one_part_add():
    left = Ascent({"model": jnp.array([1.0, 2.0]), "critic": jnp.array(3.0)}, {"a": 1})
    right = Ascent({"model": jnp.array([10.0, -2.0]), "inference": jnp.array(5.0)}, {"b": 2})
    total = add(left, right)
    assert set(total.along) == {"model", "critic", "inference"}
    np.testing.assert_allclose(total.along["model"], [11.0, 0.0])
    assert (float(total.along["critic"]), float(total.along["inference"])) == (3.0, 5.0)
    assert total.replace == {"a": 1, "b": 2}


def test_a_join_is_the_sum_of_its_members():
    net = worlds.helmholtz()
    batch = worlds.batch_of(net.x[[1, 6, 3]])
    both = Join((Fisher(), InclusiveFromData(), InclusiveFromDreams()))
    assert both.moves == ("model", "inference")
    assert both.uses == ("codes", "dreams")
    codes, _, _ = jax.jit(Importance(2).draw)(tick(), net.parts, batch, None)
    dreams, _, _ = jax.jit(Dream().draw)(tick(1), net.parts, batch, None)
    memory = both.init(noise.make_key(0), net.parts)
    assert memory == (None, None, None)
    ascent, after, info = jax.jit(both.ascend)(tick(), net.parts, batch, {**codes, **dreams}, memory)
    assert after == memory
    assert set(info) == {"log_joint", "log_q_wake", "log_q_sleep"}
    wake = along(InclusiveFromData(), net.parts, batch, codes)["inference"]
    sleep = along(InclusiveFromDreams(), net.parts, batch, dreams)["inference"]
    expected = jax.tree.map(jnp.add, wake, sleep)
    for a, b in zip(jax.tree.leaves(parameters(ascent.along["inference"])), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_likelihoods_direction_is_its_gradient():
    """For an FVSBN: x_i − σ_i along the biases."""
    model = worlds.made(FVSBN(), worlds.BINARY.spec, spread=0.7)
    x = worlds.BINARY.rows.raw
    given = along(Likelihood(), {"model": model}, worlds.batch_of(x), {})["model"]
    logits = x @ np.tril(np.asarray(model.weight), -1).T + np.asarray(model.bias)
    residual = x - 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(given.bias, residual.mean(0), rtol=1e-4, atol=1e-6)
    expected = np.tril(residual.T @ x / len(x), -1)
    np.testing.assert_allclose(given.weight, expected, rtol=1e-4, atol=1e-6)
