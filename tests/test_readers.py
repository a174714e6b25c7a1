"""Who reads x and who draws it, apart from the family and the model: every one with every other."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import HasPosterior, Proposes, Reparameterised, ReparameterisedProposal, posterior_of
from reverie.data import Leaf, Spec
from reverie.errors import InputError
from reverie.inference import INFERENCE, GaussianPosterior, ImplicitPosterior, VectorQuantiser
from reverie.models import MODELS, VAE, VQVAE, ConvVAE, TextVAE
from reverie.models.decoder import Decoding
from reverie.networks.conv import ConvOutwards
from reverie.networks.readers import ColumnReader, PictureReader, TextReader, row_reader
from reverie.pairing import check, fill, make_part, usual_learner
from tests import worlds
from tests.test_inference import ROWS as SERVED

SMALL = {"channels": (2, 3), "units": 3, "embedding": 2}
KEY = jax.eval_shape(lambda: noise.make_key(0))
PICTURES = Spec({"binary": Leaf("binary", 64, mean=(0.3,) * 64, std=(0.46,) * 64)}, image=(8, 8, 1))
PICTURE = jnp.asarray(np.random.default_rng(0).random(64) < 0.4)
LINES, LINE = worlds.SENTENCES.spec, jnp.asarray(worlds.SENTENCES.rows.raw[2])
READ: dict[str, tuple[Spec, Any, type]] = {
    "conv": (PICTURES, PICTURE, PictureReader),
    "lstm": (LINES, LINE, TextReader),
}


def asked(part, model, x):
    """A draw, what the posterior says of it while drawing and, where it has a density, when asked again."""
    posterior = posterior_of({"model": model, "inference": part})
    if isinstance(part, ReparameterisedProposal):
        h, log_q = posterior.transform_and_log_prob(posterior.noise(noise.make_key(1)), x)
    elif isinstance(part, Proposes):
        h, log_q = posterior.propose(noise.make_key(1), x)
    elif isinstance(part, Reparameterised):
        h, log_q = posterior.transform(posterior.noise(noise.make_key(1)), x), jnp.zeros(())
    return h, log_q, posterior.log_prob(h, x) if isinstance(part, HasPosterior) else log_q


def built(name, reader, key):
    """The reader of a small posterior, and what is `asked` of it."""
    options, served = SERVED[name]
    spec, x, _ = READ[reader]
    model = served.init(key, spec)
    part: Any = INFERENCE[name](**options | SMALL, reader=reader).init(key, spec, model)
    return part.read, asked(part, model, x)


EVERY = [(name, reader) for name in INFERENCE for reader in READ]
SOME = [("gaussian", "conv"), ("class-gaussian", "conv"), ("nade", "lstm")]


@pytest.mark.parametrize(("name", "reader"), EVERY)
def test_every_family_goes_on_from_every_reader(name, reader):
    """Traced without arithmetic: codes have the model's shapes, whoever reads."""
    read, (h, *said) = eqx.filter_eval_shape(built, name, reader, KEY)
    assert isinstance(read, READ[reader][2])
    assert [block.shape for block in h] == [(one.size,) for one in SERVED[name][1].latents]
    assert all(value.shape == () for value in said)


