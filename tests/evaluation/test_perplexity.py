"""Perplexity counts end marks, swaps the side of a bound, and its error is that of a ratio."""

import math

import numpy as np
import pytest

import reverie as rv
from reverie.errors import InputError
from reverie.evaluation import Scores, perplexity, token_counts
from reverie.models import LanguageModel


def test_the_end_mark_is_a_token_and_padding_is_none():
    lines = np.array([[0, 1, 3, 4], [3, 4, 4, 4], [2, 2, 1, 0]])
    assert token_counts(lines, (3, 4)).tolist() == [3, 1, 4]
    assert token_counts(lines, None).tolist() == [4, 4, 4]


def test_it_is_the_exponential_of_the_nats_of_a_token():
    scores = Scores(np.array([-2.0, -7.0, -3.0]), "lower bound", 5.0, ("ESS",))
    found = perplexity(scores, np.array([1.0, 3.0, 2.0]), "a word")
    assert found.value == pytest.approx(math.exp(12 / 6))
    assert (found.kind, found.unit, found.n, found.ess, found.warnings) == ("upper bound", "a word", 3, 5.0, ("ESS",))
    even = perplexity(Scores(np.array([-2.0, -4.0]), "exact"), np.array([1.0, 2.0]), "a word")
    assert even.value == pytest.approx(math.exp(2))
    assert (even.se, even.kind) == (0.0, "exact")
    shared = perplexity(Scores(np.array([-2.0, -4.0]), "optimistic", shared_se=0.3), np.array([1.0, 2.0]), "a word")
    assert shared.se == pytest.approx(math.exp(2) * 0.3 / 1.5)


def test_its_error_is_what_it_varies_by():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        counts = rng.integers(1, 30, 200).astype(float)
        values = -1.7 * counts - 2.0 + rng.normal(size=200) * np.sqrt(counts)
        found.append(perplexity(Scores(values, "exact"), counts, "a word"))
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.se for one in found]) == pytest.approx(spread, rel=4 / math.sqrt(2 * 400))


def test_what_failed_has_none():
    assert perplexity(Scores(np.full(3, np.nan), "failed", None, ("no",)), np.ones(3), "a word").failed
    with pytest.raises(InputError, match="at least one token"):
        perplexity(Scores(np.zeros(2), "exact"), np.array([1.0, 0.0]), "a word")


def test_evaluate_tells_it_of_text(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("ab\nabba\nb\n" * 20)
    run = rv.fit(file, LanguageModel(network="bigram"), "mle", steps=1, pictures=False, out=tmp_path / "r")
    found = rv.evaluate(run, file)
    assert found.log_likelihood is not None
    assert found.perplexity is not None
    rows = run.read(file)
    counts = token_counts(rows.raw, run.spec.marks)
    assert found.perplexity.value == pytest.approx(math.exp(-found.log_likelihood.value / counts.mean()))
    assert found.perplexity.unit == "a character"
    assert found.to_dict()["perplexity"]["kind"] == "exact"
