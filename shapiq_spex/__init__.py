"""Find which parts of a model act together, with few model calls: SPEX and ProxySPEX for shapiq.

Importing this package makes ``approximator="spex"`` and ``"proxyspex"`` in shapiq's explainers mean
:class:`shapiq_spex.SPEX` and :class:`shapiq_spex.ProxySPEX`. :func:`shapiq_spex.unregister` takes
that back.

Examples:
    A decision over 20 parts: part 3 counts alone, parts 0 and 1 only together.

    >>> import numpy as np
    >>> import shapiq
    >>> import shapiq_spex
    >>> def decision(masks):
    ...     return 2.0 * masks[:, 3] + 5.0 * (masks[:, 0] & masks[:, 1])
    >>> explainer = shapiq.Explainer(
    ...     decision,
    ...     n_players=20,
    ...     index="FBII",
    ...     max_order=2,
    ...     approximator="spex",
    ...     random_state=0,
    ... )
    >>> explanation = explainer.explain(budget=600)
    >>> round(float(explanation[(0, 1)]), 2), round(float(explanation[(3,)]), 2)
    (5.0, 2.0)

"""

from __future__ import annotations

from importlib import metadata

from shapiq_spex.ablations import AblationError, AblationStore, RunRecord, StoredGame, StoreError
from shapiq_spex.approximators import SPEX, ProxySPEX
from shapiq_spex.comparison import METHODS, Comparison, compare
from shapiq_spex.evaluation import (
    EnergyShares,
    Faithfulness,
    Partners,
    Subset,
    best_subset,
    energy_shares,
    faithfulness,
    interaction_matrix,
    near_duplicates,
    partners,
)
from shapiq_spex.registration import register, unregister
from shapiq_spex.spectrum import FourierSpectrum

__all__ = [
    "METHODS",
    "SPEX",
    "AblationError",
    "AblationStore",
    "Comparison",
    "EnergyShares",
    "Faithfulness",
    "FourierSpectrum",
    "Partners",
    "ProxySPEX",
    "RunRecord",
    "StoreError",
    "StoredGame",
    "Subset",
    "__version__",
    "best_subset",
    "compare",
    "energy_shares",
    "faithfulness",
    "interaction_matrix",
    "near_duplicates",
    "partners",
    "register",
    "unregister",
]

try:
    __version__ = metadata.version("shapiq-spex")
except metadata.PackageNotFoundError:  # pragma: no cover - a source tree that is not installed
    __version__ = "0+unknown"

register()