def agree(name, reader):
    """What a posterior says of its draw is finite, and the same when asked again."""
    _, (h, log_q, again) = eqx.filter_jit(built)(name, reader, noise.make_key(3))
    assert all(bool(jnp.all(jnp.isfinite(block))) for block in h)
    assert bool(jnp.isfinite(log_q))
    assert float(again) == pytest.approx(float(log_q), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(("name", "reader"), SOME)
def test_the_density_of_a_draw_is_that_of_its_code_whoever_reads(name, reader):
    agree(name, reader)


@pytest.mark.all_pairs
@pytest.mark.parametrize(("name", "reader"), [pair for pair in EVERY if pair not in SOME])
def test_the_same_of_every_other_family(name, reader):
    agree(name, reader)


def reader_of(part, spec, model):
    """The reader and the layers of the encoder, as shapes."""
    made = eqx.filter_eval_shape(lambda key: part.init(key, spec, model.init(key, spec)), KEY)
    network = made.network if isinstance(part, ImplicitPosterior) else made.encoder
    return made.read, [layer.bias.shape[0] for layer in network.layers]


def test_it_is_read_as_it_is_written_unless_somebody_chose():
    text, convolutions = TextVAE(latent=3, width=4, embedding=3), ConvVAE(latent=3)
    assert isinstance(reader_of(GaussianPosterior(), PICTURES, VAE(3))[0], ColumnReader)
    assert reader_of(GaussianPosterior(), PICTURES, VAE(3))[1] == [200, 6]
    for model in (convolutions, VAE(3, network="conv")):
        read, layers = reader_of(GaussianPosterior(), PICTURES, model)
        assert (type(read), read.width, layers) == (PictureReader, 2 * 2 * 32, [6])
    read, layers = reader_of(GaussianPosterior(), LINES, text)
    assert (type(read), read.width, layers) == (TextReader, 128, [6])
    assert reader_of(GaussianPosterior(hidden=(5,), reader="mlp"), LINES, text)[1] == [5, 6]
    # What is read together with something else is bent once more: noise through an affine map would stay a Gaussian.
    assert reader_of(ImplicitPosterior(), PICTURES, convolutions)[1] == [200, 3]


def test_convolutions_see_where_a_pixel_is():
    """A map moves with its picture, and each place of it hears of the pixels near it and of no other."""
    height, width, pixels = 8, 12, 8 * 12 * 2
    spec = Spec({"continuous": Leaf("continuous", pixels, mean=(0.0,) * pixels, std=(1.0,) * pixels)}, image=(8, 12, 2))
    read = row_reader(noise.make_key(0), "conv", spec, channels=(3,), activation="tanh", units=1, embedding=1)
    read = worlds.scattered(read, 1, 0.3)
    picture = np.random.default_rng(0).normal(size=(height, width, 2))
    moved = np.roll(picture, (2, 4), axis=(0, 1))
    map_of = jax.jit(lambda x: read(x).reshape(4, 6, 3))
    here, there = (np.asarray(map_of(jnp.asarray(x, jnp.float32).reshape(-1))) for x in (picture, moved))
    np.testing.assert_allclose(there[1:-1, 2:-1], here[:-2, :-3], rtol=1e-4, atol=1e-5)
    assert not np.allclose(there, here)
    slopes = np.asarray(jax.jit(jax.jacobian(map_of))(jnp.zeros(pixels))).reshape(4, 6, 3, height, width, 2)
    heard = np.argwhere(np.any(slopes[2, 3] != 0, axis=(0, 3)))
    assert {tuple(at) for at in heard} == {(i, j) for i in (4, 5, 6) for j in (6, 7, 8)}


def test_relaxed_lines_are_read_as_tokens_where_they_are_corners():
    read = row_reader(noise.make_key(0), "lstm", LINES, channels=(1,), activation="elu", units=3, embedding=2)
    line = jnp.array([1, 3, 4, 4], jnp.int32)
    endless = line.at[1].set(0)
    lines = jnp.stack([line, line.at[3].set(0), endless, endless.at[3].set(0)])
    told, other, endless, longer = jax.jit(jax.vmap(lambda x: read(x)))(lines)
    relaxed = jax.jit(jax.vmap(lambda x: read(x)))(jax.nn.one_hot(lines, 5))
    np.testing.assert_allclose(relaxed, np.stack([told, other, endless, longer]), rtol=1e-5)
    assert np.array_equal(told, other)
    assert not np.allclose(endless, longer)


DRAWN: dict[str, Any] = {
    "vae": {"latent": 2},
    "vae-mixture-prior": {"latent": 2, "count": 3},
    "vae-learned-prior": {"latent": 2, "width": 4},
    "gmvae": {"latent": 2, "classes": 3},
    "cvae": {"latent": 2, "classes": 3},
    "m1m2": {"first": 3, "latent": 2, "classes": 3},
    "sdgm": {"first": 3, "latent": 2, "classes": 3},
    "vq-vae": {"positions": 3, "levels": 3, "size": 2, "width": 4},
    "dlgm": {"sizes": (3, 2)},
    "sbn": {"sizes": (3, 2)},
    "darn": {"sizes": (3, 2)},
}


def test_every_model_with_a_decoder_of_its_own_can_draw_by_convolutions():
    assert set(DRAWN) | {"conv-vae"} == {name for name, cls in MODELS.items() if issubclass(cls, Decoding)}


@pytest.mark.parametrize("name", DRAWN)
def test_convolutions_draw_for_every_model_and_read_for_its_posterior(name):
    blank = make_part("model", name, {**DRAWN[name], "network": "conv", "channels": (3, 2)})
    assert blank.unsuited(PICTURES) is None

    def all_of_it(key):
        parts = fill(check(blank, usual_learner(blank, labels=False)), key, PICTURES)
        x, h = parts["model"].sample_joint(key)
        return parts, x, parts["model"].log_joint(x, h)

    parts, x, log_p = eqx.filter_eval_shape(all_of_it, KEY)
    assert isinstance(parts["model"].decoder.network, ConvOutwards)
    assert isinstance(parts["inference"].read, PictureReader)
    assert (x.shape, x.dtype, log_p.shape) == ((64,), bool, ())


@pytest.mark.parametrize(("positions", "placed"), [(16, True), (4, False)])
def test_as_many_codes_as_places_stand_each_at_its_own(positions, placed):
    """Of 8×8 pixels one layer leaves 4×4 places: the fourth of the first row hears of the corner, and draws there."""
    model = VQVAE(positions, 3, 2, network="conv", channels=(3,), width=2)
    part = VectorQuantiser(channels=(3,))

    @eqx.filter_jit
    def slopes(key):
        made = model.init(key, PICTURES)
        quantiser = worlds.scattered(part.init(key, PICTURES, made), 1, 0.3)
        heard = jax.jacobian(quantiser.embed)(PICTURE.astype(jnp.float32))
        vectors = jnp.ones((positions, 2))
        shown = jax.jacobian(lambda vectors: made.decoder.outputs(vectors.reshape(-1)))(vectors)
        return heard[3].reshape(2, 8, 8), shown[:, 3].reshape(8, 8, 2)

    heard, shown = slopes(noise.make_key(0))
    heard = np.argwhere(np.any(np.asarray(heard) != 0, axis=0))
    shown = np.argwhere(np.any(np.asarray(shown) != 0, axis=2))
    if placed:
        assert {tuple(at) for at in heard} == {(i, j) for i in (0, 1, 2) for j in (6, 7)}
        assert {tuple(at) for at in shown} == {(i, j) for i in range(4) for j in (4, 5, 6, 7)}
    else:
        assert len(heard) > 30
        assert len(shown) > 60


def test_a_name_for_the_usual_choice_is_the_choice():
    init = eqx.filter_jit(lambda blank: blank.init(noise.make_key(0), PICTURES))
    made = [init(blank) for blank in (ConvVAE(3, channels=(3,)), VAE(3, network="conv", channels=(3,)))]
    leaves = [jax.tree.leaves(model) for model in made]
    assert all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))
    deeper = eqx.filter_eval_shape(lambda key: VAE(3, (5,), network="conv").init(key, PICTURES), KEY)
    assert [layer.bias.shape for layer in deeper.decoder.network.first.layers] == [(5,), (2 * 2 * 32,)]


