"""SPEX: a sparse Fourier transform decoded from coded masks (Kang et al., ICML 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from shapiq_spex.coding import HARD, SOFT, CodedDesign, peel, smallest_budget
from shapiq_spex.regression import (
    Ablations,
    HierarchicalSearch,
    MaskColumns,
    Regression,
    fit_fixed,
    fit_support,
    regress,
    summarise,
)
from shapiq_spex.spectrum import FourierSpectrum, SpectrumIndex
from shapiq_spex.spectrum._sets import resize, unique_sets

from ._base import SpectralApproximator, check_integer, check_players
from ._evaluate import evaluate
from ._threads import single_threaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapiq import Game

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_MAX_ORDER = 8  # of a set that the hierarchical search considers
_MAX_ROUNDS = 20
_LARGEST_SHARE = 0.7  # of the masks, for a regression on all single players
_MAX_JOINED = 2000  # sets of that regression, which takes the cube of their number
_SURE = 1 - 1e-12  # out-of-fold R^2 of an exact fit, which seen values cannot better
_ROUNDING = 1e-13  # of the largest coefficient, in an exact transform
_FOLD_STREAM = 0x666F6C64  # "fold": apart from the streams of the groups


class SPEX(SpectralApproximator):
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
            max_order: The order of the largest interactions wanted.
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
        degree_parameter = check_integer("degree_parameter", degree_parameter)
        if degree_parameter < 1:
            msg = f"degree_parameter must be at least 1, got {degree_parameter}."
            raise ValueError(msg)
        self.degree_parameter = degree_parameter
        self.decoder_type = decoder_type
        self.hierarchical_search = hierarchical_search

    @property
    def smallest_budget(self) -> int:
        """The smallest budget that ``approximate`` accepts: ``12 * (1 + 2 * m)``, ``2**m > n``."""
        return self._smallest_budget

    def _find_spectrum(
        self, n_masks: int, game: Game | Callable[[np.ndarray], np.ndarray]
    ) -> tuple[FourierSpectrum, float]:
        design = CodedDesign(self.n, n_masks, min(self.degree_parameter, self.n), self._seed)
        values = evaluate(game, design.masks, self.n)
        with single_threaded():
            return self._explain(design, values)

    def _explain(self, design: CodedDesign, values: FloatArray) -> tuple[FourierSpectrum, float]:
        """Find the spectrum of the values on a design's masks, and its out-of-fold R^2."""
        columns = MaskColumns(design.masks, self.n)
        if len(values) == 1 << self.n:
            table = np.empty(len(values))
            table[self._codes(columns)] = values
            return self._transform(table), 1.0
        rng = np.random.default_rng([_FOLD_STREAM, self._seed])
        # in units of a power of two no square is too small or too large, and no digit is lost
        unit = 2.0 ** (np.frexp(np.abs(values).max())[1] - 1)
        ablations = Ablations.prepare(columns, values / unit, design.blocks, rng)
        found = self._regress(design, ablations)
        coefficients = found.coefficients.copy()
        coefficients[(found.sets == self.n).all(axis=1)] += ablations.offset
        coefficients *= unit
        spectrum = FourierSpectrum(self.n, found.sets, coefficients)
        if 2 * len(values) >= 1 << self.n and found.cv_r2 < _SURE:
            return self._complete(columns, values, spectrum, found.cv_r2)
        return spectrum, found.cv_r2

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
        singles = self._with_singles(ablations, decoded)
        exact = None if singles is None else fit_support(ablations, singles)
        if exact is not None:
            return summarise(exact, ablations)
        return regress(search, decoded, singles)

    def _regress_without_search(self, ablations: Ablations, decoded: IntArray) -> Regression:
        """Fit what was decoded, with the single players where these help."""
        exact = fit_support(ablations, decoded)
        if exact is not None:
            return summarise(exact, ablations)
        fits = [fit_fixed(ablations, decoded)]
        singles = self._with_singles(ablations, decoded)
        if singles is not None:
            fits.append(fit_fixed(ablations, singles))
        return max((summarise(fit, ablations) for fit in fits), key=lambda fit: fit.cv_r2)

    def _with_singles(self, ablations: Ablations, decoded: IntArray) -> IntArray | None:
        """Join all single players to what was decoded, if the masks can bear so many sets."""
        joined, _ = unique_sets(_join(decoded, np.arange(self.n)[:, None], self.n))
        if len(joined) > min(_MAX_JOINED, _LARGEST_SHARE * len(ablations.values)):
            return None
        constant = (joined == self.n).all(axis=1)
        return np.concatenate([joined[constant], joined[~constant]])

    def _transform(self, table: FloatArray) -> FourierSpectrum:
        """Return the exact transform of a table of all values, without what is rounding."""
        spectrum = FourierSpectrum.from_values(table)
        size = np.abs(spectrum.coefficients)
        kept = size > _ROUNDING * size.max(initial=0.0)
        return FourierSpectrum(self.n, spectrum.sets[kept], spectrum.coefficients[kept])

    def _complete(
        self,
        columns: MaskColumns,
        values: FloatArray,
        spectrum: FourierSpectrum,
        cv_r2: float,
    ) -> tuple[FourierSpectrum, float]:
        """Transform the values seen and predictions for the few masks that were not.

        The error is zero on the masks seen, so it is that of the predictions times their share.
        """
        every = (np.arange(1 << self.n)[:, None] >> np.arange(self.n)) & 1 == 1
        table = spectrum.evaluate(every)
        table[self._codes(columns)] = values
        unseen = 1 - len(values) / len(table)
        return self._transform(table), 1 - unseen * (1 - cv_r2)

    def _codes(self, columns: MaskColumns) -> IntArray:
        """Return each mask's position in a table of all masks."""
        present = columns.signs(np.arange(self.n)).T < 0
        codes: IntArray = present @ (1 << np.arange(self.n, dtype=np.int64))
        return codes


def _join(sets: IntArray, more: IntArray, n: int) -> IntArray:
    """Put further sets behind the ones there are."""
    width = max(sets.shape[1], more.shape[1])
    return np.concatenate([resize(sets, width, n), resize(more, width, n)])
