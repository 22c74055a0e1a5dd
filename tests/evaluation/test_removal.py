"""The removal test takes away the players that an explanation calls decisive."""

from __future__ import annotations

import numpy as np
import pytest

from shapiq_spex import FourierSpectrum
from shapiq_spex.evaluation._removal import most_decisive, removal_change


def _with(interactions: dict[tuple[int, ...], float], n: int = 6) -> FourierSpectrum:
    """Make the spectrum of a sum of AND-interactions."""
    masks = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    return FourierSpectrum.from_values(
        sum(value * masks[:, list(players)].all(axis=1) for players, value in interactions.items())
    )


def _removed(spectrum: FourierSpectrum, count: int) -> set[int]:
    return set(np.flatnonzero(~most_decisive(spectrum, count)).tolist())


def test_the_largest_single_players_go() -> None:
    """Of players that only count alone, those that count most go."""
    assert _removed(_with({(0,): 1, (1,): 4, (2,): 2, (3,): 0.5}), 2) == {1, 2}


def test_changes_in_either_direction() -> None:
    """Where harm outweighs use, the harmful ones go: the value changes more."""
    assert _removed(_with({(0,): 1, (1,): -4, (2,): -2, (3,): 1.5}), 2) == {1, 2}


def test_one_of_a_group_is_enough() -> None:
    """Of players that count together, one has to go, and the other place goes to another group."""
    removed = _removed(_with({(0, 1): 5, (2, 3): 3, (4,): 1}), 2)
    assert len(removed & {0, 1}) == 1
    assert len(removed & {2, 3}) == 1


def test_stand_ins_go_together() -> None:
    """Of two players of whom one is enough, both have to go."""
    assert _removed(_with({(0,): 3, (1,): 3, (0, 1): -3, (2,): 1, (3,): 1}), 2) == {0, 1}


@pytest.mark.parametrize("count", [0, 6, 7])
def test_numbers_out_of_range(count: int) -> None:
    """At least one goes, and at least one stays."""
    with pytest.raises(ValueError, match="Between 1 and 5 of 6 players"):
        most_decisive(_with({(0,): 1}), count)


def test_share_of_the_value_that_goes() -> None:
    """The change is relative to the whole, whatever its sign, and undefined for nothing."""
    assert removal_change(4.0, 1.0) == 0.75
    assert removal_change(-4.0, 2.0) == 1.5
    assert np.isnan(removal_change(0.0, 1.0))
