"""Tree ensembles as proxies of a game, whose Fourier spectrum is known exactly."""

from __future__ import annotations
