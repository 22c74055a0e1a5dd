"""shapiq's own approximators run as they are shipped, and say why where they cannot."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import lightgbm
import numpy as np
import pytest
import shapiq

from shapiq_spex.comparison import _peers


def _game(masks: np.ndarray) -> np.ndarray:
    return masks[:, 0] + 2.0 * masks[:, 1] * masks[:, 2]


@pytest.mark.parametrize(
    ("run", "budget", "order"),
    [(_peers.faith_shap, 37, 2), (_peers.faith_banzhaf, 37, 2), (_peers.faith_shap, 36, 1)],
)
def test_pairs_where_there_are_as_many_masks(run: Any, budget: int, order: int) -> None:  # noqa: ANN401 any
    """Of 8 players there are 37 interactions of up to two."""
    assert run(8, budget, _game, 0, None).max_order == order


def test_orders_of_faith_shap() -> None:
    """An order that is asked for is taken, and equals shapiq's own."""
    found = _peers.faith_shap(8, 200, _game, 4, 3)
    expected = shapiq.RegressionFSII(8, max_order=3, random_state=4).approximate(200, _game)
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize(
    ("n", "budget", "order", "message"),
    [
        (8, 92, 3, "Order 3 has 93 interactions, more than the 92 masks"),
        (2, 100, 3, "no interactions of order 3 of 2 players"),
    ],
)
def test_regressions_without_a_solution(n: int, budget: int, order: int, message: str) -> None:
    """They are refused before the game is asked."""
    with pytest.raises(ValueError, match=message):
        _peers.faith_banzhaf(n, budget, _game, 0, order)


def test_memory_guard() -> None:
    """What cannot fit is refused, with both sizes; a thousand players by SVARM-IQ, for one."""
    _peers.check_memory(1e6)
    with pytest.raises(MemoryError, match=r"would take about .* GiB of memory, of"):
        _peers.check_memory(1e18)
    with pytest.raises(MemoryError):
        _peers.svarm_iq(5000, 100, _game, 0)


@pytest.mark.parametrize(
    ("run", "module", "message"),
    [
        (_peers.proxyshap, "xgboost", "pip install xgboost"),
        (_peers.shapiq_spex, "sparse_transform", r"pip install 'shapiq\[sparse\]'"),
    ],
)
def test_missing_extras(
    run: Any,  # noqa: ANN401 any
    module: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a package is not there, the error says what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=message):
        run(6, 50, _game, 0)


def test_global_seed_is_put_back() -> None:
    """Numpy's global state is the seed's within, and what it was afterwards, even after errors."""
    np.random.seed(1)  # noqa: NPY002 what is tested
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    drawn = []
    for _ in range(2):
        with contextlib.suppress(KeyError), _peers._global_seed(1 << 40):
            drawn.append(np.random.random())  # noqa: NPY002
            raise KeyError
    assert drawn[0] == drawn[1]
    np.testing.assert_array_equal(np.random.random(3), expected)  # noqa: NPY002


def test_proxyshap() -> None:
    """With xgboost it finds the pair."""
    pytest.importorskip("xgboost")
    assert _peers.proxyshap(6, 64, _game, 0)[(1, 2)] == pytest.approx(2, abs=0.2)


def test_logger_of_lightgbm_is_put_back() -> None:
    """Its messages are dropped within, and go where they went afterwards."""
    basic: Any = lightgbm.basic
    before = basic._LOGGER, basic._INFO_METHOD_NAME, basic._WARNING_METHOD_NAME
    with contextlib.suppress(KeyError), _peers._silent_lightgbm():
        assert isinstance(basic._LOGGER, _peers._Silence)
        basic._log_warning("dropped")
        basic._log_info("dropped")
        raise KeyError
    assert before == (basic._LOGGER, basic._INFO_METHOD_NAME, basic._WARNING_METHOD_NAME)
