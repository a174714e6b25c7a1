"""Options of parts are told from everything else on a command line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.cli.dotted import first, taken_out
from reverie.errors import InputError


@pytest.mark.parametrize(
    ("words", "rest", "options"),
    [
        ("fit digits --seed 3", "fit digits --seed 3", {}),
        ("fit --model.sizes 50,20 digits", "fit digits", {"model": {"sizes": "50,20"}}),
        ("--learner.moves=5 --learner.k=2", "", {"learner": {"moves": "5", "k": "2"}}),
        ("--learner.wake-theta false", "", {"learner": {"wake_theta": "false"}}),
        ("--model.scale -1.5 x", "x", {"model": {"scale": "-1.5"}}),
        ("--model.scale -.5", "", {"model": {"scale": "-.5"}}),
        ("--model.scale -inf", "", {"model": {"scale": "-inf"}}),
        ("--optimiser.clip=", "", {"optimiser": {"clip": ""}}),
        ("--out a.b/c ./d.e -n 5", "--out a.b/c ./d.e -n 5", {}),
        ("--out=a.b --schema=x.json", "--out=a.b --schema=x.json", {}),
        ("fit -- --model.sizes 5", "fit -- --model.sizes 5", {}),
    ],
)
def test_what_is_taken_out(words, rest, options):
    assert taken_out(words.split()) == (rest.split(), options)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--model.sizes", "--model.sizes needs a value"),
        ("--model.sizes --seed 3", "--model.sizes needs a value"),
        ("--model.sizes -q", "--model.sizes needs a value"),
        ("--model.sizes 5 --model.sizes 6", "--model.sizes is given twice"),
        ("--learner.wake-phi=true --learner.wake_phi=false", "--learner.wake_phi is given twice"),
        ("--model. 5", "--model. is no option"),
        ("--.sizes 5", "--.sizes is no option"),
        ("--model.a.b 5", "--model.a.b is no option"),
    ],
)
def test_what_is_refused(words, said):
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        taken_out(words.split())


@given(st.lists(st.text(max_size=8).filter(lambda word: "." not in word)))
def test_words_without_a_dot_are_left_alone(words):
    assert taken_out(words) == (words, {})


def test_the_first_is_named_as_it_is_written():
    assert first({"model": {"sizes": "5"}, "learner": {"k": "2"}}) == "--model.sizes"


def test_options_reach_the_parts(at, monkeypatch):
    """Through the entire command: what is fitted has the sizes and moves that were written."""
    import reverie as rv
    from reverie.cli import main

    asked: dict[str, Any] = {}

    def kept(data, model, learner, **settings):
        asked.update(settings, model=model, learner=learner)
        raise InputError("this is enough")

    monkeypatch.setattr(rv, "fit", kept, raising=False)
    (at / "t.csv").write_text("a,b\n" + "0,1\n1,1\n1,0\n" * 9)
    words = "fit t.csv --model SBN --model.sizes 3,2 --learner jsa --learner.moves=1 --inference.hidden 4"
    more = "--optimiser.clip 2 --learning-rate model=0.5,inference=0.25 --ema 0.9 --patience none --steps 1,000"
    assert main([*words.split(), *more.split()]) == 2
    assert asked["model"] == rv.models.SigmoidBeliefNet((3, 2))
    assert asked["learner"].options == {"moves": 1, "cache_after": 0}
    assert asked["parts"]["inference"].hidden == (4,)
    assert asked["optimiser"] == {"clip": "2"}
    assert asked["learning_rate"] == {"model": 0.5, "inference": 0.25}
    assert (asked["average"], asked["patience"], asked["steps"]) == (0.9, None, 1000)
    assert "seed" not in asked  # a default is written once, and not here
