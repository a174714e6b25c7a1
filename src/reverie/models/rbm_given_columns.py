"""The restricted Boltzmann machine whose biases depend on other columns of the row."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.bits import log_odds
from reverie.capabilities import TellsLevels
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.given_columns import ColumnsGiven
from reverie.models.rbm import RBM
from reverie.parts import filled, learned, option


class RBMGivenColumns(ColumnsGiven, TellsLevels):
    """Bits y given other columns v of the row, real or discrete: an RBM whose biases are affine in v.

        p(y, h | v) ∝ exp((b + A φ(v))·y + (c + D φ(v))·h + y W h)

    φ(v) are reals in units of their spread, bits as −1 and 1, and one-hot categories. For each v that is an `RBM` like
    any other: its sweeps leave v where it is, and its Z(v) is a sum over the states of the smaller layer, or annealed.
    `ConditionalRBM` is the case of rows given a class, which comes as their label.

    y is the last binary columns of the row and v is all else, which is conditioned on and has no density. So of a table
    with bits and other columns, `reverie fit table.csv --model rbm-given-columns` tells all bits given the rest, with
    `--model.given 3` the first three bits are given too, and of bits alone the second half is told.

    Args:
        hidden: how many hidden units.
        given: how many of the first bits belong to v. Half of them where there are columns of no other kind, none of
            them where there are.

    Example:
        >>> from reverie.models import RBMGivenColumns
        >>> RBMGivenColumns(hidden=20, given=5).hidden
        20

    Reference: Taylor, Hinton & Roweis 2007, *Modeling human motion using binary latent variables*, §2; Mnih, Larochelle
    & Hinton 2011, *Conditional restricted Boltzmann machines for structured output prediction*, Eq. 3.
    """

    hidden: int = option(64)
    weights: Array = learned()
    visible_bias: Array = learned()
    hidden_bias: Array = learned()
    visible_shift: Array = learned()
    hidden_shift: Array = learned()
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.hidden < 1:
            raise InputError(f"an RBM given columns needs at least one hidden unit, not hidden={self.hidden}")
        if self.given is not None and self.given < 0:
            raise InputError(f"given counts columns and must not be negative, not {self.given}")

    def unsuited(self, spec: Spec) -> str | None:
        """Rows with bits to tell and others to tell them from."""
        return self.uneven(spec, "binary", "an RBM given columns")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """As `RBM`, with biases that do not depend on what is given."""
        blank = filled(self, **self.split(spec, "binary"))
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean)[blank.first :])
        return filled(
            blank,
            weights=0.01 * noise.normal(key, (blank.told_size, self.hidden)),
            visible_bias=bias,
            hidden_bias=jnp.zeros(self.hidden),
            visible_shift=jnp.zeros((blank.given_width, blank.told_size)),
            hidden_shift=jnp.zeros((blank.given_width, self.hidden)),
            base=bias,
        )

    @property
    def told_levels(self) -> tuple[int, ...]:
        """Bits."""
        return (2,) * self.told_size

    def conditioned(self, x: PyTree) -> RBM:
        """The RBM of y given this row's v."""
        v = self.read_given(x)
        return RBM(
            hidden=self.hidden,
            weights=self.weights,
            visible_bias=self.visible_bias + v @ self.visible_shift,
            hidden_bias=self.hidden_bias + v @ self.hidden_shift,
            base=self.base,
        )
