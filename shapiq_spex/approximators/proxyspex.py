"""ProxySPEX: gradient-boosted trees as a stand-in for the game (Butler et al., NeurIPS 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shapiq_spex.ablations import RunRecord, check_masks, check_values
from shapiq_spex.proxy import BoosterFit, fit_booster, fit_candidates, read_parameters
from shapiq_spex.regression import (
    SUFFICIENT,
    Ablations,
    Companion,
    HierarchicalSearch,
    Regression,
    blend,
    fit_best_sparse,
    fit_fixed,
    fit_support,
    keep_terms,
    kernel_companion,
    kernel_rows,
    summarise,
)
from shapiq_spex.regression._packed import first_occurrences

from ._base import SpectralApproximator, check_integer
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
            max_order: The order of the largest interactions wanted.
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
        if max_terms is not None:
            max_terms = check_integer("max_terms", max_terms)
            if max_terms < 1:
                msg = f"max_terms must be None or at least 1, got {max_terms}."
                raise ValueError(msg)
        self.max_terms = max_terms
        self.proxy_model = proxy_model
        self._parameters = read_parameters(proxy_model)
        self._recorded = False

    @property
    def smallest_budget(self) -> int:
        """The smallest budget that ``approximate`` accepts: 20 masks, or ``2^n`` if less."""
        return min(_SMALLEST_BUDGET, 1 << self.n)

    def from_ablations(self, masks: npt.ArrayLike, values: npt.ArrayLike) -> InteractionValues:
        """Explain ablations that were recorded before, with no game at all.

        The masks should be about uniform; ``cv_faithfulness`` tells of masks like these. A mask may
        occur more than once, with values that differ.

        Args:
            masks: Boolean or 0 and 1, shape ``(m, n)``, in any order.
            values: The values on them, shape ``(m,)``.

        Returns:
            The interaction values; ``estimation_budget`` is the number of distinct masks.

        Raises:
            ValueError: If shapes do not fit, an entry of a mask is neither 0 nor 1, a value is not
                finite, or there are fewer distinct masks than the smallest budget.
            TypeError: If the values are no numbers.
        """
        checked = check_masks(masks, self.n)
        design = UniformDesign.record(checked)
        n_distinct = len(first_occurrences(design.masks, self.n)[0])
        if n_distinct < self.smallest_budget:
            msg = (
                f"At least {self.smallest_budget} distinct masks are needed for n={self.n} "
                f"players, got {n_distinct}."
            )
            raise ValueError(msg)
        given = check_values(values, checked)
        self._recorded, self._noise_level = True, None
        self._record = RunRecord(asked=n_distinct, from_store=n_distinct)
        try:
            return self._explain(design, given)
        finally:
            self._recorded = False

    def _draw(self, n_masks: int) -> UniformDesign:
        return UniformDesign.draw(self.n, n_masks, self._seed)

    def _regress(self, design: UniformDesign, ablations: Ablations) -> Regression:  # noqa: ARG002
        empty = np.full((1, 1), self.n, dtype=np.int64)
        if not ablations.varied:
            return summarise(fit_fixed(ablations, empty), ablations)
        found = self._search(HierarchicalSearch(ablations, min(_MAX_ORDER, self.n)), empty)
        return found if self.max_terms is None else keep_terms(found, ablations, self.max_terms)

    def _search(self, search: HierarchicalSearch, empty: IntArray) -> Regression:
        """Search alone where that explains everything, else with the trees and the kernel."""
        ablations = search.ablations
        path = search.run(empty, max_terms=search.largest_size, significant=True)
        exact = fit_support(ablations, path.sets)
        if exact is not None:
            return summarise(exact, ablations)
        found = self._fit(search, empty)
        usual = ablations.without_outliers()
        if len(usual.values) == len(ablations.values):
            return found
        other = self._fit(HierarchicalSearch(usual, search.max_order), empty)
        return max(found, other, key=lambda each: each.cv_r2)

    def _fit(self, search: HierarchicalSearch, empty: IntArray) -> Regression:
        """Fit what is not explained exactly."""
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
