"""A game that never pays for an ablation twice, and loses none."""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from shapiq import Game
from tqdm.auto import tqdm

from shapiq_spex._numbers import is_real
from shapiq_spex.regression._packed import first_occurrences

from ._batches import BatchRun, GameChangedError, Policy, import_tenacity
from ._checks import check_masks, check_values
from ._fingerprint import Identifier
from ._limits import Limits, PricedGame, TokenLimit
from ._says import find_players, has_parameter
from .record import RunRecord
from .store import AblationStore, Batch, StoreError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    PackedArray = NDArray[np.uint8]

_BATCH_SIZE = 64
_MAX_FAILURES = 100
_SHORT = 0.005  # seconds to read a game: where it takes longer, outputs wait for each other
_READINGS = 10.0  # for as long as so many readings take
_LONGEST = 1.0  # seconds, or one reading
_HERE = str(Path(__file__).parents[1])  # warnings point to who called the package
_AGAIN = "Its masks are evaluated again as it is now."
_NOTICE = (
    "What the store holds of this game is from before the versions of packages counted. It is "
    "taken as it is, and goes by today's versions from now on."
)


@dataclass(frozen=True)
class Answer:
    """The values of masks.

    Attributes:
        values: Shape ``(m,)``, the mean of the repeats; NaN for masks that were skipped.
        variances: The variance of each of these means by chance, shape ``(m,)``; NaN where masks
            are evaluated once.
        record: What it took.
    """

    values: FloatArray
    variances: FloatArray
    record: RunRecord


