"""Conditional random fields of any shape: a network's potential of some columns given the others."""

from typing import Any, Literal, Self, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.bits import log_odds
from reverie.capabilities import ConditionsOnColumns, TellsLevels
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.fields_given import BitsGiven, CategoriesGiven, RealsGiven
from reverie.models.given_columns import ColumnsGiven
from reverie.networks.mlp import ACTIVATIONS, detail_of
from reverie.networks.potentials import potential_network
from reverie.parts import filled, learned, option

Network: TypeAlias = Literal["mlp", "residual", "attention"]
Kind: TypeAlias = Literal["binary", "categorical"]


class NetworkGiven(ColumnsGiven, ConditionsOnColumns):
    """Abstract: p(y | v) ∝ r(y) exp f_θ(v, y), f a network that reads the row."""

    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("silu")
    network: Network = option("mlp")
    function: Any = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if any(width < 1 for width in self.hidden) or not self.hidden:
            raise InputError("a conditional field needs a hidden width, and hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.network not in ("mlp", "residual", "attention"):
            raise InputError(f"network must be mlp, residual or attention, not {self.network!r}")
        if self.given is not None and self.given < 0:
            raise InputError(f"given counts columns and must not be negative, not {self.given}")

    def reading(self, key: Key[Array, ""], width: int, detail: float | None = None) -> Any:
        """f: the features of v and y, so many together, to one number; `detail` as `RandomField` has it."""
        return potential_network(key, self.network, width, self.hidden, 1, self.activation, None, detail)


class ConditionalField(NetworkGiven, TellsLevels):
    """A conditional random field of bits or categories y given all other columns v of a row.

        p(y | v) = r(y) exp f_θ(v, y) / Z(v),    Z(v) = Σ_y r(y) exp f_θ(v, y)

    y is the last columns of one kind, in any relation to each other: f is a network that reads all of the row. v is
    what is left, of any kind: it is conditioned on and has no density, so that log p(y | v) belongs beside no
    likelihood of whole rows. r has the told bits' frequencies, or equally likely levels. `LinearChainCRF` is the case
    of a chain, whose Z(v) is exact at any length; here it is a sum over all y where they are up to 2¹², and annealed
    for a row at a time where they are more.

    What is condition and what is told is said by the data and two options. Of a table with columns of several kinds
    `reverie fit table.csv --model conditional-field --model.tells binary` tells all of its binary columns given the
    rest; with `--model.given 3` the first three of them are given too. Of rows of one kind the first half is given.

    Args:
        tells: the kind that is told: `categorical` or `binary`; categories where the row has some, if nothing is said.
        given: how many of the first columns of that kind belong to v. Half of them where there are columns of no other
            kind, none of them where there are.
        hidden: widths of the hidden layers, as `RandomField` has them.
        activation: of those layers.
        network: f: `mlp`, `residual`, or `attention` between all features of the row.

    Example:
        >>> from reverie.models import ConditionalField
        >>> ConditionalField(tells="binary", given=3).given
        3

    Reference: Lafferty, McCallum & Pereira 2001, *Conditional random fields*, Eq. 1; with networks: Belanger &
    McCallum 2016, *Structured prediction energy networks*.
    """

    tells: Kind | None = option(None)
    base: Array | None = learned()

    def _kind(self, spec: Spec) -> str:
        return self.tells or ("categorical" if "categorical" in spec.leaves else "binary")

    def unsuited(self, spec: Spec) -> str | None:
        """Rows with discrete columns to tell and others to tell them from."""
        return self.uneven(spec, self._kind(spec), "a conditional field")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: told columns that do not depend on what is given."""
        kind = self._kind(spec)
        blank = filled(self, **self.split(spec, kind))
        bits = kind == "binary"
        told = blank.told_size if bits else len(blank.counts) * max(blank.counts)
        base = log_odds(jnp.asarray(spec.leaves[kind].mean)[blank.first :]) if bits else None
        return filled(blank, base=base, function=self.reading(key, blank.given_width + told))

    @property
    def told_levels(self) -> tuple[int, ...]:
        """Two of bits."""
        return self.counts or (2,) * self.told_size

    def conditioned(self, x: PyTree) -> BitsGiven | CategoriesGiven:
        """The field of y given this row's v."""
        if self.base is None:
            return CategoriesGiven(self.function, self.read_given(x), self.counts)
        return BitsGiven(self.function, self.read_given(x), jax.lax.stop_gradient(self.base))


class ConditionalRealField(NetworkGiven, ConditionsOnColumns):
    """A conditional random field of reals y given all other columns v of a row.

        p(y | v) = N(y; m, diag (w s)²) exp f_θ(v, y) / Z(v)

    m and s are the told columns' mean and standard deviation over the training rows. v is conditioned on and has no
    density: bits, categories, and as many of the first reals as `given` says. So
    `reverie fit table.csv --model conditional-real-field --model.given 2` tells the reals from the third on; of a table
    with bits or categories too all reals are told where nothing is said, and of reals alone the second half. Z(v) is
    annealed, a row at a time.

    Args:
        given: how many of the first reals belong to v. Half of them where there are columns of no other kind, none of
            them where there are.
        hidden: widths of the hidden layers, as `RandomField` has them.
        activation: of those layers; a smooth one, so that u has a slope everywhere.
        network: f: `mlp`, `residual`, or `attention` between all features of the row.
        width: w, how much wider than the data the reference is.
        detail: how fast f can vary at the start, as `RandomField` has it; √(32/features), at least 1, where not given.

    Example:
        >>> from reverie.models import ConditionalRealField
        >>> ConditionalRealField(given=2).width
        2.0

    Reference: Gustafsson, Danelljan, Bhat & Schön 2020, *Energy-based models for deep probabilistic regression*, Eq. 3;
    on top of a reference: Ou 2019, Eq. 38.
    """

    width: float = option(2.0)
    detail: float | None = option(None)
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not 0.0 < self.width < float("inf"):
            raise InputError(f"the width of a reference must be positive and finite, not {self.width}")
        if self.detail is not None and not 0.0 < self.detail < float("inf"):
            raise InputError(f"the detail of a field must be positive and finite, not {self.detail}")

    def unsuited(self, spec: Spec) -> str | None:
        """Rows with reals to tell and others to tell them from."""
        return self.uneven(spec, "continuous", "a conditional field of reals")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: told columns that do not depend on what is given."""
        blank = filled(self, **self.split(spec, "continuous"))
        leaf = spec.leaves["continuous"]
        moments = jnp.asarray([leaf.mean, leaf.std], jnp.float32)[:, blank.first :].at[1].max(1e-6)
        width = blank.given_width + blank.told_size
        detail = detail_of(width) if self.detail is None else self.detail
        return filled(blank, base=moments, function=self.reading(key, width, detail))

    def conditioned(self, x: PyTree) -> RealsGiven:
        """The field of y given this row's v."""
        return RealsGiven(self.function, self.read_given(x), jax.lax.stop_gradient(self.base), self.width)
