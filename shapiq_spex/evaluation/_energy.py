r"""Where the energy of a spectrum lies: in single players, inside groups, or across them.

The *energy* of a set of players ``T`` is the square ``F(T)^2`` of its Fourier coefficient: the
variance of the game that it explains, over masks at random. The constant has none.

The article of ProxySPEX (Butler et al., NeurIPS 2025, appendix C.2) tells so how attention heads
act together, the layers being the groups: linear, within and across layers are 80, 8 and 12 percent
in early layers, 67, 23 and 10 in middle ones and 51, 39 and 10 in late ones.

Examples:
    >>> from shapiq_spex import FourierSpectrum, energy_shares, interaction_matrix
    >>> spectrum = FourierSpectrum(4, [(0,), (0, 1), (1, 2)], [3.0, 2.0, 1.0])
    >>> layers = [0, 0, 1, 1]
    >>> shares = energy_shares(spectrum, layers)
    >>> round(shares.linear, 2), round(shares.within, 2), round(shares.across, 2)
    (0.64, 0.29, 0.07)
    >>> interaction_matrix(spectrum, layers)[1].tolist()
    [[4.0, 1.0], [1.0, 0.0]]

"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import binom

from shapiq_spex._numbers import refuse_masked
from shapiq_spex.evaluation._checks import check_spectrum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from shapiq_spex.spectrum import FourierSpectrum

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_OUTSIDE = -1  # the group of the padding
_PAIR = 2


@dataclass(frozen=True)
class EnergyShares:
    """How the energy of a spectrum is shared out.

    The shares sum to 1; where there is no energy, they are ``nan``.

    Attributes:
        linear: The share of single players.
        within: The share of sets of two or more players, all of one group.
        across: The share of sets whose players are of several groups.
        energy: The energy that is shared out.
    """

    linear: float
    within: float
    across: float
    energy: float


def energy_shares(
    spectrum: FourierSpectrum, groups: ArrayLike, *, among: ArrayLike | None = None
) -> EnergyShares:
    """Return the shares of single players, of sets inside a group, and of sets across groups.

    Args:
        spectrum: What an approximator found, its ``spectrum``.
        groups: The group of each player, shape ``(n,)``: for heads, their layers.
        among: Groups. Only the sets that lie in them with all of their players then count, and the
            shares are of the energy of those. All groups by default.

    Returns:
        The shares, and the energy that they are of.

    Raises:
        ValueError: If there is not one group for each player, or no player is of a group of
            ``among``.
    """
    check_spectrum(spectrum)
    labels, group = _as_groups(groups, spectrum.n_players)
    rows = spectrum.orders > 0
    sets, sizes = spectrum.sets[rows], spectrum.orders[rows]
    energy = spectrum.coefficients[rows] ** 2
    of_players = np.append(group, _OUTSIDE)[sets]  # shape (k, width), as the sets
    padding = of_players == _OUTSIDE
    if among is not None:
        # the padding is no player outside
        wanted = np.append(np.isin(group, _find(labels, among)), True)
        energy = np.where(wanted[sets].all(axis=1), energy, 0.0)
    alike = (padding | (of_players == of_players[:, :1])).all(axis=1)
    part = np.where(sizes == 1, 0, np.where(alike, 1, 2))
    parts = np.bincount(part, weights=energy, minlength=3)
    whole = float(parts.sum())
    linear, within, across = (parts / whole if whole else np.full(3, np.nan)).tolist()
    return EnergyShares(linear, within, across, whole)


def interaction_matrix(
    spectrum: FourierSpectrum, groups: ArrayLike
) -> tuple[NDArray[Any], FloatArray]:
    """Return the energy of the interactions between any two groups, and inside each.

    The energy of a set of two or more players is divided evenly among its pairs of players, and
    counts for the groups of each pair: on the diagonal where both are of one group. Each cell so
    holds the energy of two groups, the same above the diagonal as below; the diagonal and what is
    below it sum to the energy of all interactions.

    Args:
        spectrum: What an approximator found, its ``spectrum``.
        groups: The group of each player, shape ``(n,)``: for heads, their layers.

    Returns:
        The distinct groups in increasing order, shape ``(g,)``, and the matrix, shape ``(g, g)``.

    Raises:
        ValueError: If there is not one group for each player.
    """
    check_spectrum(spectrum)
    n = spectrum.n_players
    labels, group = _as_groups(groups, n)
    rows = spectrum.orders >= _PAIR
    sets = spectrum.sets[rows]
    energy = spectrum.coefficients[rows] ** 2 / binom(spectrum.orders[rows], 2)
    matrix = np.zeros((len(labels), len(labels)))
    for first, second in combinations(range(sets.shape[1]), 2):
        has = sets[:, second] < n  # the padding comes last: then the first is a player, too
        pair = np.sort(group[sets[has][:, [first, second]]], axis=1)
        np.add.at(matrix, (pair[:, 1], pair[:, 0]), energy[has])
    return labels, matrix + np.tril(matrix, -1).T


def _as_groups(groups: ArrayLike, n_players: int) -> tuple[NDArray[Any], IntArray]:
    """Return the distinct groups, and for each player the place of its group among them."""
    refuse_masked("groups", groups)
    array = np.asarray(groups)
    if array.shape != (n_players,):
        msg = f"Need {n_players} groups, one for each player. Got an array of shape {array.shape}."
        raise ValueError(msg)
    labels, group = np.unique(array, return_inverse=True)
    return labels, group.astype(np.int64)


def _find(labels: NDArray[Any], among: ArrayLike) -> IntArray:
    """Return the places of groups among all."""
    wanted = np.atleast_1d(among)
    unknown = ~np.isin(wanted, labels)
    if unknown.any():
        msg = f"No player is of the group {wanted[unknown][0].item()!r}."
        raise ValueError(msg)
    return np.flatnonzero(np.isin(labels, wanted))
