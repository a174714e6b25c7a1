"""Gradient statistics tell what is biased from what is not, and their numbers are those of plain sums over draws."""

import math
from typing import Any

import jax
import numpy as np
import pytest

from reverie.errors import InputError
from reverie.evaluation import gradient_statistics
from reverie.evaluation.gradient_lengths import squared_bias, squared_norm
from reverie.evaluation.gradient_references import asked_of, learner_of, references_of
from reverie.evaluation.gradient_statistics import _Found, _statistics
from reverie.learners import JSA, ReweightedWakeSleep
from reverie.learners.target import Target
from reverie.noise import make_key
from tests import measuring, worlds
from tests.evaluation import closed

ROWS = [1, 5, 6]


@pytest.fixture(scope="module")
def net():
    return worlds.helmholtz()


@pytest.fixture(scope="module")
def found(net):
    learners = ["reinforce", "vimco:k=2", "enumeration:objective=likelihood"]
    batch = worlds.batch_of(net.x[ROWS])
    return gradient_statistics(net.parts, learners, batch, reference="enumeration:objective=elbo", draws=4000)


def flat(tree):
    return np.concatenate([np.asarray(leaf, np.float64).reshape(-1) for leaf in jax.tree.leaves(tree)])


def test_what_is_unbiased_shows_no_bias_and_what_is_biased_shows_it(found):
    assert (found.reference, found.rows, found.draws) == ("enumeration:objective=elbo", 3, 4000)
    assert all((one.reference, one.exact) == ("enumeration:objective=elbo", True) for one in found.table)
    assert [(one.learner, one.part) for one in found.table[:2]] == [("reinforce", "model"), ("reinforce", "inference")]
    for part in ("model", "inference"):
        assert abs(found.of("reinforce", part).bias_errors) < 4
        assert found.of("vimco:k=2", part).bias_errors > 4
        assert [found.of(name, part).verdict for name in ("reinforce", "vimco:k=2")] == ["none seen", "differs"]
        other = found.of("enumeration:objective=likelihood", part)
        assert other.bias_errors > 100
        assert (other.variance, other.snr) == (0.0, math.inf)


def test_where_nobody_chose_each_is_compared_with_what_it_estimates(net):
    """Of the bound of two samples nobody is biased; the wake update of φ is, and says so."""
    learners = ["vimco:k=2", "rws:k=2", "wake-sleep", "enumeration:objective=bound:k=2"]
    found = gradient_statistics(net.parts, learners, worlds.batch_of(net.x[ROWS]), draws=4000)
    assert found.reference is None
    told = {(one.learner, one.part): (one.target, one.reference, one.verdict) for one in found.table}
    two, elbo = "enumeration:objective=bound:k=2", "enumeration:objective=elbo"
    likelihood = "enumeration:objective=likelihood"
    assert told == {
        ("vimco:k=2", "model"): ("bound of 2", two, "none seen"),
        ("vimco:k=2", "inference"): ("bound of 2", two, "none seen"),
        ("rws:k=2", "model"): ("bound of 2", two, "none seen"),
        ("rws:k=2", "inference"): ("likelihood", likelihood, "biased, as declared"),
        ("wake-sleep", "model"): ("elbo", elbo, "none seen"),
        ("wake-sleep", "inference"): ("dreams", None, "not compared"),
        (two, "model"): ("bound of 2", two, "the reference"),
        (two, "inference"): ("bound of 2", two, "the reference"),
    }
    assert found.of(two, "model").length == pytest.approx(found.of(two, "model").norm)


def test_what_cannot_be_written_out_is_compared_with_a_long_run_of_one_that_claims_to_be_unbiased(net):
    parts, key = closed.oblique().parts(), make_key(0)

    def plan(*learners):
        return references_of([asked_of(one, parts, None, key) for one in learners], parts)

    assert plan("iwae", "elbo", "jvi") == {}
    shared = {(name, part): "iwae" for name in ("iwae", "dreg") for part in ("model", "inference")}
    assert plan("elbo", "iwae", "dreg") == shared
    # The bound of all draws for θ, of a group for φ.
    assert plan("piwae:m=2:k=3", "iwae:k=6", "miwae:k=3") == {
        ("piwae:m=2:k=3", "model"): "piwae:m=2:k=3",
        ("iwae:k=6", "model"): "piwae:m=2:k=3",
        ("piwae:m=2:k=3", "inference"): "piwae:m=2:k=3",
        ("miwae:k=3", "inference"): "piwae:m=2:k=3",
    }
    assert plan("rws", "jsa") == {(name, "inference"): "jsa" for name in ("rws", "jsa")}
    batch = worlds.batch_of(closed.oblique().rows(3))
    found = gradient_statistics(parts, ["iwae:k=2", "dreg:k=2"], batch, draws=400, settle=0)
    assert [one.verdict for one in found.table] == ["the reference"] * 2 + ["none seen"] * 2
    assert [one.bias is None for one in found.table] == [True, True, False, False]
    assert not any(one.exact for one in found.table)


