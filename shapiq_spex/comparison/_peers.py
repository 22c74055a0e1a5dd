"""shapiq's own approximators, as they are shipped, with clear errors where they cannot work."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from math import comb
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import shapiq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from shapiq import InteractionValues

    Game = Callable[[NDArray[np.bool_]], NDArray[np.float64]]

_MAX_ORDER = 5  # of proxies: deeper trees are not in their grids
_PAIRS = 2
_COPIES = 3  # of its matrix that a regression holds
_FLOAT = 8  # bytes


def count_interactions(n: int, order: int) -> int:
    """Count the interactions of up to ``order`` of ``n`` players, the empty one included."""
    return sum(comb(n, size) for size in range(min(order, n) + 1))


def faith_shap(n: int, budget: int, game: Game, seed: int, order: int | None) -> InteractionValues:
    """Run RegressionFSII, for pairs where there are as many masks, unless told otherwise."""
    approximator = shapiq.RegressionFSII(n, max_order=_order(n, budget, order), random_state=seed)
    return approximator.approximate(budget, game)


def faith_banzhaf(
    n: int, budget: int, game: Game, seed: int, order: int | None
) -> InteractionValues:
    """Run RegressionFBII, for pairs where there are as many masks, unless told otherwise."""
    approximator = shapiq.RegressionFBII(n, max_order=_order(n, budget, order), random_state=seed)
    return approximator.approximate(budget, game)


def kernelshap(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run KernelSHAP."""
    return shapiq.KernelSHAP(n, random_state=seed).approximate(budget, game)


def kernelshap_iq(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run KernelSHAP-IQ for pairs."""
    _check_regression(n, budget, _PAIRS)
    approximator = shapiq.KernelSHAPIQ(n, max_order=_PAIRS, index="k-SII", random_state=seed)
    return approximator.approximate(budget, game)


def permutation(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run permutation sampling of Shapley values."""
    return shapiq.PermutationSamplingSV(n, random_state=seed).approximate(budget, game)


def permutation_sii(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run permutation sampling of pairs."""
    check_memory(count_interactions(n, _PAIRS) * _FLOAT * _COPIES)
    approximator = shapiq.PermutationSamplingSII(
        n, max_order=_PAIRS, index="k-SII", random_state=seed
    )
    return approximator.approximate(budget, game)


def shapley_taylor(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run permutation sampling of the Shapley-Taylor index for pairs."""
    check_memory(count_interactions(n, _PAIRS) * _FLOAT * _COPIES)
    approximator = shapiq.PermutationSamplingSTII(n, max_order=_PAIRS, random_state=seed)
    return approximator.approximate(budget, game)


def svarm_iq(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run SVARM-IQ for pairs."""
    # means and counts of strata: each interaction, each part of it present, each size
    check_memory(2 * count_interactions(n, _PAIRS) * (1 << _PAIRS) * (n + 1) * _FLOAT)
    approximator = shapiq.SVARMIQ(n, max_order=_PAIRS, index="k-SII", random_state=seed)
    return approximator.approximate(budget, game)


def proxyshap(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run ProxySHAP, on its XGBoost."""
    _need("xgboost", "ProxySHAP as shipped needs xgboost: pip install xgboost")
    order = min(_MAX_ORDER, n)
    approximator = shapiq.ProxySHAP(n, max_order=order, index="FBII", random_state=seed)
    return approximator.approximate(budget, game)


def shapiq_proxyspex(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run ProxySPEX as shapiq ships it."""
    order = min(_MAX_ORDER, n)
    approximator = shapiq.ProxySPEX(n=n, max_order=order, index="FBII", random_state=seed)
    with _silent_lightgbm():
        return approximator.approximate(budget, game)


def shapiq_spex(n: int, budget: int, game: Game, seed: int) -> InteractionValues:
    """Run SPEX as shapiq ships it; it draws from numpy's global state, which is seeded for it."""
    _need("sparse_transform", "shapiq's SPEX needs an extra: pip install 'shapiq[sparse]'")
    order = min(_MAX_ORDER, n)
    with _global_seed(seed):
        approximator = shapiq.SPEX(n=n, max_order=order, index="FBII", random_state=seed)
        return approximator.approximate(budget, game)


def _need(module: str, message: str) -> None:
    """Refuse to go on without an optional package.

    Raises:
        ImportError: If it is not there.
    """
    if importlib.util.find_spec(module) is None:
        raise ImportError(message)


def _order(n: int, budget: int, order: int | None) -> int:
    """Return the order of a regression; pairs where these are determined, unless it is given."""
    if order is None:
        return _PAIRS if n >= _PAIRS and count_interactions(n, _PAIRS) <= budget else 1
    _check_regression(n, budget, order)
    return order


def _check_regression(n: int, budget: int, order: int) -> None:
    """Refuse a regression that is not determined, or whose matrix does not fit into memory."""
    if order > n:
        msg = f"There are no interactions of order {order} of {n} players."
        raise ValueError(msg)
    columns = count_interactions(n, order)
    masks = min(budget, 1 << n)
    if columns > masks:
        msg = f"Order {order} has {columns:,} interactions, more than the {masks:,} masks."
        raise ValueError(msg)
    check_memory(columns * masks * _FLOAT * _COPIES)


def check_memory(needed: float) -> None:
    """Refuse what does not fit into three quarters of this machine's memory.

    Raises:
        MemoryError: If it does not.
    """
    there = 0.75 * _memory()
    if needed > there:
        gib = 1 << 30
        msg = f"It would take about {needed / gib:,.0f} GiB of memory, of {there / gib:,.0f}."
        raise MemoryError(msg)


def _memory() -> float:
    """Return this machine's memory in bytes, infinite where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not on every system
        return float("inf")


class _Silence:
    """A logger that drops everything."""

    def info(self, message: str) -> None:
        """Drop a message."""

    def warning(self, message: str) -> None:
        """Drop a warning."""


@contextlib.contextmanager
def _silent_lightgbm() -> Iterator[None]:
    """Drop LightGBM's messages, of which shapiq's ProxySPEX makes tens of thousands."""
    basic: Any = lightgbm.basic
    logger, info, warning = basic._LOGGER, basic._INFO_METHOD_NAME, basic._WARNING_METHOD_NAME  # noqa: SLF001 it has no getter
    lightgbm.register_logger(_Silence())
    try:
        yield
    finally:
        lightgbm.register_logger(logger, info, warning)


@contextlib.contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed numpy's global state, and put it back afterwards."""
    state = np.random.get_state()  # noqa: NPY002 it is what the peer draws from
    np.random.seed(seed % (1 << 32))  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
