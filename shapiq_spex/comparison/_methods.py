"""The methods by name, and a user's own."""

from __future__ import annotations

import contextlib
import copy
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from shapiq_spex.ablations import has_parameter
from shapiq_spex.approximators import SPEX, ProxySPEX
from shapiq_spex.spectrum import FourierSpectrum

from . import _linear, _peers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from shapiq import InteractionValues

    Game = Callable[[NDArray[np.bool_]], NDArray[np.float64]]


@runtime_checkable
class Approximates(Protocol):
    """What explains a game within a budget, as shapiq's approximators do."""

    def approximate(self, budget: int, game: Game) -> InteractionValues:
        """Explain a game."""


class Explained(NamedTuple):
    """What a method found.

    Attributes:
        explanation: Interaction values, or a spectrum where the method has one.
        cv_r2: How faithful the method says it is, None where it says nothing.
    """

    explanation: InteractionValues | FourierSpectrum
    cv_r2: float | None = None


@dataclass(frozen=True)
class Method:
    """A way to explain a game.

    Attributes:
        name: What it is called in tables.
        explain: From the number of players, a budget, a game and a seed to what it found.
    """

    name: str
    explain: Callable[[int, int, Game, int], Explained]


def _run(approximator: Approximates, budget: int, game: Game) -> Explained:
    """Run an approximator, and take its spectrum rather than the index it was asked for."""
    explanation = approximator.approximate(budget, game)
    spectrum = getattr(approximator, "spectrum", None)
    if isinstance(spectrum, FourierSpectrum):
        return Explained(spectrum, getattr(approximator, "cv_faithfulness", None))
    return Explained(explanation)


def _ours(
    make: Callable[..., SPEX | ProxySPEX], n: int, budget: int, game: Game, seed: int
) -> Explained:
    return _run(make(n, max_order=1, index="BV", random_state=seed), budget, game)


def _plain(
    explain: Callable[..., InteractionValues | FourierSpectrum],
    n: int,
    budget: int,
    game: Game,
    seed: int,
) -> Explained:
    return Explained(explain(n, budget, game, seed))


_OURS: dict[str, Callable[..., SPEX | ProxySPEX]] = {
    "proxyspex": ProxySPEX,
    "spex": SPEX,
    "spex-decoding": partial(SPEX, hierarchical_search=False),
}
_LINEAR = {
    "lime": _linear.fit_lime,
    "lasso": _linear.fit_lasso,
    "lasso-cv": _linear.fit_lasso_cv,
    "ridge": _linear.fit_ridge,
    "banzhaf": _linear.fit_least_squares,
    "banzhaf-msr": _linear.fit_mean_differences,
}
_PEERS = {
    "kernelshap": _peers.kernelshap,
    "kernelshap-iq": _peers.kernelshap_iq,
    "permutation": _peers.permutation,
    "permutation-sii": _peers.permutation_sii,
    "svarm-iq": _peers.svarm_iq,
    "shapley-taylor": _peers.shapley_taylor,
    "proxyshap": _peers.proxyshap,
    "shapiq-spex": _peers.shapiq_spex,
    "shapiq-proxyspex": _peers.shapiq_proxyspex,
}
_IMPORTED = {"proxyshap": "xgboost"}
_OF_ORDER = {"faith-shap": _peers.faith_shap, "faith-banzhaf": _peers.faith_banzhaf}
_ORDER = re.compile(rf"({'|'.join(_OF_ORDER)})(?:-([1-9]\d*))?")

