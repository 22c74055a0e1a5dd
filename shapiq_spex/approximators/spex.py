"""SPEX: a sparse Fourier transform decoded from coded masks (Kang et al., ICML 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from shapiq_spex._numbers import check_integer
from shapiq_spex.coding import HARD, SOFT, CodedDesign, peel, smallest_budget
from shapiq_spex.regression import (
    HierarchicalSearch,
    Regression,
    fit_fixed,
    fit_support,
    regress,
    summarise,
    with_singles,
)
from shapiq_spex.spectrum._sets import resize

from ._base import SpectralApproximator, check_players

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shapiq_spex.regression import Ablations
    from shapiq_spex.spectrum import SpectrumIndex

    IntArray = NDArray[np.int64]

_MAX_ORDER = 8  # of a set that the hierarchical search considers
_MAX_ROUNDS = 20


class SPEX(SpectralApproximator[CodedDesign]):
    """SPEX (Sparse Explainer): finds interactions of any order among thousands of players.

    The masks are chosen by an error-correcting code, so that the sets of players with large Fourier
    coefficients can be decoded from the values on them (Kang et al. 2025). What was decoded is
    joined by what a greedy hierarchical search finds on the same masks, and fitted by a regression;
    a kernel ridge regression takes care of many small coefficients. Each step is kept only where it
    lowers the out-of-fold error. Every budget's masks begin the masks of a larger budget.

    Examples:
        >>> import numpy as np
        >>> from shapiq_spex import SPEX
        >>> def game(masks):
        ...     return 3.0 * masks[:, 7] - 2.0 * (masks[:, 10] & masks[:, 20] & masks[:, 30])
        >>> approximator = SPEX(n=100, max_order=3, index="FBII", random_state=0)
        >>> explanation = approximator.approximate(budget=500, game=game)
        >>> round(explanation[(10, 20, 30)], 6), round(approximator.cv_faithfulness, 6)
        (-2.0, 1.0)
    """

    def __init__(
        self,
        n: int,
        max_order: int = 2,
        index: SpectrumIndex = "k-SII",
        *,
        top_order: bool = False,
        random_state: int | None = None,
        degree_parameter: int = 5,
        decoder_type: Literal["soft", "hard"] = "soft",
        hierarchical_search: bool = True,
    ) -> None:
        """Initialize the approximator.

        Args:
            n: The number of players, at most ``2**20 - 1``.
            max_order: The order of the largest interactions wanted; 1 for SV and BV.
            index: ``"SV"``, ``"BV"``, ``"SII"``, ``"BII"``, ``"k-SII"``, ``"STII"``, ``"FSII"``,
                ``"FBII"`` or ``"Moebius"``.
            top_order: Whether interactions of order ``max_order`` alone are wanted.
            random_state: The seed; the same seed gives the same masks and result.
            degree_parameter: Sets of up to this many players are decoded (``t`` of the paper), as
                far as the budget goes. The regression may find larger ones.
            decoder_type: ``"soft"`` also decodes with the least reliable signs flipped, ``"hard"``
                does not.
            hierarchical_search: Whether sets are searched for beside the decoded ones. Without, the
                result is close to that of the paper: decoding and a (ridge) regression.

        Raises:
            ValueError: If a number is out of range, or the index or decoder is unknown.
            TypeError: If a number is no integer.
        """
        self._smallest_budget = smallest_budget(check_players(n))
        super().__init__(n, max_order, index, top_order=top_order, random_state=random_state)
        if decoder_type not in ("soft", "hard"):
            msg = f"decoder_type must be 'soft' or 'hard', got {decoder_type!r}."
            raise ValueError(msg)
        self.degree_parameter = check_integer("degree_parameter", degree_parameter, 1)
        self.decoder_type = decoder_type
        self.hierarchical_search = hierarchical_search

    @property
    def smallest_budget(self) -> int:
        """The smallest budget that ``approximate`` accepts.

        It is ``12 * (1 + 2 * m)`` with the least ``m`` for which ``2**m > n``, or ``2**n`` if that
        is less.
        """
        return self._smallest_budget

    def _draw(self, n_masks: int) -> CodedDesign:
        return CodedDesign(self.n, n_masks, min(self.degree_parameter, self.n), self._seed)

    def _regress(self, design: CodedDesign, ablations: Ablations) -> Regression:
        """Decode and search until nothing significant is left, then weigh what was found."""
        empty = np.full((1, 1), self.n, dtype=np.int64)
        decoded = peel(design.groups, ablations, empty, (HARD,))
        exact = fit_support(ablations, decoded)
        if exact is not None:
            return summarise(exact, ablations)
        efforts = (HARD, *SOFT) if self.decoder_type == "soft" else (HARD,)
        if not self.hierarchical_search:
            decoded = peel(design.groups, ablations, decoded, efforts)
            return self._regress_without_search(ablations, decoded)
        search = HierarchicalSearch(ablations, min(_MAX_ORDER, self.n))
        support = decoded
        for _ in range(_MAX_ROUNDS):
            path = search.run(support, max_terms=search.largest_size, significant=True)
            exact = fit_support(ablations, path.sets)
            if exact is not None:
                return summarise(exact, ablations)
            support = peel(design.groups, ablations, path.sets, efforts)
            if len(support) == len(path.sets):
                break
            decoded = _join(decoded, support[len(path.sets) :], self.n)
        singles = with_singles(ablations, decoded)
        exact = None if singles is None else fit_support(ablations, singles)
        if exact is not None:
            return summarise(exact, ablations)
        return regress(search, decoded)

    def _regress_without_search(self, ablations: Ablations, decoded: IntArray) -> Regression:
        """Fit what was decoded, with the single players where these help."""
        exact = fit_support(ablations, decoded)
        if exact is not None:
            return summarise(exact, ablations)
        ablations = ablations.without_outliers()
        fits = [fit_fixed(ablations, decoded)]
        singles = with_singles(ablations, decoded)
        if singles is not None:
            fits.append(fit_fixed(ablations, singles))
        return max((summarise(fit, ablations) for fit in fits), key=lambda fit: fit.cv_r2)


def _join(sets: IntArray, more: IntArray, n: int) -> IntArray:
    """Put further sets behind the ones there are."""
    width = max(sets.shape[1], more.shape[1])
    return np.concatenate([resize(sets, width, n), resize(more, width, n)])
