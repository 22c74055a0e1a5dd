"""ProxySPEX: gradient-boosted trees as a stand-in for the game (Butler et al., NeurIPS 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex._numbers import check_integer, refuse_masked
from shapiq_spex.ablations import RunRecord, check_values, pack_masks
from shapiq_spex.proxy import BoosterFit, fit_booster, fit_candidates, read_parameters
from shapiq_spex.regression import (
    JUDGING_FOLDS,
    SUFFICIENT,
    Ablations,
    Companion,
    HierarchicalSearch,
    Regression,
    blend,
    find_influential,
    fit_best_sparse,
    fit_fixed,
    fit_pairs,
    fit_support,
    has_too_many_players,
    keep_influential,
    keep_terms,
    kernel_companion,
    kernel_rows,
    summarise,
)
from shapiq_spex.regression._packed import first_occurrences

from ._base import SpectralApproximator
from ._uniform import UniformDesign

if TYPE_CHECKING:
    from collections.abc import Mapping

    import lightgbm
    import numpy.typing as npt
    from shapiq import InteractionValues

    from shapiq_spex.spectrum import SpectrumIndex

    IntArray = npt.NDArray[np.int64]

_SMALLEST_BUDGET = 20  # below, folds hold out three masks or fewer
_MAX_ORDER = 8  # of a set that the hierarchical search considers


class ProxySPEX(SpectralApproximator[UniformDesign]):
    """ProxySPEX: finds interactions from few ablations, where large ones come with their parts.

    Masks are drawn uniformly. Gradient-boosted trees learn the game, and their exact Fourier
    spectrum says which players and sets matter (Butler et al. 2025). Its largest terms, closed
    downwards and extended greedily, are fitted again by ridge regression; a kernel ridge regression
    whose scales come from the trees takes care of many small terms. The three are averaged with
    weights from their out-of-fold errors; a sparse fit that predicts as well alone stays alone.

    The smallest terms are dropped as long as that adds no more than 0.2% to the out-of-fold error.
    Every budget's masks begin the masks of a larger budget.

    Where interactions come without their parts, as in parities, trees learn nothing and
    ``cv_faithfulness`` says so; there :class:`~shapiq_spex.SPEX` is the better choice.

    Examples:
        >>> import numpy as np
        >>> from shapiq_spex import ProxySPEX
        >>> def game(masks):
        ...     return 3.0 * masks[:, 7] - 2.0 * (masks[:, 10] & masks[:, 20] & masks[:, 30])
        >>> approximator = ProxySPEX(n=100, max_order=3, index="FBII", random_state=0)
        >>> explanation = approximator.approximate(budget=200, game=game)
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
        proxy_model: Mapping[str, Any] | lightgbm.LGBMRegressor | None = None,
        max_terms: int | None = None,
    ) -> None:
        """Initialize the approximator.

        Args:
            n: The number of players.
            max_order: The order of the largest interactions wanted; 1 for SV and BV.
            index: ``"SV"``, ``"BV"``, ``"SII"``, ``"BII"``, ``"k-SII"``, ``"STII"``, ``"FSII"``,
                ``"FBII"`` or ``"Moebius"``.
            top_order: Whether interactions of order ``max_order`` alone are wanted.
            random_state: The seed; the same seed gives the same masks and result.
            proxy_model: LightGBM parameters that replace some of the defaults, or a
                ``lightgbm.LGBMRegressor``, which is not fitted itself and whose parameters replace
                all of them. The number of its trees is the most that cross-validation may choose.
            max_terms: How many Fourier terms besides the constant to keep, the largest ones. By
                default as many as it takes to add no more than 0.2% to the out-of-fold error.

        Raises:
            ValueError: If a number is out of range, the index is unknown, or a LightGBM parameter
                comes twice.
            TypeError: If a number is no integer, or ``proxy_model`` is something else.
        """
        super().__init__(n, max_order, index, top_order=top_order, random_state=random_state)
        self.max_terms = None if max_terms is None else check_integer("max_terms", max_terms, 1)
        self.proxy_model = proxy_model
        self._parameters = read_parameters(proxy_model)
        self._recorded = False

    @property
    def smallest_budget(self) -> int:
        """The least budget that ``approximate`` accepts, 20 masks, or ``2**n`` if that is less."""
        return min(_SMALLEST_BUDGET, 1 << self.n)

    def from_ablations(self, masks: npt.ArrayLike, values: npt.ArrayLike) -> InteractionValues:
        """Explain ablations that were recorded before, with no game at all.

        The masks should be about uniform; ``cv_faithfulness`` tells of masks like these. A mask may
        occur more than once, with values that differ.

        Beyond 16,384 players, or 2^25 entries of the masks of over 2,000, only the thousand players
        that stand out are explained, on their own or in a pair with one of those; players that act
        only in pairs or larger groups, with no effect of their own, are lost. Three fifths of the
        masks choose them, and the others alone give ``cv_faithfulness``.

        Args:
            masks: Boolean or 0 and 1, shape ``(m, n)``, in any order; also a memory-mapped file, as
                from ``numpy.load(..., mmap_mode="r")``, which is read in parts.
            values: The values on them, shape ``(m,)``.

        Returns:
            The interaction values; ``estimation_budget`` is the number of distinct masks.

        Raises:
            ValueError: If shapes do not fit, an entry of a mask is neither 0 nor 1, a value is not
                finite, or there are fewer distinct masks than the smallest budget.
            TypeError: If the values are no numbers.
        """
        refuse_masked("masks", masks)
        given = np.asarray(masks)  # leaves a memory map where it is
        design = UniformDesign.record(pack_masks(given, self.n), self.n)
        n_distinct = len(first_occurrences(design.masks, self.n)[0])
        if n_distinct < self.smallest_budget:
            msg = (
                f"At least {self.smallest_budget} distinct masks are needed for n={self.n} "
                f"players, got {n_distinct}."
            )
            raise ValueError(msg)
        checked = check_values(values, given)
        self._recorded, self._noise_level = True, None
        self._record = RunRecord(asked=n_distinct, from_store=n_distinct)
        try:
            return self._explain(design, checked)
        finally:
            self._recorded = False

    def _draw(self, n_masks: int) -> UniformDesign:
        return UniformDesign.draw(self.n, n_masks, self._seed)

    def _regress(self, design: UniformDesign, ablations: Ablations) -> Regression:  # noqa: ARG002
        empty = np.full((1, 1), self.n, dtype=np.int64)
        if not ablations.varied:
            return summarise(fit_fixed(ablations.without_outliers(), empty), ablations)
        if has_too_many_players(ablations.columns):
            found = self._search_influential(ablations)
        else:
            found = self._search(HierarchicalSearch(ablations, min(_MAX_ORDER, self.n)), empty)
        return found if self.max_terms is None else keep_terms(found, ablations, self.max_terms)

    def _search_influential(self, ablations: Ablations) -> Regression:
        """Search among the players that stand out, unless what singles them out is everything."""
        _, sets = find_influential(ablations)
        exact = fit_support(ablations, sets)
        if exact is not None:
            return summarise(exact, ablations)
        players, part = keep_influential(ablations)
        empty = np.full((1, 1), len(players), dtype=np.int64)
        if part.varied:
            found = self._search(HierarchicalSearch(part, _MAX_ORDER), empty)
        else:
            found = summarise(fit_fixed(part, empty), part)
        sets = np.append(players, self.n)[found.sets]
        found = Regression(sets, found.coefficients, found.cv_r2)
        judged = ablations.judged_by(JUDGING_FOLDS).without_outliers()
        dense = fit_pairs(judged)  # for the case that all players matter a little
        if dense is None or judged.r_squared(dense.out_of_fold) <= found.cv_r2:
            return found
        return summarise(dense, judged)

    def _search(self, search: HierarchicalSearch, empty: IntArray) -> Regression:
        """Search alone where that explains everything, else with the trees and the kernel."""
        ablations = search.ablations
        path = search.run(empty, max_terms=search.largest_size, significant=True)
        exact = fit_support(ablations, path.sets)
        if exact is not None:
            return summarise(exact, ablations)
        search = search.without_outliers()
        ablations = search.ablations
        sparse = fit_best_sparse(search, empty)
        if ablations.r_squared(sparse.out_of_fold) >= SUFFICIENT:
            return summarise(sparse, ablations)
        booster = fit_booster(ablations, self._parameters, self._seed)
        sparse = fit_candidates(search, booster, sparse)
        rows = kernel_rows(ablations)
        kernel = kernel_companion(ablations, rows, booster.influences)
        return blend(ablations, sparse, rows, [_companion(booster, rows), kernel])

    def _advise(self) -> str:
        hint = "try SPEX where large groups may act without any of their parts (as parities do)"
        advice = "record more ablations" if self._recorded else super()._advise()
        return f"{advice}, or {hint}"


def _companion(booster: BoosterFit, rows: IntArray) -> Companion:
    """Let an ensemble take part in a blend."""
    sets, coefficients = booster.terms
    inner = (sets < booster.n_players).any(axis=1)
    energy = float((coefficients[inner] ** 2).sum())
    return Companion(booster.out_of_fold[rows], lambda: booster.terms, energy)
