"""The sparse Fourier (Walsh) representation of a game.

Every game ``f`` over ``n`` players is a sum over sets of players ``T``::

    f(S) = sum_T F(T) (-1)^|S n T|,    F(T) = 2^-n sum_S (-1)^|S n T| f(S)

with ``S`` the present players. The characters ``(-1)^|S n T|`` are orthonormal under uniform masks,
so the squares of the coefficients are the variance each set explains. Where a game is governed by
few interactions, few coefficients are all of it: that is what a :class:`FourierSpectrum` keeps.

Examples:
    >>> import numpy as np
    >>> from shapiq_spex import FourierSpectrum
    >>> both = FourierSpectrum.from_values(np.array([0.0, 0.0, 0.0, 4.0]))
    >>> both
    FourierSpectrum(n_players=2, terms=4, max_degree=2)
    >>> both.evaluate(np.array([[1, 0], [1, 1]])).tolist()
    [0.0, 4.0]
    >>> both.to_interaction_values("k-SII", max_order=2)[(0, 1)]
    4.0

"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never, Self

import numpy as np

from shapiq_spex._numbers import as_real, check_integer, refuse_masked
from shapiq_spex.spectrum import _file
from shapiq_spex.spectrum._reading import read
from shapiq_spex.spectrum._sets import (
    characters,
    check_padded,
    orders,
    pad_sets,
    resize,
    to_tuples,
    unique_sets,
)
from shapiq_spex.spectrum._walsh import walsh_hadamard
from shapiq_spex.spectrum.conversion import SpectrumIndex, to_interaction_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd
    from shapiq.interaction_values import InteractionValues

    IntArray = npt.NDArray[np.int64]
    FloatArray = npt.NDArray[np.float64]

_CHUNK = 2**20
"""Signs of masks times terms held at once: a few MiB, which also fits the caches."""


class FourierSpectrum:
    """An immutable, sparse Fourier representation of a game.

    Attributes:
        n_players: The number of players.
        sets: The support as a read-only padded array of shape ``(k, max_degree)``: each row lists a
            set's players in increasing order, then ``n_players`` as padding.
        orders: The sizes of the sets, of shape ``(k,)``.
        coefficients: The coefficients, read-only of shape ``(k,)``.

    The terms are kept by degree, and lexicographically within a degree.

    """

    __slots__ = ("coefficients", "n_players", "orders", "sets")

    n_players: int
    sets: IntArray
    orders: IntArray
    coefficients: FloatArray

    def __init__(
        self,
        n_players: int,
        support: Iterable[Iterable[int]] | IntArray,
        coefficients: npt.ArrayLike,
    ) -> None:
        """Initialize the spectrum.

        Args:
            n_players: The number of players.
            support: The sets of players, as tuples or as a padded array (see ``sets``).
            coefficients: Their coefficients, of shape ``(k,)``.

        Raises:
            ValueError: If there are no players, a set is invalid or repeated, or the coefficients
                are not one finite real number per set.

        """
        if isinstance(n_players, bool) or not isinstance(n_players, int | np.integer):
            msg = f"n_players must be an integer. Got {n_players!r}."
            raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
        if n_players < 1:
            msg = f"A spectrum needs at least one player. Got n_players={n_players}."
            raise ValueError(msg)
        n_players = int(n_players)
        if isinstance(support, np.ndarray):
            sets = check_padded(support, n_players)
        else:
            sets = pad_sets(support, n_players)
        values = _as_coefficients(coefficients, len(sets))
        distinct, positions = unique_sets(sets)
        if len(distinct) < len(sets):
            repeated = int(np.bincount(positions).argmax())
            msg = f"Set {to_tuples(distinct, n_players)[repeated]} is repeated in the support."
            raise ValueError(msg)
        sizes = orders(sets, n_players)
        # by size, then in the lexicographic order that the distinct sets come in
        canonical = np.lexsort((positions, sizes))
        sets = resize(sets[canonical], int(sizes.max(initial=0)), n_players)
        for name, array in (
            ("sets", np.ascontiguousarray(sets)),
            ("orders", sizes[canonical]),
            ("coefficients", values[canonical]),
        ):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "n_players", n_players)

    def __setattr__(self, name: str, value: object) -> Never:
        """Refuse: a spectrum is immutable."""
        msg = f"A FourierSpectrum is immutable: cannot set {name!r}."
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> Never:
        """Refuse: a spectrum is immutable."""
        msg = f"A FourierSpectrum is immutable: cannot delete {name!r}."
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[type[Self], tuple[int, IntArray, FloatArray]]:
        """Copy and pickle through the constructor, as attributes cannot be set."""
        return type(self), (self.n_players, self.sets, self.coefficients)

    @classmethod
    def from_values(cls, values: npt.ArrayLike) -> Self:
        """Transform a full table of values exactly, and drop the coefficients that are zero.

        Args:
            values: The values of all ``2^n`` masks; the mask ``x`` stands at ``sum_i x_i 2^i``.

        Returns:
            The spectrum, over ``n`` players.

        Raises:
            ValueError: If the table is not a vector of at least two finite numbers, as many as a
                power of two.

        """
        table = np.asarray(values)
        n_players = table.size.bit_length() - 1
        if table.ndim != 1 or n_players < 1 or table.size != 1 << n_players:
            msg = f"A table of values must have shape (2^n,) with n >= 1. Got {table.shape}."
            raise ValueError(msg)
        spectrum = walsh_hadamard(_as_coefficients(values, table.size)) / table.size
        kept = np.flatnonzero(spectrum)
        member = (kept[:, None] >> np.arange(n_players)) & 1
        sets = np.where(member, np.arange(n_players), n_players)
        sets.sort(axis=1)
        return cls(n_players, sets, spectrum[kept])

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore a spectrum from what ``to_dict`` returned.

        Args:
            data: The players, support and coefficients.

        Returns:
            The spectrum.

        Raises:
            ValueError: If an entry is missing or invalid.

        """
        missing = {"n_players", "support", "coefficients"} - set(data)
        if missing:
            msg = f"A spectrum needs the entries {', '.join(sorted(missing))}."
            raise ValueError(msg)
        return cls(data["n_players"], data["support"], data["coefficients"])

    @classmethod
    def from_interaction_values(cls, explanation: InteractionValues) -> Self:
        """Read interaction values as a prediction of the game.

        SV, k-SII, STII, FSII, FBII and Moebius predict the sum of the interactions inside a mask;
        BV and BII are coefficients of centred players, ``x_i - 1/2``; SII and kADD-SHAP are read by
        Bernoulli numbers, Co-Moebius from the full mask. :mod:`shapiq_spex.spectrum` has the
        formulas and their sources. The level is that of the index: the value of the empty mask for
        all but FBII, BV and BII, whose empty interaction tells it.

        Args:
            explanation: The interaction values, with all orders from 1 on.

        Returns:
            The spectrum that predicts what they do.

        Raises:
            ValueError: If the index predicts nothing, or lower orders are left out.
        """
        return cls(explanation.n_players, *read(explanation))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a spectrum from a file, which is never changed and never unpickled.

        Args:
            path: The file, as written by ``save``.

        Returns:
            The spectrum.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, holds something else or comes from a newer version.

        """
        n_players, sets, coefficients = _file.read(path)
        try:
            return cls(n_players, sets, coefficients)
        except ValueError as error:
            msg = f"{path} is damaged: {error}"
            raise ValueError(msg) from error

    def save(self, path: str | Path) -> None:
        """Save the spectrum; a file of that name is replaced at once or not at all.

        Args:
            path: The file to write, conventionally ending in ``.npz``.

        """
        _file.write(path, self.n_players, self.sets, self.coefficients)

    def to_dict(self) -> dict[str, Any]:
        """Return the players, support and coefficients as plain Python that JSON can hold.

        Returns:
            The entries ``n_players``, ``support`` and ``coefficients``, for :meth:`from_dict`.
        """
        return {
            "n_players": self.n_players,
            "support": [list(players) for players in self.support],
            "coefficients": self.coefficients.tolist(),
        }

    @property
    def support(self) -> tuple[tuple[int, ...], ...]:
        """The sets of players, in the order of the coefficients."""
        return tuple(to_tuples(self.sets, self.n_players))

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.coefficients)

    def __eq__(self, other: object) -> bool:
        """Compare players, support and coefficients exactly."""
        if not isinstance(other, FourierSpectrum):
            return NotImplemented
        return (
            self.n_players == other.n_players
            and np.array_equal(self.sets, other.sets)
            and np.array_equal(self.coefficients, other.coefficients)
        )

    def __hash__(self) -> int:
        """Hash what equality compares."""
        # adding zero turns -0.0, which equals 0.0, into the same bytes
        values = (self.coefficients + 0.0).tobytes()
        return hash((self.n_players, self.sets.tobytes(), values))

    def __getitem__(self, players: Iterable[int]) -> float:
        """Return the coefficient of a set of players, 0.0 where it is not in the support."""
        wanted = pad_sets([players], self.n_players)
        width = self.sets.shape[1]
        if wanted.shape[1] > width:
            return 0.0
        row = resize(wanted, width, self.n_players)
        found = np.flatnonzero((self.sets == row).all(axis=1))
        return float(self.coefficients[found[0]]) if len(found) else 0.0

    def __repr__(self) -> str:
        """Summarize the spectrum."""
        return (
            f"{type(self).__name__}(n_players={self.n_players}, terms={len(self)}, "
            f"max_degree={self.sets.shape[1]})"
        )

    def __call__(self, masks: npt.ArrayLike) -> FloatArray:
        """Evaluate masks, so that a spectrum can stand in for its game.

        Args:
            masks: Boolean or zeros and ones, shape ``(m, n)`` or ``(n,)``.

        Returns:
            The predictions, shape ``(m,)``.
        """
        return self.evaluate(masks)

    def evaluate(self, masks: npt.ArrayLike) -> FloatArray:
        """Evaluate the spectrum on masks.

        Args:
            masks: Boolean or 0/1 masks of shape ``(m, n_players)``, or one mask ``(n_players,)``.

        Returns:
            The values, of shape ``(m,)``; one mask gives one value.

        Raises:
            ValueError: If the masks have another shape or are not binary.

        """
        checked = _as_masks(masks, self.n_players)
        values = np.empty(len(checked))
        step = max(1, _CHUNK // max(1, len(self)))
        for start in range(0, len(checked), step):
            signs = characters(checked[start : start + step], self.sets)
            values[start : start + step] = self.coefficients @ signs.astype(np.float64)
        return values

    def energy_by_order(self) -> FloatArray:
        """Sum the squared coefficients of each degree, in shape ``(max_degree + 1,)``.

        Returns:
            The energy of degree ``d`` at position ``d``; all but the first sum to the variance of
            the values under uniform masks.
        """
        squares = self.coefficients**2
        return np.bincount(self.orders, weights=squares, minlength=self.sets.shape[1] + 1)

    def truncate(self, max_order: int | None = None, max_terms: int | None = None) -> Self:
        """Keep the low degrees, or the largest coefficients, or both; the constant always stays.

        Args:
            max_order: The largest degree kept. Defaults to ``None``, which keeps all.
            max_terms: How many terms besides the constant are kept, the largest in absolute value.
                Defaults to ``None``, which keeps all.

        Returns:
            The smaller spectrum.

        Raises:
            ValueError: If a limit is negative.
            TypeError: If it is no integer.

        """
        for name, limit in (("max_order", max_order), ("max_terms", max_terms)):
            if limit is not None and check_integer(name, limit) < 0:
                msg = f"{name} must not be negative. Got {limit}."
                raise ValueError(msg)
        kept = np.ones(len(self), dtype=bool) if max_order is None else self.orders <= max_order
        if max_terms is not None:
            rank = np.where(kept & (self.orders > 0), -np.abs(self.coefficients), np.inf)
            kept[np.argsort(rank, kind="stable")[max_terms:]] = False
            kept |= self.orders == 0
        return type(self)(self.n_players, self.sets[kept], self.coefficients[kept])

    def to_dataframe(self, player_names: Sequence[str] | None = None) -> pd.DataFrame:
        """List the terms, the largest coefficients first.

        Args:
            player_names: Names to show instead of the players' numbers. Defaults to ``None``.

        Returns:
            A table with the columns ``interaction``, ``order`` and ``coefficient``.

        Raises:
            ValueError: If there is not one name per player.

        """
        import pandas as pd  # noqa: PLC0415, slow to import and rarely needed

        if player_names is not None and len(player_names) != self.n_players:
            msg = f"Need {self.n_players} player names. Got {len(player_names)}."
            raise ValueError(msg)
        interactions: list[tuple[int, ...]] | list[tuple[str, ...]] = list(self.support)
        if player_names is not None:
            interactions = [tuple(player_names[i] for i in players) for players in self.support]
        order = np.argsort(-np.abs(self.coefficients), kind="stable")
        return pd.DataFrame(
            {
                "interaction": pd.Series([interactions[i] for i in order], dtype=object),
                "order": self.orders[order],
                "coefficient": self.coefficients[order],
            }
        )

    def to_interaction_values(
        self,
        index: SpectrumIndex,
        max_order: int,
        *,
        min_order: int = 0,
        estimated: bool = True,
        estimation_budget: int | None = None,
    ) -> InteractionValues:
        """Turn the spectrum into an interaction index.

        Args:
            index: The index, one of ``VALID_INDICES``.
            max_order: The largest interactions wanted, and the order of the index.
            min_order: The smallest interactions wanted. Defaults to ``0``.
            estimated: Whether the spectrum is an estimate. Defaults to ``True``.
            estimation_budget: The number of ablations it rests on. Defaults to ``None``.

        Returns:
            The interactions, as :func:`~shapiq_spex.spectrum.conversion.to_interaction_values`
            describes them.

        Raises:
            ValueError: If the index is unknown or an order is out of range.

        """
        return to_interaction_values(
            self,
            index,
            max_order,
            min_order=min_order,
            estimated=estimated,
            estimation_budget=estimation_budget,
        )


def _as_coefficients(values: npt.ArrayLike, count: int) -> FloatArray:
    """Check that there is one finite real number per set."""
    array = np.asarray(values)
    if array.shape != (count,) or array.dtype.kind not in "iuf":
        msg = (
            f"Need {count} real numbers, one per set. "
            f"Got an array of shape {array.shape} of {array.dtype}."
        )
        raise ValueError(msg)
    array = as_real(values, "Coefficients and values must be")
    if not np.isfinite(array).all():
        msg = f"Coefficients and values must be finite. Got {array[~np.isfinite(array)][0]}."
        raise ValueError(msg)
    return array


def _as_masks(masks: npt.ArrayLike, n_players: int) -> npt.NDArray[np.bool_]:
    """Check masks and return them as booleans of shape ``(m, n_players)``."""
    refuse_masked("masks", masks)
    array = np.asarray(masks)
    if array.ndim == 1:
        array = array[None, :]
    if array.ndim != 2 or array.shape[1] != n_players:  # noqa: PLR2004, masks and players
        msg = f"Masks must have shape (m, {n_players}) or ({n_players},). Got {np.shape(masks)}."
        raise ValueError(msg)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind not in "iuf" or not ((array == 0) | (array == 1)).all():
        msg = "Masks must be binary: boolean, or 0 and 1."
        raise ValueError(msg)
    return array.astype(np.bool_)
