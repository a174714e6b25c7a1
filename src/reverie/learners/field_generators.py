"""Random fields with auxiliary generators: inclusive, cooperative and exclusive."""

from reverie.capabilities import GeneratesPairs, HasRealPotential
from reverie.directions import Contrastive, FieldAgainstGenerator, GeneratorFromRevised, GeneratorUpField
from reverie.directions.direction import Join
from reverie.directions.field_generators import Entropy
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.parts import Optimiser
from reverie.samplers import BaseNoise, ChainsFromGenerator, Kernel, KernelName, kernel_of

REQUIRES: dict[str, tuple[type, ...]] = {"model": (HasRealPotential,), "generator": (GeneratesPairs,)}
PACES = {"model": Optimiser(rate=1e-3, momentum=0.0), "generator": Optimiser(rate=4e-3, momentum=0.0)}
"""The generator has to follow the field: at one rate for both the field makes peaks that no draw reaches, and momentum
carries both past each other."""


@named("inclusive")
def InclusiveField(
    moves: int = 10,
    kernel: KernelName = "langevin",
    step: float = 0.02,
    code_moves: int = 10,
    code_step: float = 0.02,
    penalty: float = 0.0,
) -> Learner:
    """A field learned from its generator's draws once they are revised; the generator learns from the revision.

        θ up E_data ∇u(x) − E_{p_θ} ∇u(x),    φ up E_{p_θ(x) q_φ(h | x)} ∇ log q_φ(x, h)        (Ou 2019, Alg. 8)

    The second line goes down KL[p_θ ‖ q_φ], the inclusive divergence, which needs no entropy and leaves no mode out.
    Draws of p_θ(x) q_φ(h | x) are approximate: pairs of the generator, moved.

    Args:
        moves: moves of x from the generator's draw.
        kernel: how x moves: `langevin` and `sghmc` as in the paper, or `mala`, `hmc`, `nuts`; `auto` is Langevin.
        step: the kernel's step size; Langevin moves fly off where it is above four times the variance of p across its
            narrowest ridge, and are already biased near that.
        code_moves: Metropolis-adjusted Langevin moves of h afterwards, from the code of the batch that a row chooses
            by q(x | h); none keeps the h that x came from.
        code_step: their step size.
        penalty: α of the size of u at rows and at draws, as `Contrastive` has it (Du & Mordatch 2019): with one, what
            the field climbs is a penalised likelihood.

    Example:
        >>> from reverie.learners import InclusiveField
        >>> InclusiveField(kernel="sghmc", step=0.003).direction.moves
        ('model', 'generator')

    Reference: Song & Ou 2018, *Learning neural random fields with inclusive auxiliary generators*.
    """
    at_least_one(moves=moves)
    if code_moves < 0 or not 0.0 < code_step < float("inf"):
        raise InputError("code_moves must not be negative and code_step must be positive and finite")
    return Learner(
        reference="Song & Ou 2018",
        sampler=ChainsFromGenerator(moves, _kernel(kernel, step), code_moves, code_step),
        direction=Join((Contrastive(_penalty(penalty)), GeneratorFromRevised())),
        requires=REQUIRES,
        optimiser=PACES,
    )


@named("cooperative")
def CooperativeField(moves: int = 10, step: float = 0.02, penalty: float = 0.0) -> Learner:
    """The generator draws, the field revises by Langevin moves, and each learns from what the other did.

        x̂ = g_φ(ĥ);    x̃ = x̂ after Langevin moves of p_θ;    θ up ∇u(data) − ∇u(x̃),    φ up ∇ log q_φ(x̃ | ĥ)

    The code of a revised row is taken to be the one that it came from, and chains begin at g(ĥ) without noise.

    Args:
        moves: Langevin moves of x.
        step: their step size.
        penalty: α of the size of u, as `InclusiveField` has it.

    Example:
        >>> from reverie.learners import CooperativeField
        >>> CooperativeField().sampler.code_moves
        0

    Reference: Xie, Lu, Gao, Zhu & Wu 2018, *Cooperative training of descriptor and generator networks*.
    """
    at_least_one(moves=moves)
    return Learner(
        reference="Xie et al. 2018",
        sampler=ChainsFromGenerator(moves, _kernel("langevin", step), noiseless=True),
        direction=Join((Contrastive(_penalty(penalty)), GeneratorFromRevised())),
        requires=REQUIRES,
        optimiser=PACES,
    )


@named("exclusive")
def ExclusiveField(
    field_steps: int = 1, generator_steps: int = 1, penalty: float = 0.0, entropy: Entropy = "bound"
) -> Learner:
    """A field against a generator that climbs it while keeping its entropy up.

        θ up E_data ∇u(x) − E_{q_φ} ∇u(x),    φ up E_{q_φ} u_θ(x) + H̲[q_φ]                      (Ou 2019, Eq. 41)

    No chains: the generator's draws stand for the field's, which is biased as long as the two differ. The second line
    goes down KL[q_φ ‖ p_θ], the exclusive divergence. H̲ is a lower bound of the entropy by the codes of the batch
    (Yin & Zhou 2018), or Kim and Bengio's sum of the log spreads of all units, which bounds nothing.

    Args:
        field_steps: the field moves once in so many steps.
        generator_steps: the generator moves once in so many steps.
        penalty: α of the size of u, as `InclusiveField` has it.
        entropy: `bound`, or `normalisation` for Kim and Bengio's.

    Example:
        >>> from reverie.learners import ExclusiveField
        >>> ExclusiveField().sampler.gives
        ('noise',)

    Reference: Kim & Bengio 2016, *Deep directed generative models with energy-based probability estimation*.
    """
    at_least_one(field_steps=field_steps, generator_steps=generator_steps)
    return Learner(
        reference="Kim & Bengio 2016",
        sampler=BaseNoise("generator"),
        direction=Join((FieldAgainstGenerator(_penalty(penalty)), GeneratorUpField(entropy))),
        requires=REQUIRES,
        optimiser=PACES,
        cadence={"model": field_steps, "generator": generator_steps},
    )


def _penalty(penalty: float) -> float:
    if not 0.0 <= penalty < float("inf"):
        raise InputError(f"penalty must not be negative nor infinite, not {penalty}")
    return penalty


def _kernel(name: str, step: float) -> Kernel | None:
    return kernel_of("langevin" if name == "auto" else name, step)