METHODS: dict[str, str] = {
    "proxyspex": "ProxySPEX of this package",
    "spex": "SPEX of this package",
    "spex-decoding": "SPEX of this package without its search: decoding and a regression",
    "kernelshap": "shapiq's KernelSHAP: Shapley values",
    "kernelshap-iq": "shapiq's KernelSHAP-IQ: k-SII of pairs",
    "permutation": "shapiq's permutation sampling: Shapley values",
    "permutation-sii": "shapiq's permutation sampling: k-SII of pairs",
    "svarm-iq": "shapiq's SVARM-IQ: k-SII of pairs",
    "shapley-taylor": "shapiq's permutation sampling: STII of pairs",
    "faith-shap": "shapiq's RegressionFSII (Faith-Shap) of pairs, of single players where pairs "
    "outnumber the masks; faith-shap-3 is of order 3",
    "faith-banzhaf": "shapiq's RegressionFBII (Faith-Banzhaf) of pairs, of single players where "
    "pairs outnumber the masks; faith-banzhaf-3 is of order 3",
    "proxyshap": "shapiq's ProxySHAP on XGBoost: FBII of order 5; needs xgboost",
    "shapiq-spex": "shapiq's own SPEX: FBII of order 5; needs shapiq[sparse]",
    "shapiq-proxyspex": "shapiq's own ProxySPEX: FBII of order 5",
    "lime": "LIME: ridge regression, weights by the distance from the full mask",
    "lasso": "LASSO with context-cite's penalty",
    "lasso-cv": "LASSO with a penalty by cross-validation",
    "ridge": "ridge regression with a penalty by leaving out one",
    "banzhaf": "Banzhaf values by least squares (Kernel Banzhaf)",
    "banzhaf-msr": "Banzhaf values by maximum sample reuse",
}
"""Names of methods, and what they are. LIME, LASSO, ridge and Banzhaf take ProxySPEX's masks."""


def as_methods(given: Any, n: int) -> list[Method]:  # noqa: ANN401 checked here
    """Return methods by their names, approximators, or functions that make one.

    Args:
        given: One, a sequence of them, or a mapping from names to them.
        n: The number of players.

    Returns:
        The methods, by different names.

    Raises:
        ValueError: If a name is unknown or comes twice, or something is no method.
    """
    if isinstance(given, Mapping):
        methods = [_as_method(each, n, str(name)) for name, each in given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        methods = [_as_method(each, n) for each in given]
    else:
        methods = [_as_method(given, n)]
    if not methods:
        msg = "There is no method to compare."
        raise ValueError(msg)
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1:
            msg = f"Two methods are called {name!r}: name them, as in {{'mine': approximator}}."
            raise ValueError(msg)
    return methods


def _as_method(given: Any, n: int, name: str | None = None) -> Method:  # noqa: ANN401 checked here
    if isinstance(given, str):
        return Method(name or given, _by_name(given))
    if isinstance(given, Approximates) and not isinstance(given, type):
        players = getattr(given, "n", n)
        if players != n:
            msg = f"{type(given).__name__} has {players} players, but the game has {n}."
            raise ValueError(msg)
        return Method(name or type(given).__name__, partial(_run_copy, given))
    if callable(given):
        called = getattr(given, "__name__", type(given).__name__)
        return Method(name or called, partial(_run_made, given))
    msg = (
        f"A method is a name, an approximator, or a function from the number of players and a seed "
        f"to one, got {given!r}."
    )
    raise ValueError(msg)


def _by_name(name: str) -> Callable[[int, int, Game, int], Explained]:
    if name in _IMPORTED:  # by now, as loading it is not what the method takes
        with contextlib.suppress(ImportError):  # it says itself what to install
            importlib.import_module(_IMPORTED[name])
    if name in _OURS:
        return partial(_ours, _OURS[name])
    if name in _LINEAR:
        return partial(_plain, partial(_linear.explain_linearly, _LINEAR[name]))
    if name in _PEERS:
        return partial(_plain, _PEERS[name])
    if found := _ORDER.fullmatch(name):
        order = None if found[2] is None else int(found[2])
        return partial(_plain, partial(_OF_ORDER[found[1]], order=order))
    msg = f"There is no method {name!r}; these there are: {', '.join(METHODS)}."
    raise ValueError(msg)


def _run_copy(
    approximator: Approximates,
    n: int,  # noqa: ARG001 the approximator's own, as was checked
    budget: int,
    game: Game,
    seed: int,
) -> Explained:
    fresh = copy.deepcopy(approximator)
    if hasattr(fresh, "set_random_state"):
        fresh.set_random_state(seed)
    return _run(fresh, budget, game)


def _run_made(
    make: Callable[..., Approximates], n: int, budget: int, game: Game, seed: int
) -> Explained:
    # classes and partials of shapiq's approximators have other arguments before the seed
    made = make(n, random_state=seed) if has_parameter(make, "random_state") else make(n, seed)
    if not isinstance(made, Approximates):
        msg = f"The function should make an approximator, got {type(made).__name__}."
        raise TypeError(msg)
    return _run(made, budget, game)
