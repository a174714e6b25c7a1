"""Parts by name, pairs that fit, and sentences for those that do not."""

import jax
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import Critic
from reverie.capabilities import HasLogProb, HasPosterior, Proposes, Samplable, capabilities_of, missing_from
from reverie.errors import InputError
from reverie.inference import GaussianPosterior, ImplicitPosterior, SigmoidBeliefPosterior, VectorQuantiser
from reverie.learners import AVB, ELBO, GAN, IWAE, JSA, MaximumLikelihood
from reverie.models import (
    CVAE,
    FVSBN,
    GMVAE,
    MADE,
    RBM,
    VAE,
    VQVAE,
    DeepLatentGaussian,
    GaussianMixture,
    Generator,
    JointField,
    RealNVP,
    SequenceField,
    SigmoidBeliefNet,
)
from reverie.models.decoder import DecoderNetwork
from reverie.models.heads import Scale
from reverie.models.observation import Likelihood
from reverie.pairing import (
    REGISTRIES,
    check,
    fill,
    make_learner,
    make_part,
    missing,
    name_of,
    part_options,
    serving,
    supply,
    usual,
    usual_learner,
)
from reverie.parts import Part
from tests import worlds


def refusal(function, *args, **kwargs):
    with pytest.raises(InputError) as said:
        function(*args, **kwargs)
    assert "\n" not in str(said.value)
    return str(said.value)


def test_a_part_is_made_from_its_name_and_words():
    assert make_part("model", "sbn", {"sizes": "50,20"}) == SigmoidBeliefNet((50, 20))
    assert make_part("inference", "belief-net", {"hidden": "30"}) == SigmoidBeliefPosterior((30,))
    assert make_part("critic", "critic", {}) == Critic()
    roles = ", ".join(REGISTRIES)
    assert refusal(make_part, "teacher", "sbn", {}) == f"there is no part 'teacher'; the parts are: {roles}."
    assert roles.startswith("model, inference, critic, baseline")
    assert "did you mean 'sizes'?" in refusal(make_part, "model", "sbn", {"size": 3})
    assert "at least one unit" in refusal(make_part, "model", "sbn", {"sizes": "0"})


def test_the_options_of_a_part_are_what_a_person_sets():
    assert part_options(VAE) == {
        "latent": (int, 16),
        "hidden": (tuple[int, ...] | None, None),
        "activation": (str | None, None),
        "scale": (Scale, None),
        "likelihood": (Likelihood, "gaussian"),
        "components": (int, 5),
        "network": (DecoderNetwork, "mlp"),
        "channels": (tuple[int, ...], (32, 16)),
    }
    assert part_options(FVSBN) == {}
    assert "weights" in refusal(make_part, "model", "rbm", {"weights": 3})


def test_a_part_knows_its_role_and_name():
    assert name_of(SigmoidBeliefNet()) == ("model", "sbn")
    assert name_of(GaussianPosterior()) == ("inference", "gaussian")
    assert name_of(Critic()) == ("critic", "critic")
    assert "Stranger is in no registry" in refusal(name_of, Stranger())


class Stranger(Part, Samplable):
    """A model of nobody's."""

    def init(self, key, spec, model=None):
        return self

    def sample(self, key):
        return key


def test_a_learner_is_made_from_its_name_and_words():
    assert make_learner("jsa", {"moves": "3"}) == JSA(3)
    assert "has no option 'move'; did you mean 'moves'?" in refusal(make_learner, "jsa", {"move": 3})
    assert "there is no learner" in refusal(make_learner, "backprop")


def test_what_a_pair_lacks():
    assert missing(RealNVP(), JSA()) == {"model": ("HasLogJoint",)}
    assert missing(SigmoidBeliefNet(), IWAE()) == {"inference": ("ReparameterisedProposal",)}
    assert missing(SigmoidBeliefNet(), JSA()) == {}
    assert missing(SigmoidBeliefNet(), JSA(), {"inference": Critic()}) == {"inference": ("HasPosterior",)}
    assert missing(RBM(), GAN()) == {"model": ("Pushforward",)}