def test_the_numbers_are_those_of_plain_sums(found, net):
    batch = worlds.batch_of(net.x[ROWS])
    _, exact = learner_of("enumeration:objective=elbo")
    _, other = learner_of("enumeration:objective=likelihood")
    truth, likelihood = (measuring.along(one.direction, net.parts, batch, {}) for one in (exact, other))
    _, learner = learner_of("reinforce")

    def one(key):
        key_draw, key_ascend = jax.random.split(key)
        draw, _, _ = learner.sampler.draw(measuring.tick()._replace(key=key_draw), net.parts, batch, None)
        return measuring.along(learner.direction, net.parts, batch, draw, key_ascend)

    drawn = measuring.draws(one, 4000)
    for part in ("model", "inference"):
        r = flat(truth[part])
        entry = found.of("enumeration:objective=likelihood", part)
        assert entry.bias == pytest.approx(np.linalg.norm(flat(likelihood[part]) - r), rel=1e-4)
        assert entry.norm == pytest.approx(np.linalg.norm(flat(likelihood[part])), rel=1e-4)
        g = np.concatenate([np.asarray(leaf, np.float64).reshape(4000, -1) for leaf in jax.tree.leaves(drawn[part])], 1)
        entry = found.of("reinforce", part)
        assert entry.size == r.size
        assert entry.variance == pytest.approx(g.var(0).sum(), rel=0.1)
        assert entry.norm == pytest.approx(np.linalg.norm(r), abs=4 * entry.norm_se)
        assert entry.snr == pytest.approx(entry.norm / math.sqrt(entry.variance))
        cosine = (g @ r) / np.linalg.norm(g, axis=1) / np.linalg.norm(r)
        assert entry.cosine == pytest.approx(cosine.mean(), abs=4 * entry.cosine_se + 4 * cosine.std() / 63)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("length", [0.0, 0.5])
def test_the_square_of_a_bias_is_unbiased_and_so_is_its_error(exact, length):
    rng, size = np.random.default_rng(0), 30
    bias = np.full(size, length / math.sqrt(size))
    values = []
    for _ in range(400):
        means = 2.0 + bias + 0.3 * rng.standard_normal((20, size))
        reference = np.full((1, size), 2.0) if exact else 2.0 + 0.2 * rng.standard_normal((20, size))
        values.append(squared_bias(means, reference))
    square, se = np.array(values).T
    assert square.mean() == pytest.approx(length**2, abs=4 * square.std() / 20)
    assert se.mean() == pytest.approx(square.std(), rel=0.2)


def test_the_square_of_a_mean_is_unbiased_and_so_is_its_error():
    rng = np.random.default_rng(0)
    for shift in (0.0, 1.0):
        value, se = np.array([squared_norm(shift + rng.standard_normal((20, 6))) for _ in range(400)]).T
        assert value.mean() == pytest.approx(6 * shift, abs=4 * value.std() / 20)
        assert se.mean() == pytest.approx(value.std(), rel=0.2)


def test_the_variance_has_what_is_between_groups_too():
    means = np.array([[1.0, 5.0], [3.0, 5.0]])
    some = _Found(means, 0.5, np.array([0.2, 0.4]))
    entry = _statistics("jsa", "model", some, Target("likelihood", claim="asymptotic"), None)
    assert entry.variance == pytest.approx(0.5 + 2.0)
    assert (entry.bias, entry.cosine, entry.verdict) == (None, None, "not compared")
    assert _statistics("jvi", "model", some, None, None).verdict == "no target"


def test_a_chain_settles_before_it_counts_and_a_reference_may_be_a_long_run(net):
    found = gradient_statistics(
        net.parts, [JSA()], worlds.batch_of(net.x[ROWS]), reference="jsa", draws=2000, settle=50
    )
    assert (found.reference, found.table[0].exact) == ("jsa", False)
    for part in ("model", "inference"):
        entry = found.of("jsa", part)
        assert abs(closed.given(entry.bias_errors)) < 4
    # The likelihood's gradient is what the chain's stationary distribution has for its mean.
    truth = measuring.along(
        learner_of("enumeration:objective=likelihood")[1].direction, net.parts, worlds.batch_of(net.x[ROWS]), {}
    )
    for part in ("model", "inference"):
        entry = found.of("jsa", part)
        assert entry.norm == pytest.approx(np.linalg.norm(flat(truth[part])), abs=4 * entry.norm_se)


def test_learners_are_named_in_words():
    assert learner_of("VIMCO")[0] == "vimco"
    label, learner = learner_of("rws:k=7:sleep-phi=true")
    assert (label, learner.options["k"], learner.options["sleep_phi"]) == ("rws:k=7:sleep-phi=true", 7, True)
    assert learner_of(ReweightedWakeSleep(k=3))[0] == "rws:k=3"
    assert learner_of(ReweightedWakeSleep())[0] == "rws"
    for words, said in (
        ("nonsense", "there is no learner 'nonsense'"),
        ("rws:k", "write a learner as NAME or NAME:OPTION=VALUE"),
        ("rws:pace=3", "has no option 'pace'"),
    ):
        with pytest.raises(InputError, match=said):
            learner_of(words)


def test_what_cannot_be_compared_is_told(net):
    cases: list[tuple[list[str], dict[str, Any], str]]
    batch = worlds.batch_of(net.x[ROWS])
    spec = worlds.binary(columns=3).spec
    cases = [
        ([], {}, "say which learners"),
        (["rws"], {"draws": 5}, "at least 40 draws"),
        (["rws", "rws"], {}, "rws is named twice"),
        (["elbo"], {}, "elbo needs a part 'inference' with ReparameterisedProposal; SigmoidBeliefPosterior has"),
        (["em"], {}, "em sets its parts outright"),
        (["nvil"], {}, "nvil needs a part 'baseline': give it, or the spec"),
    ]
    for learners, settings, said in cases:
        with pytest.raises(InputError, match=said):
            gradient_statistics(net.parts, learners, batch, **settings)
    assert set(asked_of("nvil", net.parts, spec, make_key(0)).parts) == {"model", "inference", "baseline"}


def test_json_knows_no_infinities(found):
    said = found.to_dict()
    assert said["table"][-1]["snr"] is None
    assert said["table"][0]["learner"] == "reinforce"
