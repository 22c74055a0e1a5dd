"""What all approximators share: budget to ablations to spectrum to interaction values."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from shapiq import Game
from shapiq.approximator.base import Approximator

from shapiq_spex._numbers import check_integer
from shapiq_spex.ablations import RunRecord, evaluate
from shapiq_spex.regression import Ablations, MaskColumns
from shapiq_spex.regression._packed import first_occurrences
from shapiq_spex.spectrum import VALID_INDICES, FourierSpectrum, SpectrumIndex

from ._exact import complete, transform
from ._threads import single_threaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapiq import InteractionValues

    from shapiq_spex.regression import Regression

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_LOW_FAITHFULNESS = 0.5
_SHOWN_PLAYERS = 10
_SEED_BITS = 63
_SURE = 1 - 1e-12  # out-of-fold R^2 of an exact fit, which seen values cannot better
_FOLD_STREAM = 0x666F6C64  # "fold": apart from the streams of the masks
_HERE = str(Path(__file__).parent)  # warnings name the first caller from outside of it


class Design(Protocol):
    """Masks to evaluate, or that were evaluated elsewhere."""

    @property
    def masks(self) -> NDArray[np.uint8]:
        """The masks, packed eight to a byte along the players, shape ``(m, ceil(n / 8))``."""

    @property
    def blocks(self) -> IntArray:
        """Which masks are held out together, shape ``(m,)``; -1 for those that judge no fit."""

    def take(self, kept: NDArray[np.bool_]) -> Self:
        """Return the design without some of its masks, which could not be evaluated."""


class SpectralApproximator[D: Design](Approximator[Any]):  # shapiq's own list lacks Moebius
    """An approximator that finds a sparse Fourier spectrum and turns it into any index.

    A subclass says how to draw masks, of the kind ``D``, and how to fit a spectrum to the values on
    them.

    Attributes:
        spectrum: The spectrum of the last call.
        cv_faithfulness: The R^2 of its out-of-fold predictions, at no extra ablation: about what
            faithfulness on fresh uniform masks would be.
        noise_level: The share of the values' variance that is chance, where the game's masks were
            evaluated more than once: no faithfulness can be above 1 less this.
        record: What the last call took.
    """

    valid_indices: tuple[SpectrumIndex, ...] = VALID_INDICES
    """The valid indices."""

    def __init__(
        self,
        n: int,
        max_order: int,
        index: SpectrumIndex,
        *,
        top_order: bool,
        random_state: int | None,
    ) -> None:
        """Check and store what all approximators take.

        Args:
            n: The number of players.
            max_order: The order of the largest interactions wanted; 1 for SV and BV.
            index: The index, one of ``valid_indices``.
            top_order: Whether interactions of order ``max_order`` alone are wanted.
            random_state: The seed; the same seed gives the same masks and result.

        Raises:
            ValueError: If a number is out of range or the index is unknown.
            TypeError: If a number is no integer.
        """
        n = check_players(n)
        max_order = check_integer("max_order", max_order)
        if index in ("SV", "BV"):
            max_order = min(max_order, 1)
        if not 1 <= max_order <= n:
            msg = f"max_order must be between 1 and the number of players {n}, got {max_order}."
            raise ValueError(msg)
        if random_state is not None:
            random_state = check_integer("random_state", random_state, 0)
        super().__init__(
            n=n,
            max_order=max_order,
            index=index,
            top_order=top_order,
            random_state=random_state,
            initialize_dict=False,
            # shapiq's own weights serve samplers that are not used here, and warn above n = 1000
            sampling_weights=np.full(n + 1, 1 / (n + 1)),
        )
        self._entropy = _fresh_entropy()
        self._spectrum: FourierSpectrum | None = None
        self._cv_faithfulness: float | None = None
        self._noise_level: float | None = None
        self._record: RunRecord | None = None

    @property
    def spectrum(self) -> FourierSpectrum:
        """The spectrum that the last call of ``approximate`` found.

        Raises:
            AttributeError: If there was none.
        """
        if self._spectrum is None:
            msg = "There is no spectrum yet: call approximate(budget, game) first."
            raise AttributeError(msg)
        return self._spectrum

    @property
    def cv_faithfulness(self) -> float:
        """The R^2 of the spectrum's out-of-fold predictions in the last call of ``approximate``.

        Raises:
            AttributeError: If there was none.
        """
        if self._cv_faithfulness is None:
            msg = "There is no faithfulness yet: call approximate(budget, game) first."
            raise AttributeError(msg)
        return self._cv_faithfulness

    @property
    def noise_level(self) -> float | None:
        """The share of the values' variance that is chance, None where that was not measured.

        It is measured by a :class:`~shapiq_spex.StoredGame` with ``repeats`` of 2 and more. No
        explanation can have a faithfulness above 1 less this.
        """
        return self._noise_level

    @property
    def record(self) -> RunRecord:
        """What the last call took, in masks and in seconds.

        Raises:
            AttributeError: If there was none.
        """
        if self._record is None:
            msg = "There is no record yet: call approximate(budget, game) first."
            raise AttributeError(msg)
        return self._record

    @property
    @abstractmethod
    def smallest_budget(self) -> int:
        """The smallest budget that ``approximate`` accepts."""

    def set_random_state(self, random_state: int | None = None) -> None:
        """Set the seed of the following calls.

        Args:
            random_state: The seed; None for a fresh one.
        """
        super().set_random_state(
            None if random_state is None else check_integer("random_state", random_state, 0)
        )
        self._entropy = _fresh_entropy()

    def approximate(
        self,
        budget: int,
        game: Game | Callable[[np.ndarray], np.ndarray],
        **kwargs: Any,  # noqa: ANN401 part of shapiq's signature
    ) -> InteractionValues:
        """Evaluate a game on at most ``budget`` masks and explain it.

        Args:
            budget: How many distinct masks may be evaluated; ``min(budget, 2**n)`` are.
            game: A game of shapiq, or a callable from boolean masks of shape ``(m, n)`` to values
                of shape ``(m,)``.
            **kwargs: There are none; part of shapiq's signature.

        Returns:
            The interaction values; ``estimation_budget`` is the number of masks that they rest on,
            evaluated now or found in a store.

        Raises:
            ValueError: If the budget is too small, or the game has another number of players,
                returns something else than one finite value per mask, or was told to skip masks
                and left too few.
            TypeError: If the budget is no integer, the game's values are no numbers, or there is
                another argument.
        """
        if kwargs:
            msg = f"approximate takes a budget and a game, and no {', '.join(map(repr, kwargs))}."
            raise TypeError(msg)
        budget = check_integer("budget", budget)
        if budget < self.smallest_budget:
            msg = (
                f"The smallest budget for n={self.n} players is {self.smallest_budget} masks, got "
                f"{budget}."
            )
            raise ValueError(msg)
        if isinstance(game, Game) and game.n_players != self.n:
            msg = f"The approximator has n={self.n} players, but the game has {game.n_players}."
            raise ValueError(msg)
        design = self._draw(min(budget, 1 << self.n))
        found = evaluate(game, design.masks, self.n)
        kept = ~np.isnan(found.values)
        if not kept.all():
            design = design.take(kept)
            self._check_left(len(kept), design.masks)
        values = found.values[kept]
        self._noise_level = None
        if found.chance is not None:
            variance = float(values.var())
            total = max(variance, found.chance)
            self._noise_level = found.chance / total if total > 0 else 0.0
        self._record = found.record
        return self._explain(design, values)

    def _check_left(self, n_asked: int, left: NDArray[np.uint8]) -> None:
        """Refuse to explain too few masks, and warn where some have no value."""
        n_failed = n_asked - len(left)
        if len(left) < self.smallest_budget:
            msg = (
                f"There is no value for {n_failed} of {n_asked} masks, and the {len(left)} "
                f"left are fewer than the smallest budget of {self.smallest_budget}."
            )
            raise ValueError(msg)
        message = (
            f"There is no value for {n_failed} of {n_asked} masks, which failed or went "
            f"beyond a limit; the explanation rests on the other {len(left)}."
        )
        same = np.bitwise_and.reduce(left) | ~np.bitwise_or.reduce(left)
        unknown = np.flatnonzero(np.unpackbits(same, count=self.n)).tolist()
        if unknown:
            listed = ", ".join(map(str, unknown[:_SHOWN_PLAYERS]))
            more = ", ..." if len(unknown) > _SHOWN_PLAYERS else ""
            message += (
                f" In these, players [{listed}{more}] never change: nothing is known of what they "
                "do, and their effects of 0 mean nothing."
            )
        warnings.warn(message, skip_file_prefixes=(_HERE,))

    @abstractmethod
    def _draw(self, n_masks: int) -> D:
        """Draw so many distinct masks, at most ``2^n``, by the seed alone."""

    @abstractmethod
    def _regress(self, design: D, ablations: Ablations) -> Regression:
        """Fit a spectrum to some, not all, masks and the values on them.

        Args:
            design: The masks.
            ablations: The same with their values, in at least two folds.

        Returns:
            The fit of the centred values.
        """

    def _explain(self, design: D, values: FloatArray) -> InteractionValues:
        """Explain the values on masks, a mask more than once among them or not."""
        n_distinct = len(first_occurrences(design.masks, self.n)[0])
        with single_threaded():
            spectrum, faithfulness = self._find_spectrum(design, values, n_distinct)
        self._spectrum, self._cv_faithfulness = spectrum, faithfulness
        if faithfulness < _LOW_FAITHFULNESS:
            message = self._describe_low_faithfulness(n_distinct)
            warnings.warn(message, skip_file_prefixes=(_HERE,))
        result = spectrum.to_interaction_values(
            self.index,
            self.max_order,
            min_order=self.min_order,
            estimated=n_distinct < 1 << self.n,
            estimation_budget=n_distinct,
        )
        self._interaction_lookup = result.interaction_lookup
        return result

    def _find_spectrum(
        self, design: D, values: FloatArray, n_distinct: int
    ) -> tuple[FourierSpectrum, float]:
        """Find the spectrum of the values on a design's masks, and its out-of-fold R^2."""
        columns = MaskColumns(design.masks, self.n)
        if n_distinct == 1 << self.n:
            return transform(columns, values), 1.0
        rng = np.random.default_rng([_FOLD_STREAM, self._seed])
        # in units of a power of two no square is too small or too large, and no digit is lost
        unit = 2.0 ** (np.frexp(np.abs(values).max())[1] - 1)
        ablations = Ablations.prepare(columns, values / unit, design.blocks, rng)
        if not ablations.divided:
            return FourierSpectrum(self.n, [()], [unit * ablations.offset]), 0.0
        found = self._regress(design, ablations)
        coefficients = found.coefficients.copy()
        coefficients[(found.sets == self.n).all(axis=1)] += ablations.offset
        coefficients *= unit
        spectrum = FourierSpectrum(self.n, found.sets, coefficients)
        if 2 * n_distinct >= 1 << self.n and found.cv_r2 < _SURE:
            return complete(columns, values, spectrum, found.cv_r2)
        return spectrum, found.cv_r2

    def _describe_low_faithfulness(self, n_masks: int) -> str:
        return (
            f"The explanation is not faithful: out of fold, it predicts the game's values with "
            f"R^2 = {self.cv_faithfulness:.2f} from {n_masks} masks{self._describe_noise()}. Do "
            f"not rely on it; {self._advise()}."
        )

    def _describe_noise(self) -> str:
        """Say how much of the variance no explanation can predict, where that is known."""
        if not self._noise_level:
            return ""
        return (
            f", and {self._noise_level:.0%} of the variance is chance, which more repeats would "
            "lower"
        )

    def _advise(self) -> str:
        """Say what to do where an explanation is not faithful."""
        return (
            "raise the budget (masks already evaluated with the same random_state are among the "
            "new ones)"
        )

    @property
    def _seed(self) -> int:
        """The seed of the masks: the one given, else one that stays the same between calls."""
        return self._entropy if self._random_state is None else self._random_state


def check_players(n: object) -> int:
    """Return a number of players as an int."""
    return check_integer("n", n, 1)


def _fresh_entropy() -> int:
    """Draw a seed from the operating system."""
    return int(np.random.default_rng().integers(1 << _SEED_BITS))