def test_the_sentence_of_a_refusal():
    assert refusal(check, RealNVP(), JSA()) == (
        "jsa needs a model with HasLogJoint; RealNVP has Samplable, HasLogProb, Pushforward. "
        f"Try: {', '.join(serving(RealNVP()))}."
    )
    assert set(serving(RealNVP())) >= {"mle", "gan"}
    assert serving(RealNVP())[0] == "mle"
    assert serving(GaussianMixture())[0] == "em"
    assert serving(VAE())[0] == "elbo"
    assert serving(SigmoidBeliefNet())[0] == "jsa"
    assert serving(RBM())[0] == "pcd"
    # What the model was made for comes first.
    assert serving(VQVAE())[0] == "vector-quantisation"
    assert serving(GMVAE())[0] == "marginal-elbo"
    assert serving(SequenceField())[0] == "trf-sa"
    assert refusal(check, SigmoidBeliefNet(), IWAE()).startswith(
        "iwae needs an inference part with ReparameterisedProposal; "
        "SigmoidBeliefPosterior has Proposes, HasRelaxation, HasBoundGradient, HasCodeLogits, HasPosterior, "
        "HasBitLogits. Try: "
    )
    assert refusal(check, Generator(), GAN(), {"critic": SigmoidBeliefPosterior()}) == (
        "gan needs a critic part with Discriminates; SigmoidBeliefPosterior has Proposes, HasRelaxation, "
        "HasBoundGradient, HasCodeLogits, HasPosterior, HasBitLogits. "
        "Try: critic."
    )
    assert refusal(check, Stranger(), MaximumLikelihood()) == (
        "mle needs a model with HasLogProb; Stranger has Samplable. Nothing here serves."
    )


def test_a_learner_that_reads_labels_is_taken_only_where_there_are_some():
    assert usual_learner(CVAE(), labels=True).name == "m2"
    assert usual_learner(CVAE(), labels=False).name == "marginal-elbo"
    assert usual_learner(JointField(), labels=True).name == "jem"
    assert usual_learner(JointField(), labels=False).name == "pcd"


def test_the_part_that_a_learner_was_made_for_is_taken_before_the_first_that_serves():
    needs = AVB().requires["inference"]
    assert isinstance(supply(VAE(), AVB())["inference"], ImplicitPosterior)
    assert isinstance(usual("inference", VAE(), needs), GaussianPosterior)
    # A model's own comes before the registry's first, and one that does not serve is passed over.
    assert isinstance(usual("inference", VQVAE(), (Proposes,)), VectorQuantiser)
    assert not isinstance(supply(DeepLatentGaussian(), AVB())["inference"], ImplicitPosterior)


def test_parts_that_no_one_uses_are_refused():
    said = refusal(check, MADE(), MaximumLikelihood(), {"critic": Critic(), "inference": GaussianPosterior()})
    assert said == "mle uses no part named critic, inference; it uses model."


def test_given_parts_take_the_place_of_the_defaults():
    mine = SigmoidBeliefPosterior(hidden=(30,))
    assert check(SigmoidBeliefNet(), JSA(), {"inference": mine})["inference"] is mine
    assert check(SigmoidBeliefNet(), JSA())["inference"] == SigmoidBeliefPosterior()
    assert check(Generator(), GAN()) == {"model": Generator(), "critic": Critic()}
    assert supply(VAE(), ELBO()) == {"model": VAE(), "inference": GaussianPosterior()}
    assert supply(RBM(), ELBO()) == {"model": RBM(), "inference": None}


def test_filling_gives_every_part_a_key_of_its_own_and_the_model_to_those_that_serve_it():
    spec = worlds.BINARY.spec
    pair = check(SigmoidBeliefNet((3, 2)), JSA())
    parts = fill(pair, noise.make_key(0), spec)
    again = fill(pair, noise.make_key(0), spec)
    other = fill(pair, noise.make_key(1), spec)
    equal = lambda a, b: [np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)]
    assert all(equal(parts, again))
    assert not all(equal(parts["model"], other["model"]))
    assert not all(equal(parts["inference"], other["inference"]))
    assert [step.layers[-1].bias.shape for step in parts["inference"].layers] == [(3,), (2,)]
    assert refusal(fill, {"model": GaussianMixture()}, noise.make_key(0), spec).startswith(
        "a mixture of Gaussians takes continuous columns and these are binary"
    )


def test_capabilities_by_name():
    assert capabilities_of(RealNVP) == capabilities_of(RealNVP()) == ("Samplable", "HasLogProb", "Pushforward")
    assert missing_from(RealNVP(), (HasLogProb, HasPosterior)) == ("HasPosterior",)
    assert missing_from(RealNVP(), ()) == ()
