"""Tiny data sets and models: few enough states to enumerate, few enough numbers to compile fast."""

import dataclasses
import functools
import itertools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from reverie import noise
from reverie.data import Batch, Identity, Leaf, Levels, Measure, Rows, Spec
from reverie.inference import SigmoidBeliefPosterior
from reverie.learners import Learner
from reverie.loop import Loop
from reverie.models import MODELS, RBM, ConditionalRBM, SigmoidBeliefNet
from reverie.pairing import check, fill, make_learner, make_part
from tests.measuring import errors_off as errors_off
from tests.measuring import surprise as surprise

# Options that make a unit small. A unit without a row is taken at its defaults: slower, never left out.
TINY: dict[str, dict[str, Any]] = {
    "vae": {"latent": 2, "hidden": (5,)},
    "vae-mixture-prior": {"latent": 2, "hidden": (5,), "count": 3},
    "vae-learned-prior": {"latent": 2, "hidden": (5,), "prior": "autoregressive", "width": 4},
    "dlgm": {"sizes": (2, 3), "hidden": (4,)},
    "sbn": {"sizes": (3, 2)},
    "darn": {"sizes": (3, 2)},
    "vq-vae": {"positions": 3, "levels": 3, "size": 2, "hidden": (4,), "width": 4},
    "conv-vae": {"latent": 2, "channels": (3, 2)},
    "text-vae": {"latent": 2, "width": 4, "embedding": 3},
    "text-vae-dilated": {"latent": 2, "width": 4, "embedding": 3, "depth": 2},
    "made": {"hidden": (6,), "orders": 2},
    "realnvp": {"layers": 2, "width": 4},
    "generator": {"latent": 2, "hidden": (4,)},
    "field-generator": {"latent": 2, "hidden": (4,)},
    "autoregressive-generator": {"width": 4},
    "rbm": {"hidden": 3},
    "dbn": {"sizes": (3, 2)},
    "dbm": {"sizes": (3, 2), "iterations": 3},
    "rbm-categorical": {"hidden": 3},
    "rbm-gaussian": {"hidden": 3},
    "rbm-conditional": {"hidden": 3, "classes": 3},
    "random-field": {"hidden": (4,)},
    "bit-field": {"hidden": (4,)},
    "recovery-field": {"hidden": (4,), "levels": 3},
    "joint-bit-field": {"hidden": (4,), "classes": 3},
    "joint-field": {"hidden": (4,), "classes": 3},
    "crf": {"hidden": (4,)},
    "conditional-field": {"hidden": (4,)},
    "conditional-real-field": {"hidden": (4,)},
    "rbm-given-columns": {"hidden": 3},
    "trf": {"order": 2, "room": 64},
    "language-model": {"width": 3, "embedding": 2},
    "gaussian-mixture": {"count": 2},
    "product-mixture": {"count": 3},
    "factor-analysis": {"latent": 2},
    "ppca": {"latent": 1},
    "gmvae": {"latent": 2, "classes": 3, "hidden": (4,)},
    "cvae": {"latent": 2, "classes": 3, "hidden": (4,)},
    "m1m2": {"first": 2, "latent": 1, "classes": 3, "hidden": (4,)},
    "sdgm": {"first": 2, "latent": 1, "classes": 3, "hidden": (4,)},
    "ddpm": {"hidden": (4,), "sampler": "ode", "tolerance": None, "steps": 12},
    "vp-sde": {"hidden": (4,), "sampler": "ode", "tolerance": None, "steps": 12},
    "ve-sde": {"hidden": (4,), "sampler": "ode", "tolerance": None, "steps": 12},
    "straight-flow": {"hidden": (4,), "sampler": "ode", "tolerance": None, "steps": 12},
}


class World(NamedTuple):
    """Data as the loop takes them, and what a model may know of them."""

    rows: Rows
    measure: Measure
    spec: Spec


def rows_of(raw: Any) -> Rows:
    """Rows, one in four of which has no label and the others one of three."""
    count = len(next(iter(raw.values())) if isinstance(raw, dict) else raw)
    return Rows(raw, (np.arange(count) % 4 - 1).astype(np.int32), None, np.arange(count))


def binary(rows: int = 24, columns: int = 4, seed: int = 0) -> World:
    """Bits of unequal frequencies, the second leaning on the first."""
    rng = np.random.default_rng(seed)
    raw = rng.random((rows, columns)) < np.linspace(0.2, 0.7, columns)
    raw[:, 1] |= raw[:, 0] & (rng.random(rows) < 0.7)
    leaf = Leaf("binary", columns, mean=tuple(raw.mean(0).tolist()), std=tuple(raw.std(0).tolist()))
    return World(rows_of(raw), Identity("binary"), Spec({"binary": leaf}))