@pytest.mark.parametrize(
    ("blank", "spec", "said"),
    [
        (
            GaussianPosterior(reader="conv"),
            worlds.BINARY.spec,
            "reader=conv reads images, and these are binary columns",
        ),
        (GaussianPosterior(reader="lstm"), PICTURES, "reader=lstm reads text, or columns that share their levels"),
        (GaussianPosterior(reader="lstm"), worlds.MIXED, "and these are mixed"),
        (VAE(network="conv"), worlds.BINARY.spec, "network=conv draws images, and these are binary columns"),
    ],
)
def test_what_cannot_be_read_or_drawn_so_is_refused_in_one_sentence(blank, spec, said):
    parts = {"model": VAE()} | ({"model": blank} if isinstance(blank, VAE) else {"inference": blank})
    for refused in (lambda: fill(parts, noise.make_key(0), spec), lambda: blank.init(noise.make_key(0), spec, VAE())):
        with pytest.raises(InputError) as refusal:
            refused()
        assert said in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (GaussianPosterior, {"reader": "rnn"}),
        (GaussianPosterior, {"channels": ()}),
        (GaussianPosterior, {"units": 0}),
        (GaussianPosterior, {"embedding": 0}),
        (VAE, {"network": "lstm"}),
        (VAE, {"channels": (3, 0)}),
    ],
)
def test_options_that_describe_no_network_are_refused(make, wrong):
    with pytest.raises(InputError) as refusal:
        make(**wrong)
    assert next(iter(wrong)) in str(refusal.value)
    assert "\n" not in str(refusal.value)
