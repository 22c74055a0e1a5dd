r"""Synergy and redundancy: what players do first, and what they do after the others of a group.

Let ``g(S)`` be the mean value with the players ``S`` of a group ``T`` present, its others absent,
and all players outside at random. A member then adds ``g({i}) - g({})`` where it comes *first* and
``g(T) - g(T \ {i})`` where it comes *last*. With ``a`` and ``b`` for the means of both over the
members,

- a group is *redundant* if its members add less after the others, ``-1/2 < b / a < 1``: two copies
  of a point have ``b = 0``, each stands in for the other;
- it is *synergistic* if they add more, ``b / a > 1`` (``a = 0`` where they do nothing but
  together), or so much the other way round that this is no standing in (``b / a <= -1/2``; -1 for
  a value that depends on the parity alone).

For a pair, ``b - a`` is its Banzhaf interaction: where members raise the value, a negative one is
redundant and a positive one synergistic; where they lower it, the other way round.

All of it is exact in the Fourier coefficients of the subsets of ``T``:
``a = -2 / |T| sum_S |S| F(S)`` and ``b = -2 / |T| sum_S |S| (-1)^(|S| - 1) F(S)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from shapiq_spex._numbers import check_integer, is_real
from shapiq_spex.evaluation._checks import check_spectrum
from shapiq_spex.spectrum._sets import resize, unique_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shapiq_spex.spectrum import FourierSpectrum, SpectrumIndex

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Kind = Literal["synergy", "redundancy"]

_FLIPPED = -0.5  # of the first effect: half way from a copy, 0, to a parity, -1
_PAIR = 2
_LARGEST_ORDER = 6  # of a group, all of whose subsets are looked up


@dataclass(frozen=True)
class Partners:
    """A group of players that interact.

    Attributes:
        players: Their numbers.
        value: The interaction.
        first: What a member adds on average where the others of the group are absent.
        last: What it adds where they are present.
        kind: ``"synergy"`` or ``"redundancy"``, as the module defines them.
    """

    players: tuple[int, ...]
    value: float
    first: float
    last: float
    kind: Kind


def partners(
    spectrum: FourierSpectrum,
    *,
    max_order: int = 2,
    index: SpectrumIndex = "FBII",
    kind: Kind | None = None,
    count: int | None = None,
) -> list[Partners]:
    """Return the groups that interact, the strongest first.

    Args:
        spectrum: What an approximator found, its ``spectrum``.
        max_order: The size of the largest groups, 2 to 6.
        index: The index whose values say how strong they are.
        kind: Return synergies alone, or redundancies; all by default.
        count: How many to return; all by default.

    Returns:
        The groups, by the absolute value of their interaction.

    Raises:
        ValueError: If a parameter is out of range.
        TypeError: If one that must be a number is none.

    Examples:
        >>> from shapiq_spex import FourierSpectrum, partners
        >>> either = FourierSpectrum.from_values([0.0, 1.0, 1.0, 1.0])
        >>> partners(either)
        [Partners(players=(0, 1), value=-1.0, first=1.0, last=0.0, kind='redundancy')]
    """
    check_spectrum(spectrum)
    check_integer("max_order", max_order)
    if count is not None:
        check_integer("count", count, 0)
    if not _PAIR <= max_order <= min(_LARGEST_ORDER, spectrum.n_players):
        most = min(_LARGEST_ORDER, spectrum.n_players)
        msg = f"max_order must be between 2 and {most}, got {max_order}."
        raise ValueError(msg)
    if kind not in (None, "synergy", "redundancy"):
        msg = f"kind must be 'synergy', 'redundancy' or None, got {kind!r}."
        raise ValueError(msg)
    explanation = spectrum.to_interaction_values(index, max_order, min_order=2)
    found = {
        tuple(players): float(value)
        for players, value in explanation.interactions.items()
        if len(players) > 1 and value
    }
    every: list[Partners] = []
    for size in range(_PAIR, max_order + 1):
        groups = [players for players in found if len(players) == size]
        if groups:
            first, last = effects(spectrum, np.array(groups))
            for players, a, b in zip(groups, first.tolist(), last.tolist(), strict=True):
                every.append(Partners(players, found[players], a, b, _kind(a, b)))
    wanted = (group for group in every if kind in (None, group.kind))
    ranked = sorted(wanted, key=lambda group: (-abs(group.value), group.players))
    return ranked[:count]


def near_duplicates(
    spectra: FourierSpectrum | Sequence[FourierSpectrum],
    *,
    share: float = 0.5,
    least: float = 0.1,
) -> list[tuple[int, ...]]:
    """Return groups of players who stand in for each other, as copies of a training point do.

    Two players do if, where one is present, the other adds at most ``1 - share`` of what it adds
    otherwise; a group is made of players any two of whom do. Whether they look alike is not asked:
    to a model, other points may be as good as a copy.

    Args:
        spectra: One spectrum, or those of several games over the same players, such as one for each
            test point: the effects are then weighed by their size in each.
        share: How much of a player's effect the other must take over.
        least: How strong a pair's interaction must be, in relation to the strongest of all, for
            what is weak is mostly noise.

    Returns:
        The groups, those of the strongest pairs first.

    Raises:
        ValueError: If a parameter is out of range, or the spectra are of different players.

    Examples:
        >>> from shapiq_spex import FourierSpectrum, near_duplicates
        >>> either = FourierSpectrum.from_values([0.0, 1.0, 1.0, 1.0])
        >>> near_duplicates(either)
        [(0, 1)]
    """
    several = list(spectra) if isinstance(spectra, Sequence) else [spectra]
    for each in several:
        check_spectrum(each)
    n = several[0].n_players if several else 0
    if not several or any(each.n_players != n for each in several):
        msg = "near_duplicates needs spectra of games over the same players, at least one."
        raise ValueError(msg)
    for name, number in (("share", share), ("least", least)):
        if not (is_real(number) and 0 < number <= 1):
            msg = f"{name} must be above 0 and at most 1, got {number!r}."
            raise ValueError(msg)
    sets = np.concatenate([resize(each.sets[each.orders == _PAIR], _PAIR, n) for each in several])
    pairs, _ = unique_sets(sets)
    if len(pairs) == 0:
        return []
    both = [effects(each, pairs) for each in several]
    first, last = (np.stack(part) for part in zip(*both, strict=True))
    strength = np.sqrt(((last - first) ** 2).sum(axis=0))
    squares = (first**2).sum(axis=0)
    lost = (first * (first - last)).sum(axis=0)
    redundant = (lost >= share * squares) & (lost < (1 - _FLIPPED) * squares)
    chosen = redundant & (strength >= least * strength.max())
    return _join(pairs[chosen], strength[chosen])


def effects(spectrum: FourierSpectrum, groups: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return what members of groups add first and last, on average, each of shape ``(k,)``.

    Args:
        spectrum: The spectrum.
        groups: ``k`` groups of as many players each, shape ``(k, size)``.
    """
    size = groups.shape[1]
    first, last = np.zeros(len(groups)), np.zeros(len(groups))
    for order in range(1, size + 1):
        for chosen in combinations(range(size), order):
            found = _look_up(spectrum, groups[:, chosen])
            first -= 2 * order / size * found
            last += 2 * order / size * (-1) ** order * found
    return first, last


