"""Tests of targets."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex.games import Continuation, Labels

LOGS = np.log(np.array([[0.5, 0.25, 0.1], [0.1, 0.1, 0.8]]))


def test_two_labels() -> None:
    """The log-odds of two labels are the difference of their log-probabilities."""
    target = Labels("no", "yes")
    assert target.continuations == (" no", " yes")
    assert target.values(LOGS[:, :2]) == pytest.approx(LOGS[:, 0] - LOGS[:, 1], rel=1e-12)
    flipped = Labels("yes", "no")
    assert flipped.continuations == target.continuations
    assert flipped.values(LOGS[:, :2]) == pytest.approx(-target.values(LOGS[:, :2]), rel=1e-12)


def test_more_labels() -> None:
    """One label stands against all others together."""
    target = Labels("a", "b", "c", positive="b", prefix="")
    expected = np.log([0.25 / 0.6, 0.1 / 0.9])
    assert target.values(LOGS) == pytest.approx(expected, rel=1e-12)


def test_continuation() -> None:
    """The value of an answer is its log-probability."""
    assert Continuation(" Paris").values(LOGS[:, :1]).tolist() == LOGS[:, 0].tolist()


@pytest.mark.parametrize(
    ("labels", "options", "reason"),
    [
        (["a"], {}, "at least two"),
        (["a", "a"], {}, "at least two"),
        (["a", ""], {}, "not empty"),
        (["a", "b"], {"positive": "c"}, "one of the labels"),
    ],
)
def test_bad_labels(labels: list[str], options: dict[str, str], reason: str) -> None:
    """Mistakes are named."""
    with pytest.raises(ValueError, match=reason):
        Labels(*labels, **options)
    with pytest.raises(ValueError, match="not empty"):
        Continuation("")
