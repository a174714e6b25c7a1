"""Data up, particles down, each in the model of its class."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.data.labels import labels_of
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick, labelled_weight


class ClassContrastive(Direction):
    """∇_θ 1/n Σ_i [log p_θ(y_i) + u_θ(x_i, y_i) − E_{x ~ p(x | y_i)} u_θ(x, y_i)], over the n rows with a label.

    The gradient of the mean log p(x_i, y_i) when the particles of each class come from its model; the bias is the
    sampler's. A row and its particles share the label.

    Example:
        >>> from reverie.directions import ClassContrastive
        >>> ClassContrastive().uses
        ('class_particles',)

    Reference: Ou 2019, Eq. 39, for each class; Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann
    machines for structured output prediction*.
    """

    moves = ("model",)
    uses = ("class_particles",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two weighted gradients, and that of the classes' own likelihood."""
        labels = labels_of(batch)
        y, weight = jnp.maximum(labels, 0), labelled_weight(labels)
        particles = jax.lax.stop_gradient(draw["class_particles"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]
            potential = jax.vmap(lambda x, y: model.given(y).potential(x))
            data = weight @ potential(batch.x, y)
            taken = particles.weight @ potential(particles.x, particles.y)
            told = weight @ model.log_class_prior()[y]
            said = {"potential_data": data, "potential_particles": taken, "log_p_labels": told}
            return data - taken + told, said

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
