"""A run tells what a method found and took; its failures are results, those of the game are not."""

from __future__ import annotations

import contextlib
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex import FourierSpectrum
from shapiq_spex.comparison._memory import PeakMemory
from shapiq_spex.comparison._methods import Explained, Method
from shapiq_spex.comparison._run import Run, run
from shapiq_spex.comparison._watch import GameError, SharedGame

if TYPE_CHECKING:
    from collections.abc import Callable

_FOUND = FourierSpectrum(4, [(), (0,)], [1.0, 2.0])


def _game(masks: np.ndarray) -> np.ndarray:
    return masks[:, 0] * 1.0


def _run(explain: Callable[..., Any], game: Callable[..., Any] = _game) -> Run:
    return run(Method("mine", explain), SharedGame(game, 4), 10, 0)


def test_what_a_method_found_and_asked() -> None:
    """The explanation, its own claim, and the distinct masks."""

    def explain(n: int, budget: int, game: Any, seed: int) -> Explained:  # noqa: ANN401 any game
        assert (n, budget, seed) == (4, 10, 0)
        game(np.ones((3, 4), dtype=bool))
        game(np.zeros((1, 4), dtype=bool))
        return Explained(_FOUND, 0.5)

    found = _run(explain)
    assert found.prediction is _FOUND
    assert (found.cv_r2, len(found.asked), found.error) == (0.5, 2, "")


@pytest.mark.parametrize(
    ("explained", "message"),
    [
        (Explained(None), "ValueError: An explanation is a shapiq.InteractionValues"),  # type: ignore[arg-type]
        (Explained(FourierSpectrum(5, [(0,)], [1.0])), "ValueError: The explanation has 5 players"),
        (Explained(_FOUND, "high"), "ValueError: could not convert string"),  # type: ignore[arg-type]
        (3, "TypeError: cannot unpack"),
    ],
)
def test_what_is_no_explanation(explained: Any, message: str) -> None:  # noqa: ANN401 on purpose
    """Anything else is an error of the method, and no more."""
    found = _run(lambda *_: explained)
    assert found.prediction is None
    assert found.error.startswith(message)


def test_errors_of_the_game_are_not_the_methods() -> None:
    """The game's error goes through, even where the method swallows it."""

    def fail(masks: np.ndarray) -> np.ndarray:
        raise OSError(len(masks))

    def swallow(_n: int, _budget: int, game: Any, _seed: int) -> Explained:  # noqa: ANN401 any game
        with contextlib.suppress(Exception):
            game(np.ones((1, 4), dtype=bool))
        return Explained(_FOUND)

    with pytest.raises(GameError) as caught:
        _run(swallow, fail)
    assert isinstance(caught.value.__cause__, OSError)


def test_time_without_the_game() -> None:
    """A slow game is not the method's fault, its own sleep is, and its work takes the processor."""

    def slow(masks: np.ndarray) -> np.ndarray:
        time.sleep(0.3)
        return _game(masks)

    def explain(_n: int, _budget: int, game: Any, _seed: int) -> Explained:  # noqa: ANN401 any game
        game(np.ones((1, 4), dtype=bool))
        time.sleep(0.1)
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        return Explained(_FOUND)

    found = _run(explain, slow)
    assert found.seconds >= 0.2
    assert 0.1 <= found.cpu_seconds < 0.2


@pytest.mark.skipif(np.isnan(PeakMemory().mib), reason="this system does not tell")
def test_memory_without_the_game() -> None:
    """100 MiB of the method count, 200 MiB of the game do not."""

    def large(masks: np.ndarray) -> np.ndarray:
        return _game(masks) + np.ones(200 << 17)[0] - 1

    def explain(_n: int, _budget: int, game: Any, _seed: int) -> Explained:  # noqa: ANN401 any game
        game(np.ones((1, 4), dtype=bool))
        np.ones(100 << 17)
        return Explained(_FOUND)

    assert _run(explain, large).peak_mib == pytest.approx(100, abs=8)


def test_warnings_are_silent_and_filters_stay() -> None:
    """A method's warnings, errors in these tests, do not stop it, and the filters are put back."""
    before = list(warnings.filters)

    def explain(*_: object) -> Explained:
        warnings.warn("beware", stacklevel=1)
        return Explained(_FOUND)

    assert _run(explain).error == ""
    assert warnings.filters == before


def test_interrupts_go_through() -> None:
    """Who stops the program stops it."""

    def explain(*_: object) -> Explained:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(explain)
