"""Words become values of the right type, or one clear line."""

from typing import Any, Literal

import pytest

from reverie.errors import InputError
from reverie.learners import LEARNERS
from reverie.models import MODELS
from reverie.options import option_types, pick, read_option, read_options
from reverie.pairing import make_part, part_options


@pytest.mark.parametrize(
    ("word", "kind", "value"),
    [
        ("5", int, 5),
        (5, int, 5),
        ("5", int | None, 5),
        ("none", int | None, None),
        ("None", float | None, None),
        ("null", float | None, None),
        (None, float | None, None),
        ("0.25", float, 0.25),
        ("1e-3", float, 1e-3),
        (2, float, 2.0),
        ("true", bool, True),
        ("false", bool, False),
        (True, bool, True),
        ("50,20", tuple[int, ...], (50, 20)),
        ("(50, 20)", tuple[int, ...], (50, 20)),
        ("[50, 20]", tuple[int, ...], (50, 20)),
        ("50,", tuple[int, ...], (50,)),
        ("50", tuple[int, ...], (50,)),
        ("", tuple[int, ...], ()),
        ("()", tuple[int, ...], ()),
        (50, tuple[int, ...], (50,)),
        ([50, 20], tuple[int, ...], (50, 20)),
        ((50, 20), tuple[int, ...], (50, 20)),
        ("3,4", tuple[int, ...] | None, (3, 4)),
        ("none", tuple[int, ...] | None, None),
        ("tanh", str, "tanh"),
        ("none", str, "none"),
        ("sampled", Literal["closed", "sampled"], "sampled"),
        ("anything", Any, "anything"),
    ],
    ids=str,
)
def test_a_word_becomes_a_value(word, kind, value):
    read = read_option("x", word, kind, "unit")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("five", int),
        ("5.5", int),
        ("", int),
        ("50,twenty", tuple[int, ...]),
        ("50;20", tuple[int, ...]),
        ("yes please", bool),
        ("open", Literal["closed", "sampled"]),
        ("none", int),
        (None, int),
        ([1, 2], int),
        (3, str),
        ({"a": 1}, tuple[int, ...]),
        (True, tuple[int, ...]),
    ],
    ids=str,
)
def test_a_word_that_is_no_such_value_is_refused_in_one_line(word, kind):
    with pytest.raises(InputError) as refusal:
        read_option("width", word, kind, "unit")
    said = str(refusal.value)
    assert said.startswith(f"unit: option width={word!r} cannot be used: ")
    assert "\n" not in said


def test_types_and_defaults_are_read_off_the_signature():
    def made(size: int, *, rate: float = 0.5, names: tuple[str, ...] = ("a",), free=3) -> str:
        return ""

    types = option_types(made, skip=("size",))
    assert types == {"rate": (float, 0.5), "names": (tuple[str, ...], ("a",)), "free": (Any, 3)}


TYPES = {"latent_size": (int, 2), "rate": (float, 0.5)}


def test_options_may_be_written_with_dashes():
    assert read_options("unit", TYPES, {"latent-size": "3", "rate": "1"}) == {"latent_size": 3, "rate": 1.0}
    assert read_options("unit", TYPES, {}) == {}


def test_an_unknown_option_is_met_by_the_nearest_or_by_all():
    with pytest.raises(InputError, match=r"^unit has no option 'latent-sise'; did you mean 'latent_size'\?$"):
        read_options("unit", TYPES, {"latent-sise": 3})
    with pytest.raises(InputError, match=r"^unit has no option 'colour'; its options are: latent_size, rate\.$"):
        read_options("unit", TYPES, {"colour": "red"})
    with pytest.raises(InputError, match=r"^bare has no option 'colour'; its options are: none\.$"):
        read_options("bare", {}, {"colour": "red"})


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        (LEARNERS, {"rws": "rws", "ReweightedWakeSleep": "rws", "reweighted-wake-sleep": "rws", "PCD": "pcd"}),
        (LEARNERS, {"stochastic maximum likelihood": "pcd", "JSA": "jsa", "elbo": "elbo"}),
        (
            MODELS,
            {"SBN": "sbn", "SigmoidBeliefNet": "sbn", "gaussian_mixture": "gaussian-mixture", "RealNVP": "realnvp"},
        ),
    ],
)
def test_a_unit_goes_by_its_short_name_and_by_its_long_one(registry, words):
    for word, name in words.items():
        assert pick("unit", word, registry) == name


def test_a_near_miss_is_met_by_the_nearest_name_and_another_by_all():
    with pytest.raises(InputError, match=r"^there is no model 'realnpv'; did you mean 'realnvp'\?$"):
        pick("model", "realnpv", MODELS)
    with pytest.raises(InputError, match=r"^there is no learner 'wakesleap'; did you mean 'wake-sleep'\?$"):
        pick("learner", "wakesleap", LEARNERS)
    with pytest.raises(InputError) as refusal:
        pick("model", "transformer-xl", MODELS)
    assert str(refusal.value) == f"there is no model 'transformer-xl'; there are: {', '.join(MODELS)}."
    with pytest.raises(InputError):
        pick("model", "", MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_made_from_words_is_the_model_made_from_values(name):
    cls = MODELS[name]
    defaults = {option: default for option, (_, default) in part_options(cls).items()}
    words = {key: ",".join(map(str, one)) if isinstance(one, tuple) else str(one) for key, one in defaults.items()}
    assert make_part("model", name, words) == cls()