def continuous(rows: int = 24, columns: int = 3, seed: int = 0) -> World:
    """Skewed real columns on unequal scales."""
    raw = (np.random.default_rng(seed).gamma(2.0, size=(rows, columns)) * (1 + np.arange(columns))).astype(np.float32)
    leaf = Leaf("continuous", columns, mean=tuple(raw.mean(0).tolist()), std=tuple(raw.std(0).tolist()))
    return World(rows_of(raw), Identity("continuous"), Spec({"continuous": leaf}))


def image() -> World:
    """The bits as pictures of one row of pixels and four, so that height and width differ."""
    rows, measure, spec = binary()
    return World(rows, measure, Spec(spec.leaves, image=(1, 4, 1)))


def sentences(rows: int = 24, length: int = 4, words: int = 3, seed: int = 0) -> World:
    """Lines of so many words, an end mark and padding."""
    rng = np.random.default_rng(seed)
    raw = rng.integers(0, words, (rows, length)).astype(np.int32)
    ends = rng.integers(1, length, rows)
    places = np.arange(length)
    raw = np.where(places < ends[:, None], raw, np.where(places == ends[:, None], words, words + 1)).astype(np.int32)
    leaf = Leaf("categorical", length, levels=words + 2, counts=(words + 2,) * length)
    spec = Spec({"categorical": leaf}, text=True, marks=(words, words + 1))
    return World(rows_of(raw), Levels(), spec)


BINARY, CONTINUOUS, IMAGE, SENTENCES = binary(), continuous(), image(), sentences()

# One leaf of each kind; the second categorical column has two levels only.
MIXED = Spec(
    {
        "binary": Leaf("binary", 2, mean=(0.3, 0.6), std=(0.46, 0.49)),
        "categorical": Leaf("categorical", 2, levels=3, counts=(3, 2)),
        "continuous": Leaf("continuous", 2, mean=(1.0, -2.0), std=(0.5, 2.0)),
    }
)


def world_for(model: Any) -> World:
    """The first tiny data set that suits a model."""
    return next(world for world in (BINARY, CONTINUOUS, IMAGE, SENTENCES) if model.unsuited(world.spec) is None)


def shapes_of(parts: Any, key: Any, spec: Spec) -> Any:
    """`fill` without arithmetic: only the shapes of the arrays."""
    return eqx.filter_eval_shape(lambda key: fill(parts, key, spec), jax.eval_shape(lambda: key))


def states(bits: int) -> np.ndarray:
    """Every vector of so many bits: bool [2^bits, bits]."""
    return np.array(list(itertools.product((False, True), repeat=bits)), bool).reshape(-1, bits)


def place(x: Any) -> np.ndarray:
    """The row of `states` that each vector of bits is."""
    x = np.asarray(x)
    return x @ (1 << np.arange(x.shape[-1])[::-1])


def blank(model: str) -> Any:
    """A tiny model by name, without arrays."""
    return make_part("model", model, TINY.get(model, {}))


def made(model: Any, spec: Spec, seed: int = 3, spread: float = 0.0) -> Any:
    """A model filled for data, with N(0, `spread`²) added to every number so that nothing is zero or symmetric."""
    filled = model.init(noise.make_key(seed), spec)
    return scattered(filled, seed + 1, spread) if spread else filled


def scattered(tree: Any, seed: int, spread: float) -> Any:
    """A tree with N(0, `spread`²) added to its floating-point leaves."""
    rng = np.random.default_rng(seed)

    def one(leaf: Any) -> Any:
        if not (isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating)):
            return leaf
        return leaf + jnp.asarray(spread * rng.standard_normal(leaf.shape), leaf.dtype)

    return jax.tree.map(one, tree)


def alike(a: Any, b: Any) -> bool:
    """Whether two trees have one structure, static fields included."""
    structures: list[Any] = [jax.tree.structure(tree) for tree in (a, b)]
    return bool(structures[0] == structures[1])


def loop_for(model: str, learner: str | Learner, *, seed: int = 0, batch: int = 8, **settings: Any) -> Loop:
    """The loop of a pair on its tiny data set."""
    world = world_for(blank(model))
    made = make_learner(learner) if isinstance(learner, str) else learner
    size = None if made.batch is None else batch
    return Loop(made, world.rows, world.measure, noise.make_key(seed), batch=size, **settings)


def parts_for(model: str, learner: str | Learner, seed: int = 1) -> dict[str, Any]:
    """The filled parts of a pair."""
    made = make_learner(learner) if isinstance(learner, str) else learner
    return fill(check(blank(model), made), noise.make_key(seed), world_for(blank(model)).spec)


def shapes_for(model: str, learner: str) -> dict[str, Any]:
    """The filled parts of a pair as shapes, without arithmetic."""
    blanks = check(blank(model), make_learner(learner))
    return dict(_shapes_of_blanks(tuple(blanks.items())))


