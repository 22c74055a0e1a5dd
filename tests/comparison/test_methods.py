"""Methods go by names, as approximators, or as functions that make them."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pytest
import shapiq

from shapiq_spex import METHODS, SPEX, ProxySPEX
from shapiq_spex.comparison import _methods
from shapiq_spex.comparison._methods import as_methods

_N = 8


def _game(masks: np.ndarray) -> np.ndarray:
    return masks[:, 0] + 2.0 * masks[:, 1] * masks[:, 2]


def _values(given: Any, seed: int = 0) -> np.ndarray:  # noqa: ANN401 any method
    (method,) = as_methods(given, _N)
    found = method.explain(_N, 100, _game, seed).explanation
    return found.coefficients if hasattr(found, "coefficients") else found.values


def test_all_names() -> None:
    """Each name in METHODS is a method of that name, and no other is."""
    assert [method.name for method in as_methods(list(METHODS), _N)] == list(METHODS)
    known = {*_methods._OURS, *_methods._LINEAR, *_methods._PEERS, *_methods._OF_ORDER}
    assert set(METHODS) == known


@pytest.mark.parametrize("name", ["nope", "ProxySPEX", "faith-shap-0", "faith-shap-", "lime-2"])
def test_unknown_names(name: str) -> None:
    """An unknown name lists those there are."""
    with pytest.raises(ValueError, match=f"no method {re.escape(repr(name))}; .*proxyspex, spex"):
        as_methods(name, _N)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("lime", ["lime"]),
        (["lime", "faith-shap-3"], ["lime", "faith-shap-3"]),
        ({"mine": "lime", "other": ProxySPEX(_N)}, ["mine", "other"]),
        (shapiq.KernelSHAP(_N), ["KernelSHAP"]),
        ([shapiq.KernelSHAP, shapiq.RegressionFSII(_N, 2)], ["KernelSHAP", "RegressionFSII"]),
    ],
)
def test_names_in_the_table(given: Any, names: list[str]) -> None:  # noqa: ANN401 any method
    """Names are their own, those of the mapping, or those of classes."""
    assert [method.name for method in as_methods(given, _N)] == names


def _make(n: int, seed: int) -> shapiq.KernelSHAP:
    return shapiq.KernelSHAP(n, random_state=seed)


@pytest.mark.parametrize(
    "given",
    [
        "kernelshap",
        shapiq.KernelSHAP,
        shapiq.KernelSHAP(_N),
        shapiq.KernelSHAP(_N, random_state=7),
        _make,
        lambda n, random_state: shapiq.KernelSHAP(n, random_state=random_state),
        partial(shapiq.KernelSHAP, pairing_trick=False),
    ],
)
def test_all_ways_take_the_seed(given: Any) -> None:  # noqa: ANN401 any method
    """However a method is given, the seed decides, and equal seeds give equal values."""
    expected = shapiq.KernelSHAP(_N, random_state=3).approximate(100, _game).values
    for _ in range(2):
        np.testing.assert_array_equal(_values(given, 3), expected)


def test_classes_with_other_arguments() -> None:
    """The seed of a class or partial is no order."""
    for given in (shapiq.RegressionFSII, partial(shapiq.RegressionFSII, max_order=2)):
        expected = shapiq.RegressionFSII(_N, max_order=2, random_state=1).approximate(100, _game)
        np.testing.assert_array_equal(_values(given, 1), expected.values)


@pytest.mark.parametrize("make", [ProxySPEX, SPEX])
def test_spectra_come_before_indices(make: type[ProxySPEX | SPEX]) -> None:
    """Of this package's approximators the whole spectrum counts, and what they claim of it."""
    (method,) = as_methods(make(_N, max_order=1, index="SV"), _N)
    found = method.explain(_N, 256, _game, 0)
    assert found.explanation[(1, 2)] == pytest.approx(0.5)
    assert found.cv_r2 is not None
    assert found.cv_r2 > 0.9


def test_the_users_approximator_is_left_alone() -> None:
    """A copy runs."""
    mine = ProxySPEX(_N, random_state=5)
    _values(mine)
    with pytest.raises(AttributeError):
        _ = mine.spectrum.n_players  # type: ignore[attr-defined]


def test_functions_that_make_something_else() -> None:
    """They are told what they should make."""
    (method,) = as_methods(lambda _n, _seed: 3, _N)
    with pytest.raises(TypeError, match="should make an approximator, got int"):
        method.explain(_N, 100, _game, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no method to compare"),
        ({}, "no method to compare"),
        (3, "got 3"),
        (["lime", "lime"], "Two methods are called 'lime'"),
        ([ProxySPEX(_N), ProxySPEX(_N)], "Two methods are called 'ProxySPEX'"),
        (ProxySPEX(5), "ProxySPEX has 5 players, but the game has 8"),
    ],
)
def test_what_is_refused(given: Any, message: str) -> None:  # noqa: ANN401 on purpose
    """Nothing, something else, equal names, and other players."""
    with pytest.raises(ValueError, match=message):
        as_methods(given, _N)
