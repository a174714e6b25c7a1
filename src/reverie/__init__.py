"""Reverie fits deep generative models."""

from reverie.version import __version__

__all__ = ["__version__"]
