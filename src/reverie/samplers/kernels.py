"""Kernels by name: what a learner's options may ask for."""

from typing import Literal

from reverie.errors import InputError
from reverie.samplers.hamiltonian import FrictionHamiltonian, Hamiltonian
from reverie.samplers.informed import GibbsWithGradients
from reverie.samplers.kernel import Gibbs, Kernel
from reverie.samplers.langevin import MALA, Langevin
from reverie.samplers.length_jumps import LengthJumps
from reverie.samplers.locally_balanced import LocallyBalanced
from reverie.samplers.nuts import NoUTurn

KernelName = Literal[
    "auto", "gibbs", "langevin", "mala", "hmc", "nuts", "sghmc", "gradient-flips", "balanced-flips", "length-jumps"
]
KERNELS: dict[str, type[Kernel]] = {
    "gibbs": Gibbs,
    "langevin": Langevin,
    "mala": MALA,
    "hmc": Hamiltonian,
    "nuts": NoUTurn,
    "sghmc": FrictionHamiltonian,
    "gradient-flips": GibbsWithGradients,
    "balanced-flips": LocallyBalanced,
    "length-jumps": LengthJumps,
}
STEPPING: tuple[type[Kernel], ...] = (Langevin, MALA, Hamiltonian, NoUTurn, FrictionHamiltonian)


def kernel_of(name: str, step: float | None = None) -> Kernel | None:
    """The kernel of that name; `None` for `auto`, which leaves the choice to the model.

    Args:
        name: one of `KernelName`.
        step: its step size; the kernel's own default where not given.
    """
    if step is not None and not 0.0 < step < float("inf"):
        raise InputError(f"the step of a kernel must be positive and finite, not {step}")
    if name == "auto" and step is not None:
        raise InputError("a step needs a kernel that takes one: langevin, mala, hmc, nuts or sghmc")
    if name == "auto":
        return None
    kind = KERNELS[name]
    if step is None:
        return kind()
    if kind not in STEPPING:
        raise InputError(f"the kernel {name} takes no step")
    return kind(**{"step": step})