def _look_up(spectrum: FourierSpectrum, sets: IntArray) -> FloatArray:
    """Return the coefficients of sets of one size, shape ``(k,)``, 0 for those it lacks."""
    n, size = spectrum.n_players, sets.shape[1]
    known = np.flatnonzero(spectrum.orders == size)
    joined = np.concatenate([resize(spectrum.sets[known], size, n), np.sort(sets, axis=1)])
    distinct, position = unique_sets(joined)
    coefficients = np.zeros(len(distinct))
    coefficients[position[: len(known)]] = spectrum.coefficients[known]
    found: FloatArray = coefficients[position[len(known) :]]
    return found


def _kind(first: float, last: float) -> Kind:
    """Tell redundancy from synergy."""
    along = last if first > 0 else -last
    return "redundancy" if _FLIPPED * abs(first) < along < abs(first) else "synergy"


def _join(pairs: IntArray, strength: FloatArray) -> list[tuple[int, ...]]:
    """Join pairs, the strongest first, to groups all of whose pairs are among them."""
    ranked = [tuple(pair) for pair in pairs[np.argsort(-strength, kind="stable")].tolist()]
    known = set(ranked)
    group: dict[int, tuple[int, ...]] = {}
    for left, right in ranked:
        first, second = group.get(left, (left,)), group.get(right, (right,))
        if all((min(i, j), max(i, j)) in known for i in first for j in second if i != j):
            joined = tuple(sorted({*first, *second}))
            group |= dict.fromkeys(joined, joined)
    return list(dict.fromkeys(group[left] for left, _ in ranked if left in group))
