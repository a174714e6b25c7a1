"""The linear-chain conditional random field, its potentials told by a network."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PyTree

from reverie.capabilities import TellsColumns
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models import linear_chain
from reverie.models.categories import forbidden
from reverie.networks.features import Layout, features, layouts, leaves_of, row_of
from reverie.networks.mlp import ACTIVATIONS
from reverie.networks.places import PlaceNetwork, TwoWays, Whole, Windows, place_network
from reverie.parts import Part, filled, known, learned, option

NETWORKS = ("mlp", "window", "lstm")


class LinearChainCRF(Part, TellsColumns):
    """A sequence of labels given the rest of the row: a random field of the labels whose potentials read the rest.

        p(y | x) = exp(Σ_t a_t(y_t; x) + Σ_{t<T} B(y_t, y_{t+1})) / Z(x)

    The labels y_1, …, y_T are the last columns of categories, in their order; all other columns are x, which has no
    density here: the likelihood is that of the labels given x, and belongs beside no likelihood of whole rows. a is a
    network's, B a table that all neighbours share. Sums over the K^T label sequences are exact, in O(T K²): log Z(x)
    and with it the likelihood and its gradient, each label's own probability, the likeliest sequence (Viterbi) and
    exact draws.

    What is conditioned on is said by the order of the columns: `reverie fit table.csv --model crf` tells all columns of
    words given the numbers, with `--model.given 2` the first two words are given too. Labels of any relation to each
    other, and not a chain, are `ConditionalField`'s.

    A field of x and *one* label without a chain is `JointField`, whose p(y | x) is the softmax of a network; given x
    alone it is a classifier, and not built again here.

    Args:
        network: a: `mlp`, which reads all of x at once; `window`, the same perceptron at each place, which reads the
            place and its neighbours; or `lstm`, from both sides.
        given: how many of the first columns of categories belong to x. Half of them where there are no other
            columns, none of them where there are.
        hidden: widths of the hidden layers; of an LSTM the last counts.
        activation: of those layers.
        reach: neighbours on either side that a window reads. For `window` and `lstm` each kind of given columns lies
            place after place, as many columns a place.

    Example:
        >>> from reverie.models import LinearChainCRF
        >>> LinearChainCRF(network="window", reach=2).reach
        2

    Reference: Lafferty, McCallum & Pereira 2001, *Conditional random fields*, Eq. 1–2; Sutton & McCallum 2012, *An
    introduction to conditional random fields*, Eq. 2.18, §4.1. With networks: Collobert et al. 2011, *Natural language
    processing (almost) from scratch*, Eq. 13.
    """

    network: PlaceNetwork = option("mlp")
    given: int | None = option(None)
    hidden: tuple[int, ...] = option((50,))
    activation: str = option("tanh")
    reach: int = option(1)
    shape: tuple[Layout, ...] = known()
    first: int = known()
    places: Whole | Windows | TwoWays = learned()
    pairs: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.network not in NETWORKS:
            raise InputError(f"network must be one of {', '.join(NETWORKS)}, not {self.network!r}")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if any(width < 1 for width in self.hidden) or (self.network == "lstm" and not self.hidden):
            raise InputError("hidden widths must be at least 1, and an LSTM needs one")
        if self.reach < 0 or (self.given is not None and self.given < 0):
            raise InputError("reach and given must not be negative")

    def _split(self, spec: Spec) -> tuple[int, int]:
        """How many of the columns of categories are given, and how many are labels."""
        count = spec.leaves["categorical"].size
        given = self.given
        if given is None:
            given = count // 2 if spec.single is not None else 0
        return given, count - given

    def unsuited(self, spec: Spec) -> str | None:
        """Only rows with columns of categories for labels and other columns to tell them from."""
        if "categorical" not in spec.leaves:
            return (
                f"a CRF tells columns of categories given the others and these are {spec.kind} columns: it needs "
                "labels as categorical columns of the rows; try measure='none'"
            )
        given, labels = self._split(spec)
        if spec.single is not None and self.given is None and spec.size % 2:
            return f"of {spec.size} categorical columns no half is given: say how many of the first are by given=…"
        if labels < 1 or spec.size == labels:
            return (
                f"a CRF needs given columns and labels, and of {spec.size} {spec.kind} columns {given} of the "
                "categorical ones would be given: choose another given=…"
            )
        sizes = {kind: given if kind == "categorical" else leaf.size for kind, leaf in spec.leaves.items()}
        if self.network != "mlp" and any(size % labels for size in sizes.values()):
            told = ", ".join(f"{size} {kind}" for kind, size in sizes.items() if size)
            return (
                f"network={self.network} needs as many given columns at each of the {labels} labels, and of these "
                f"{spec.kind} rows {told} are given: choose network=mlp"
            )
        return None

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Labels that do not depend on their neighbours."""
        given, labels = self._split(spec)
        blank = filled(self, shape=layouts(spec), first=given)
        inputs = sum(layout.width for layout in blank._given_shape)
        levels = max(blank.counts)
        network = place_network(key, self.network, labels, inputs, self.hidden, levels, self.activation, self.reach)
        return filled(blank, places=network, pairs=jnp.zeros((levels, levels)))

    @property
    def _given_shape(self) -> tuple[Layout, ...]:
        shape = tuple(
            one._replace(size=self.first, counts=one.counts[: self.first]) if one.kind == "categorical" else one
            for one in self.shape
        )
        return tuple(one for one in shape if one.size)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many levels each label has."""
        return next(one.counts for one in self.shape if one.kind == "categorical")[self.first :]

    def _labels_and_rest(self, x: PyTree) -> tuple[Array, dict[str, Array]]:
        leaves = {one.kind: leaf for one, leaf in zip(self.shape, leaves_of(x, self.shape), strict=True)}
        return leaves["categorical"][self.first :], leaves | {"categorical": leaves["categorical"][: self.first]}

    def chain(self, x: PyTree) -> Float[Array, "places labels"]:
        """a_t(k; x), −10⁹ for levels that a label lacks."""
        rest = self._labels_and_rest(x)[1]
        # One layout at a time: rows with one leaf and with several are then read alike.
        read = [features(rest[one.kind], (one,)) for one in self._given_shape]
        if self.network != "mlp":
            read = [leaf.reshape(len(self.counts), -1) for leaf in read]
        return forbidden(self.places(jnp.concatenate(read, axis=-1)), self.counts)

    @property
    def told_words(self) -> str:
        """The labels given the rest."""
        count = len(self.counts)
        which = f"the last {count} columns of categories" if count > 1 else "the last column of categories"
        return f"{which} given the rest of the row"

    def told(self, x: PyTree) -> Int[Array, " told"]:
        """y."""
        return self._labels_and_rest(x)[0]

    def with_told(self, x: PyTree, y: Int[Array, " told"]) -> PyTree:
        """(x, y) with another y."""
        old, rest = self._labels_and_rest(x)
        leaves = rest | {"categorical": jnp.concatenate([rest["categorical"], y.astype(old.dtype)])}
        return row_of(tuple(leaves[one.kind] for one in self.shape), self.shape)

    def log_prob(self, x: PyTree) -> Array:
        """log p(y | x)."""
        places = self.chain(x)
        return linear_chain.potential(places, self.pairs, self.told(x)) - linear_chain.log_normaliser(
            places, self.pairs
        )

    def told_log_normaliser(self, x: PyTree) -> Array:
        """log Z(x)."""
        return linear_chain.log_normaliser(self.chain(x), self.pairs)

    def told_log_probs(self, x: PyTree) -> Float[Array, "told levels"]:
        """log p(y_t = k | x)."""
        return linear_chain.log_marginals(self.chain(x), self.pairs)

    def likeliest_told(self, x: PyTree) -> Int[Array, " told"]:
        """argmax_y p(y | x)."""
        return linear_chain.likeliest(self.chain(x), self.pairs)

    def sample_told(self, key: Key[Array, ""], x: PyTree) -> Int[Array, " told"]:
        """y ~ p(y | x)."""
        return linear_chain.draw(key, self.chain(x), self.pairs)