@functools.cache
def _shapes_of_blanks(blanks: tuple[tuple[str, Any], ...]) -> Any:
    """Shapes of parts that many learners share, found once."""
    return shapes_of(dict(blanks), noise.make_key(0), world_for(dict(blanks)["model"]).spec)


def models_with(*capabilities: type) -> list[str]:
    """The names of the models that have all these capabilities."""
    return [name for name, cls in MODELS.items() if all(issubclass(cls, one) for one in capabilities)]


class Helmholtz(NamedTuple):
    """A belief net of three bits and two hidden units, a posterior that is wrong, and all that enumeration gives.

    Attributes:
        parts: the model and the inference model.
        x: all rows [8, 3].
        h: all codes [4, 2].
        log_joint: log p(x, h), [8, 4].
        log_q: log q(h | x), [8, 4].
    """

    parts: dict[str, Any]
    x: np.ndarray
    h: np.ndarray
    log_joint: np.ndarray
    log_q: np.ndarray

    @property
    def posterior(self) -> np.ndarray:
        """p(h | x), [8, 4]."""
        return np.exp(self.log_joint - scipy.special.logsumexp(self.log_joint, axis=1, keepdims=True))


def joint_table(model: Any, x: Any, h: Any) -> Any:
    """log p(x, h) for all rows and codes."""
    return jax.vmap(lambda x: jax.vmap(lambda h: model.log_joint(x, (h,)))(h))(jnp.asarray(x))


def posterior_table(inference: Any, x: Any, h: Any) -> Any:
    """log q(h | x) for all rows and codes."""
    return jax.vmap(lambda x: jax.vmap(lambda h: inference.log_prob((h,), x))(h))(jnp.asarray(x))


@functools.cache
def helmholtz(spread: float = 0.7) -> Helmholtz:
    """The pair, filled. The posterior is made flatter, so that weights are unequal but not absurd."""
    spec = binary(columns=3).spec
    model = made(SigmoidBeliefNet((2,)), spec, spread=spread)
    inference = scattered(SigmoidBeliefPosterior().init(noise.make_key(7), spec, model), 8, spread)
    inference = jax.tree.map(lambda leaf: 0.4 * leaf, inference)
    x, h = states(3), jnp.asarray(states(2))
    tables = jax.jit(joint_table)(model, x, h), jax.jit(posterior_table)(inference, x, h)
    return Helmholtz({"model": model, "inference": inference}, x, np.asarray(h), *map(np.asarray, tables))


def batch_of(x: Any, index: Any = None) -> Batch:
    """A batch of rows."""
    x = jnp.asarray(x)
    return Batch(jnp.arange(len(x)) if index is None else jnp.asarray(index), x)


def machine(visible: int = 3, hidden: int = 2) -> RBM:
    """A restricted Boltzmann machine of a few units, far from symmetric; its base is not its visible bias."""
    rng = np.random.default_rng(5)
    arrays = {"weights": (visible, hidden), "visible_bias": (visible,), "hidden_bias": (hidden,)}
    model = RBM.from_arrays(**{name: 1.2 * rng.standard_normal(shape) for name, shape in arrays.items()})
    return dataclasses.replace(model, base=jnp.asarray(rng.standard_normal(visible), jnp.float32))


def machines(visible: int = 3, hidden: int = 2, classes: int = 3) -> ConditionalRBM:
    """Machines of a few units for unequal classes that differ much, none of them symmetric."""
    rng = np.random.default_rng(6)
    one = machine(visible, hidden)
    return ConditionalRBM.from_arrays(
        weights=one.weights,
        visible_bias=one.visible_bias,
        hidden_bias=one.hidden_bias,
        visible_shift=1.5 * rng.standard_normal((classes, visible)),
        hidden_shift=1.5 * rng.standard_normal((classes, hidden)),
        class_logits=np.linspace(0.0, 1.0, classes),
    )


def conditionals(model: RBM, beta: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """p_β(h | x) and p_β(x | h) over all states, as the docstring of the model has them, with numpy."""
    leaves = (model.weights, model.visible_bias, model.hidden_bias, model.base)
    w, b, c, a = (np.asarray(leaf, np.float64) for leaf in leaves)
    xs, hs = states(len(b)).astype(float), states(len(c)).astype(float)

    def bits(logits: Any, values: Any) -> Any:
        p = 1 / (1 + np.exp(-logits))
        return np.prod(np.where(values[None] > 0.5, p[:, None], 1 - p[:, None]), axis=-1)

    return bits(beta * (xs @ w + c), hs), bits((1 - beta) * a + beta * b + beta * hs @ w.T, xs)


def transition(model: RBM, beta: float = 1.0) -> np.ndarray:
    """The matrix of one Gibbs sweep over x."""
    up, down = conditionals(model, beta)
    return up @ down
