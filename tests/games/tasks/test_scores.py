"""Tests of how answers are rated."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex.games.tasks._scores import Choosing, rate

# two masks, three examples, of which the last one has two answers
SCORES = np.log(
    [
        [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.9, 0.1, 0.0]],
        [[0.1, 0.3, 0.6], [0.1, 0.8, 0.1], [0.4, 0.6, 0.0]],
    ],
    out=np.full((2, 3, 3), -np.inf),
    where=np.array([[[1, 1, 1], [1, 1, 1], [1, 1, 0]]] * 2, dtype=bool),
)
RIGHT = np.array([0, 2, 1])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("margin", np.log([[5 / 3, 3, 1 / 9], [1 / 6, 1 / 8, 1.5]])),
        ("log_odds", np.log([[1, 1.5, 1 / 9], [1 / 9, 1 / 9, 1.5]])),
        ("log_probability", np.log([[0.5, 0.6, 0.1], [0.1, 0.1, 0.6]])),
        ("accuracy", [[1, 1, 0], [0, 0, 1]]),
    ],
)
def test_values(value: Choosing, expected: np.ndarray) -> None:
    """Every value is what its name says, and answers that are not there count nowhere."""
    assert rate(SCORES, RIGHT, value) == pytest.approx(np.array(expected), abs=1e-12)


def test_logits_need_no_norm() -> None:
    """Logits give the same as log-probabilities."""
    shifted = SCORES + np.array([3.0, -2.0, 7.0])[:, None]
    for value in ("margin", "log_odds", "log_probability", "accuracy"):
        assert rate(shifted, RIGHT, value) == pytest.approx(rate(SCORES, RIGHT, value), abs=1e-12)


def test_a_tie_is_not_right() -> None:
    """A model that finds two answers as likely has not told the right one."""
    assert rate(np.zeros((1, 1, 2)), np.array([0]), "accuracy").tolist() == [[0.0]]