class StoredGame(Game):
    """A game whose ablations are kept in a file and evaluated once.

    It stands wherever a game does. Each batch is committed to the file before the next one begins:
    a run that was killed, interrupted or failed goes on where it was when the same call is made
    again. Masks that occur twice, in one call or in several, are evaluated once.

    Values are found again by the game's *fingerprint*, a digest of all that changes a value. A game
    with an attribute or a method ``fingerprint`` says it itself; what a subclass of yours adds to
    it is read. Of others the state and the code are read, and the versions of the packages that a
    model comes from; where that does not tell everything (a remote model, a file on disk), pass
    ``fingerprint``, a text that does. The game is read again before each call and after each batch,
    since it may have changed; where it is large and called for few masks at a time, a fingerprint
    saves that. What its own evaluations change, as counters do, is left out. Where another thread
    changes a setting during a batch, that batch is not kept, and the call begins again.

    A game may have ``outputs(coalitions)``, which costs, and ``values(outputs)``, which does not:
    then the outputs, shape ``(m, d)``, are kept and other values of them cost nothing. Its
    fingerprint, which it must then say itself, must not depend on what only ``values`` uses. If
    ``outputs`` has a parameter ``repeat``, it is told which of the ``repeats`` it is. If the game
    also has ``stream`` with the same arguments, which yields positions and their outputs as they
    come, each of them is kept at once.

    Attributes:
        game: The game inside.
        record: What all calls so far took.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import shapiq_spex
        >>> def votes(masks):
        ...     return masks[:, 0] + 2.0 * masks[:, 1:3].all(axis=1)
        >>> path = Path(tempfile.mkdtemp()) / "ablations.sqlite"
        >>> for _ in range(2):
        ...     game = shapiq_spex.StoredGame(votes, path, n_players=30)
        ...     approximator = shapiq_spex.ProxySPEX(n=30, random_state=0)
        ...     _ = approximator.approximate(budget=100, game=game)
        ...     print(approximator.record.evaluated, approximator.record.from_store)
        100 0
        0 100
    """

    def __init__(
        self,
        game: Game | Callable[[np.ndarray], np.ndarray],
        path: str | os.PathLike[str],
        batch_size: int | None = None,
        progress: bool = False,  # noqa: FBT001, FBT002 as the other arguments
        *,
        n_players: int | None = None,
        fingerprint: str | None = None,
        repeats: int = 1,
        concurrency: int | None = None,
        timeout: float | None = None,
        retries: int = 0,
        backoff: float = 1.0,
        on_failure: Literal["raise", "skip"] = "raise",
        max_failures: int = _MAX_FAILURES,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        """Open the file, or begin one.

        Args:
            game: A game of shapiq, or a callable from boolean masks ``(m, n)`` to values ``(m,)``.
            path: The file, which many games may share.
            batch_size: How many masks the game is called with at once, at most; by default the
                game's own ``batch_size`` if it has one, else 64.
            progress: Whether to show a progress bar.
            n_players: The number of players, for a callable that does not say it.
            fingerprint: A text that names everything that changes a value, in place of what the
                game says or what is read of it.
            repeats: How often to evaluate each mask, for games with chance in them. The value is
                the mean.
            concurrency: How many batches to evaluate at the same time, in threads; for games that
                wait for a network. By default the game's own ``concurrency`` if it has one, else 1.
            timeout: The seconds after which a call of the game counts as failed. Its thread cannot
                be ended.
            retries: How often to call the game again after a failure, with exponential backoff and
                jitter. Needs the extra ``retry``.
            backoff: The most seconds before the first retry; it doubles each time.
            on_failure: What to do with a mask that the game fails on: ``"raise"`` an error, or
                ``"skip"`` it. Skipped masks have the value NaN; this package's approximators do
                without them. The next run tries them again.
            max_failures: How many masks may be skipped before an error is raised after all.
            max_calls: How many masks one call may evaluate. Masks beyond have the value NaN,
                as skipped ones do, and the explanation rests on the others.
            max_tokens: How many tokens one call may take, in the same way, of a game that counts
                them and says what masks would take (``tokens_used``, ``estimate_tokens``), as
                prompts do. They are kept to as well as the game can say beforehand.
            max_seconds: The seconds after which one call begins no further batch, in the same way.

        Raises:
            ValueError: If a number is out of range, the number of players is unknown, or the
                fingerprint cannot be found.
            StoreError: If the file is no store, damaged, of a newer format, or cannot be used.
            ImportError: If ``retries`` are asked for and tenacity is missing.
        """
        n = find_players(game, n_players)
        if fingerprint is not None and (fingerprint == "" or type(fingerprint) is not str):
            msg = f"fingerprint must be a text that is not empty, got {fingerprint!r}."
            raise ValueError(msg)
        if on_failure not in ("raise", "skip"):
            msg = f"on_failure must be 'raise' or 'skip', got {on_failure!r}."
            raise ValueError(msg)
        for name, seconds in (
            ("timeout", timeout),
            ("backoff", backoff),
            ("max_seconds", max_seconds),
        ):
            if seconds is not None and not (is_real(seconds) and seconds > 0):
                msg = f"{name} must be a positive number of seconds, got {seconds!r}."
                raise ValueError(msg)
        if retries:
            import_tenacity()
        super().__init__(n_players=_at_least("n_players", n, 1), normalize=False)
        self.player_name_lookup = dict(getattr(game, "player_name_lookup", None) or {})
        self.game = game
        self.repeats = _at_least("repeats", repeats, 1)
        self.progress = progress
        self._policy = Policy(
            batch_size=_chosen(game, "batch_size", batch_size, _BATCH_SIZE),
            concurrency=_chosen(game, "concurrency", concurrency, 1),
            timeout=timeout,
            retries=_at_least("retries", retries, 0),
            backoff=backoff,
            skip=on_failure == "skip",
            max_failures=_at_least("max_failures", max_failures, 0),
            may_fail=getattr(game, "may_fail", False) is True,
        )
        self._max_seconds = max_seconds
        self._max_calls = None if max_calls is None else _at_least("max_calls", max_calls, 1)
        self._max_tokens = None if max_tokens is None else _at_least("max_tokens", max_tokens, 1)
        if max_tokens is not None and not isinstance(game, PricedGame):
            msg = "max_tokens needs a game that counts its tokens, as a PromptGame does."
            raise ValueError(msg)
        self._has_outputs = all(callable(getattr(game, n, None)) for n in ("outputs", "values"))
        self._takes_repeat = self._has_outputs and has_parameter(game.outputs, "repeat")  # type: ignore[union-attr]
        self._identifier = Identifier(game, fingerprint)
        self._identifier.fingerprint()  # what cannot be read should show before a file is made
        self._store = AblationStore(path)
        self.record = RunRecord()

    @property
    def fingerprint(self) -> str:
        """The digest of all that changes a value, as of now, 64 hexadecimal digits."""
        return self._identifier.fingerprint()

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the values of coalitions, boolean of shape ``(m, n)``; see :meth:`evaluate`."""
        return self.evaluate(coalitions).values

    def evaluate(self, coalitions: BoolArray) -> Answer:
        """Return the values of masks, from the file as far as they are there.

        Args:
            coalitions: The masks, boolean of shape ``(m, n)``.

        Returns:
            The values, their variances, and what it took.

        Raises:
            AblationError: If the game fails.
            StoreError: If the file cannot be written.
            RuntimeError: If the game is changed again and again while it is evaluated.
        """
        masks = check_masks(coalitions, self.n_players)
        with self._store.lock:  # another thread may want the same masks
            start = time.perf_counter()
            packed = np.packbits(masks, axis=1)
            first, position = first_occurrences(packed, self.n_players)
            limits = self._limit()
            for last in (False, True):
                found = _Found(packed[first], self.repeats)
                try:
                    self._find_or_evaluate(found, limits)
                    break
                except GameChangedError as change:
                    if last:
                        raise
                    warnings.warn(f"{change} {_AGAIN}", skip_file_prefixes=(_HERE,))
                finally:
                    record = found.record(time.perf_counter() - start)
                    self.record += record
            values, variances = self._summarise(found, masks[first])
        return Answer(values[position], variances[position], record)

    def ablations(self) -> tuple[BoolArray, FloatArray]:
        """Return all that is kept of this game, for ``ProxySPEX.from_ablations``.

        Returns:
            The masks with all their repeats, boolean of shape ``(m, n)``, and their values, shape
            ``(m,)``.
        """
        game = self._find_game(self.fingerprint)
        packed, outputs = self._store.read(game)
        found = _Found(packed, self.repeats)
        found.take(np.arange(len(packed)), 0, outputs)
        for repeat in range(1, self.repeats):
            found.look_up(self._store, game, repeat)
        found.dropped = ~found.known.all(axis=0)
        masks = np.unpackbits(packed, axis=1, count=self.n_players).view(np.bool_)
        values, _ = self._summarise(found, masks)
        return masks[~found.dropped], values[~found.dropped]

    def close(self) -> None:
        """Let go of the file; a later call opens it again."""
        self._store.close()

    def __enter__(self) -> Self:
        """Return the game, which lets go of its file at the end of the block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Let go of the file."""
        self.close()

    def _find_game(self, fingerprint: str) -> int:
        """Return the game's number in the file, which may know it by the name that it had."""
        game = self._store.find_game(fingerprint, self.n_players)
        before = self._identifier.fingerprint_before() if game is None else None
        if before is not None:
            game = self._store.find_game(before, self.n_players)
            if game is not None:
                with suppress(StoreError):  # a file that can only be read
                    self._store.rename_game(game, fingerprint)
                warnings.warn(_NOTICE, skip_file_prefixes=(_HERE,))
        return self._store.game_id(fingerprint, self.n_players) if game is None else game

    def _find_or_evaluate(self, found: _Found, limits: Limits) -> None:
        """Take what the file has, and evaluate the rest.

        Raises:
            GameChangedError: If somebody changes the game meanwhile.
        """
        game = self._find_game(self._identifier.begin())
        found.version = self._store.version()  # before looking: what comes later shows
        for repeat in range(self.repeats):
            found.look_up(self._store, game, repeat)
        n_stored = int(np.count_nonzero(found.known))
        if n_stored == found.known.size and not self.progress:
            return
        try:
            with self._show(found.known.size, n_stored) as bar:
                for repeat in range(self.repeats):
                    self._evaluate_missing(found, game, repeat, bar, limits)
        finally:
            self._identifier.end()

    @contextmanager
    def _show(self, n_asked: int, n_stored: int) -> Iterator[tqdm[Any]]:
        """Show the progress of a call, which asks for so many ablations."""
        with tqdm(
            total=n_asked, initial=n_stored, desc="Ablations", disable=not self.progress
        ) as bar:
            bar.set_postfix({"from store": n_stored})
            yield bar

    def _limit(self) -> Limits:
        """Return how far a call may go."""
        end = None if self._max_seconds is None else time.monotonic() + self._max_seconds
        return Limits(end, self._max_calls, self._limit_tokens())

    def _limit_tokens(self) -> TokenLimit | None:
        """Begin to count tokens, if there is a limit."""
        if self._max_tokens is None or not isinstance(self.game, PricedGame):
            return None
        return TokenLimit(self.game, self._max_tokens)

    def _evaluate_missing(
        self, found: _Found, game: int, repeat: int, bar: tqdm[Any], limits: Limits
    ) -> None:
        """Evaluate what is not in the file, and keep it there batch by batch."""
        rows = found.missing(repeat)
        masks = np.unpackbits(found.packed[rows], axis=1, count=self.n_players).view(np.bool_)
        n_failed = int(np.count_nonzero(found.failed))
        stream = self._streaming(repeat)
        keeping = _Keeping(self._store, game, self._identifier, found, repeat, rows, bar)

        def call(part: BoolArray) -> object:
            keeping.called = True
            return self._call(part, repeat)

        run = BatchRun(
            call,
            masks,
            replace(self._policy, max_failures=self._policy.max_failures - n_failed),
            limits,
            keep=keeping.keep,
            still_missing=keeping.still_missing,
            stream=stream,
        )
        try:
            run.run()
        finally:
            found.failed[rows[run.failed + run.left_out]] = True
            if keeping.is_due or stream is not None:  # what a failing call changed counts, too
                keeping.write()

    def _call(self, masks: BoolArray, repeat: int) -> object:
        """Call the game for what costs."""
        if not self._has_outputs:
            return check_values(self.game(masks), masks)
        return self.game.outputs(masks, **self._options(repeat))  # type: ignore[union-attr]

    def _streaming(self, repeat: int) -> Callable[[BoolArray], Any] | None:
        """Return what yields the outputs of a repeat one by one, if the game can do that."""
        if not (self._has_outputs and callable(getattr(self.game, "stream", None))):
            return None
        return partial(self.game.stream, **self._options(repeat))  # type: ignore[union-attr]

    def _options(self, repeat: int) -> dict[str, int]:
        return {"repeat": repeat} if self._takes_repeat else {}

    def _summarise(self, found: _Found, masks: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean value of each mask, and the variance of that mean."""
        values = np.full((len(masks), self.repeats), np.nan)
        for repeat in range(self.repeats):
            kept = np.flatnonzero(found.known[repeat] & ~found.dropped)
            if len(kept):
                outputs = found.outputs(kept, repeat)
                returned = self.game.values(outputs) if self._has_outputs else outputs[:, 0]  # type: ignore[union-attr]
                values[kept, repeat] = check_values(returned, masks[kept])
        if self.repeats == 1:
            return values[:, 0], np.full(len(masks), np.nan)
        return _mean_and_variance(values)


@dataclass
class _Keeping:
    """Keeps what comes out of a game in a file, once it is sure which game that was.

    Attributes:
        store: The file.
        game: The game's number there.
        identifier: Tells whether somebody has changed the game.
        found: The outputs that are known.
        repeat: Which repeat is evaluated.
        rows: The positions of the masks to evaluate among all.
        bar: The progress.
        called: Whether the game was called since it was last read.
    """

    store: AblationStore
    game: int
    identifier: Identifier
    found: _Found
    repeat: int
    rows: IntArray
    bar: tqdm[Any]
    called: bool = False
    _waiting: list[tuple[IntArray, Batch]] = field(default_factory=list)
    _written: float = field(default_factory=time.perf_counter)

    def keep(self, places: IntArray, outputs: FloatArray, seconds: float) -> None:
        """Keep outputs of masks, by their places among those to evaluate."""
        chosen = self.rows[places]
        self.found.add(chosen, self.repeat, outputs)
        batch = Batch(self.found.packed[chosen], self.repeat, outputs, seconds)
        self._waiting.append((chosen, batch))
        self.bar.update(len(chosen))
        passed = time.perf_counter() - self._written
        reading = self.identifier.seconds
        if reading < _SHORT or passed > min(_READINGS * reading, max(_LONGEST, reading)):
            self.write()

    @property
    def is_due(self) -> bool:
        """Whether something waits, or the game was called since it was last read."""
        return self.called or bool(self._waiting)

    def write(self) -> None:
        """Write what waits, if the game is still the same.

        Raises:
            GameChangedError: If it is not.
        """
        if (change := self.identifier.confirm()) is not None:
            self.called, self._waiting = False, []
            raise GameChangedError(change)
        while self._waiting:  # an interrupt leaves what it finds for the end of the run
            chosen, batch = self._waiting[0]
            if self.store.add(self.game, batch) < len(chosen):
                # another process was faster; what is in the file is what all agree on
                _, outputs = self.store.find(self.game, batch.masks, self.repeat)
                self.found.take(chosen, self.repeat, outputs)
            del self._waiting[0]
        self.called, self._written = False, time.perf_counter()

    def still_missing(self, places: IntArray) -> IntArray:
        """Return the places of masks that nobody has evaluated since."""
        version = self.store.version()
        if version != self.found.version:  # another process is at work in this file
            self.found.version = version
            for each in range(self.repeat, len(self.found.known)):
                self.found.look_up(self.store, self.game, each)
        missing: IntArray = places[~self.found.known[self.repeat, self.rows[places]]]
        return missing


class _Found:
    """The outputs of some masks, as far as they are known.

    Attributes:
        packed: The distinct masks, shape ``(m, ceil(n / 8))``.
        known: Which of their repeats are known, boolean of shape ``(repeats, m)``.
        failed: Which of them are not tried any more, shape ``(m,)``; they may have some repeats.
        dropped: Which of them count for nothing, shape ``(m,)``.
        evaluated: Which of them the game was called for, shape ``(m,)``.
        version: The file's version when it was last looked into.
    """

    def __init__(self, packed: PackedArray, repeats: int) -> None:
        self.packed = packed
        self.known = np.zeros((repeats, len(packed)), dtype=np.bool_)
        self.failed = np.zeros(len(packed), dtype=np.bool_)
        self.dropped = np.zeros(len(packed), dtype=np.bool_)
        self.evaluated = np.zeros(len(packed), dtype=np.bool_)
        self.version = 0
        self._outputs = np.empty((repeats, len(packed), 0))

    def look_up(self, store: AblationStore, game: int, repeat: int) -> None:
        """Find what a file has of a repeat that is not known yet."""
        rows = self.missing(repeat)
        positions, outputs = store.find(game, self.packed[rows], repeat)
        self.take(rows[positions], repeat, outputs)

    def missing(self, repeat: int) -> IntArray:
        """Return the positions of masks to evaluate."""
        return np.flatnonzero(~self.known[repeat] & ~self.failed)

    def add(self, rows: IntArray, repeat: int, outputs: FloatArray) -> None:
        """Take what just came out of the game, shape ``(k, d)``."""
        self.evaluated[rows] = True
        self.take(rows, repeat, outputs)

    def outputs(self, rows: IntArray, repeat: int) -> FloatArray:
        """Return outputs, shape ``(k, d)``."""
        chosen: FloatArray = self._outputs[repeat, rows]
        return chosen

    def record(self, seconds: float) -> RunRecord:
        """Return what it took."""
        have_any = self.known.any(axis=0)
        evaluated = self.evaluated & have_any
        return RunRecord(
            asked=len(self.packed),
            evaluated=int(np.count_nonzero(evaluated)),
            from_store=int(np.count_nonzero(have_any & ~evaluated)),
            failed=len(self.packed) - int(np.count_nonzero(have_any)),
            seconds=seconds,
        )

    def take(self, rows: IntArray, repeat: int, outputs: FloatArray) -> None:
        """Take outputs that are known, shape ``(k, d)``."""
        if len(rows) == 0:
            return
        if not self.known.any():
            self._outputs = np.full((*self.known.shape, outputs.shape[1]), np.nan)
        if outputs.shape[1] != self._outputs.shape[2]:
            msg = (
                f"The game returned {outputs.shape[1]} numbers a mask, and "
                f"{self._outputs.shape[2]} before. Pass another fingerprint if it has changed."
            )
            raise ValueError(msg)
        self._outputs[repeat, rows] = outputs
        self.known[repeat, rows] = True


def _mean_and_variance(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean over the repeats that there are, shape ``(m, repeats)``, and its variance."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(known, values, 0.0).sum(axis=1) / counts
        squares = np.where(known, values - means[:, None], 0.0) ** 2
        variances = squares.sum(axis=1) / (counts - 1) / counts
    return means, np.where(counts > 1, variances, np.nan)


def _chosen(game: object, name: str, given: int | None, default: int) -> int:
    """Return what was given, else what the game says, else a default."""
    said = getattr(game, name, None)
    return _at_least(name, next(v for v in (given, said, default) if v is not None), 1)


def _at_least(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        msg = f"{name} must be an integer of at least {least}, got {value!r}."
        raise ValueError(msg)
    return int(value)
