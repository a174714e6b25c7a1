"""Noise distributions: normalised, easy to draw from, and near the data."""

from typing import Any, Literal, Self

import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLogProb, HasPotential, Samplable
from reverie.data.spec import Spec
from reverie.models import FVSBN, MADE, GaussianMixture, LanguageModel, RealNVP
from reverie.models.observation import Observation
from reverie.parts import Part, filled, known, learned, option

NOT_FIELDS = "a noise distribution serves models with a potential"


class IndependentNoise(Part, Samplable, HasLogProb):
    """Independent columns, as the training rows have them: Gaussians, bits at their frequencies, levels.

    Categories whose frequencies the data do not tell start equally likely. All of it can be learned.

    Example:
        >>> from reverie.auxiliaries import IndependentNoise
        >>> IndependentNoise().outputs is None
        True

    Reference: Gutmann & Hyvärinen 2010, *Noise-contrastive estimation*, §2.3, on the choice of the noise.
    """

    observation: Any = known()
    outputs: Array = learned()

    def unserving(self, model: Any) -> str | None:
        """Models that are not normalised."""
        return None if isinstance(model, HasPotential) else NOT_FIELDS

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """The columns' means and standard deviations, or frequencies."""
        observation = Observation.of(spec, None)
        return filled(self, observation=observation, outputs=jnp.asarray(observation.starting_bias(spec), jnp.float32))

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """A row."""
        return self.observation.sample(key, self.outputs)

    def log_prob(self, x: PyTree) -> Array:
        """log p_n(x)."""
        return self.observation.log_prob(self.outputs, x)


NOISE_MODELS: dict[str, type[Part]] = {
    "gaussian-mixture": GaussianMixture,
    "realnvp": RealNVP,
    "fvsbn": FVSBN,
    "made": MADE,
    "language-model": LanguageModel,
}


class ModelNoise(Part, Samplable, HasLogProb):
    """A normalised model as the noise: what a dynamic noise should be, since it learns to be like the data.

    Args:
        model: `gaussian-mixture`, `realnvp`, `fvsbn`, `made` or `language-model`, at its own defaults; `auto` is a
            mixture of reals, a language model of lines of text and `made` of all else.

    Example:
        >>> from reverie.auxiliaries import ModelNoise
        >>> ModelNoise("realnvp").model
        'realnvp'

    Reference: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models with dynamic
    noise-contrastive estimation*.
    """

    model: Literal["auto", "gaussian-mixture", "realnvp", "fvsbn", "made", "language-model"] = option("auto")
    density: Any = learned()

    def _blank(self, spec: Spec) -> Part:
        by_kind = "gaussian-mixture" if spec.kind == "continuous" else "made"
        by_kind = "language-model" if spec.text else by_kind
        return NOISE_MODELS[by_kind if self.model == "auto" else self.model]()

    def unserving(self, model: Any) -> str | None:
        """Models that are not normalised."""
        return None if isinstance(model, HasPotential) else NOT_FIELDS

    def unsuited(self, spec: Spec) -> str | None:
        """As the model says."""
        return self._blank(spec).unsuited(spec)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """The model filled for the data."""
        return filled(self, density=self._blank(spec).init(key, spec))

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """A draw of the model."""
        return self.density.sample(key)

    def log_prob(self, x: PyTree) -> Array:
        """log p_n(x)."""
        return self.density.log_prob(x)
