"""Divergences between distributions, as functions of their draws."""

from reverie.divergences.mmd import KERNELS, Kernel, mmd2

__all__ = ["KERNELS", "Kernel", "mmd2"]
