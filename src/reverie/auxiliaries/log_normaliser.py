"""A learned log normaliser."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.capabilities import HasLogNormaliser, HasPotential, HasTempering
from reverie.data.spec import Spec
from reverie.parts import Part, filled, learned


class LogNormaliser(Part, HasLogNormaliser):
    """One number c, which stands for log Z of the model.

        p(x) = exp(u(x) − c)                                                                    (Ou 2019, Eq. 45)

    Example:
        >>> from reverie.auxiliaries import LogNormaliser
        >>> LogNormaliser().value is None
        True
    """

    value: Array = learned()

    def unserving(self, model: Any) -> str | None:
        """Models that are not normalised."""
        return None if isinstance(model, HasPotential) else "a log normaliser serves models with a potential"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """The log normaliser of the model's base, where it has one: a field starts near it."""
        start = model.base_log_normaliser() if isinstance(model, HasTempering) else 0.0
        return filled(self, value=jnp.asarray(start, jnp.float32))

    def log_normaliser(self) -> Array:
        """c."""
        return self.value
