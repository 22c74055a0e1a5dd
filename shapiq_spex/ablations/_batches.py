"""Evaluating masks batch by batch: bounded concurrency, time limits, retries, isolated faults."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._checks import OutputError, check_outputs, describe_mask
from ._masks import Masks
from .store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from ._limits import Limits

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    _Outcome = tuple[FloatArray | None, float]  # outputs, unless they are kept, and the seconds
    Pieces = Iterable[tuple[IntArray, FloatArray]]

_LONGEST_WAIT = 60.0  # seconds between two tries


class AblationError(RuntimeError):
    """A game failed on a mask. All ablations before it are kept.

    Attributes:
        mask: The mask, boolean of shape ``(n,)``.
        batch: The number of the batch that it was in, from 1.
    """

    def __init__(self, message: str, mask: BoolArray, batch: int) -> None:
        """Say what failed.

        Args:
            message: What went wrong.
            mask: The mask, boolean of shape ``(n,)``.
            batch: The number of its batch, from 1.
        """
        super().__init__(message)
        self.mask = mask
        self.batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error pass from a worker process."""
        return type(self), (str(self), self.mask, self.batch)


class GameChangedError(RuntimeError):
    """Somebody changed a game while it was evaluated."""

    def __init__(self, change: str) -> None:
        """Say so.

        Args:
            change: The name of what was changed.
        """
        super().__init__(
            f"The game was changed while it was evaluated ({change}): what came out meanwhile "
            "belongs to no one state of it, and was not kept. If its own evaluations change it, "
            "pass fingerprint='...', a text that names everything that changes a value."
        )


def _is_not_the_games(error: BaseException) -> bool:
    """Say whether an error is an interrupt, or one of the store."""
    return isinstance(error, StoreError | GameChangedError) or not isinstance(error, Exception)


@dataclass(frozen=True)
class Policy:
    """How to call a game.

    Attributes:
        batch_size: How many masks at once.
        concurrency: How many batches at the same time.
        timeout: The seconds after which a call counts as failed; None for no limit.
        retries: How often to try again what failed.
        backoff: The most seconds before the first retry; each further one may take twice as long.
        skip: Whether to go on without masks that keep failing.
        max_failures: How many masks may be skipped.
        may_fail: Whether a mask without an output is no mistake of the game.
    """

    batch_size: int
    concurrency: int = 1
    timeout: float | None = None
    retries: int = 0
    backoff: float = 1.0
    skip: bool = False
    max_failures: int = 100
    may_fail: bool = False


@dataclass(frozen=True)
class _Job:
    """Masks to evaluate at once, by their positions, the number of their batch, and the cost."""

    rows: IntArray
    number: int
    cost: float = 0.0


class BatchRun:
    """One pass over masks.

    Attributes:
        failed: The positions of the masks that were skipped.
        left_out: The positions of those that the limits left no room for.
    """

    def __init__(
        self,
        evaluate: Callable[[BoolArray], object],
        masks: BoolArray,
        policy: Policy,
        limits: Limits,
        *,
        keep: Callable[[IntArray, FloatArray, float], None],
        still_missing: Callable[[IntArray], IntArray],
        stream: Callable[[BoolArray], Pieces] | None = None,
    ) -> None:
        """Prepare.

        Args:
            evaluate: From masks ``(k, n)`` to outputs, ``(k,)`` or ``(k, d)``.
            masks: The masks, shape ``(m, n)``.
            policy: How to call it.
            limits: When to stop.
            keep: Called with positions, their outputs ``(k, d)`` and the seconds these took, as
                soon as they are there.
            still_missing: Called with the positions of a batch before it is evaluated; returns
                those that nobody else has evaluated since.
            stream: Like ``evaluate``, but yields positions and their outputs, so that each is kept
                before the batch is whole. Used where batches follow each other without time limit.
        """
        self._evaluate, self._policy, self._limits = evaluate, policy, limits
        self._masks = masks.view(Masks)
        self._keep, self._still_missing = keep, still_missing
        in_order = policy.concurrency == 1 and policy.timeout is None
        self._stream = stream if in_order else None
        starts = range(0, len(masks), policy.batch_size)
        rows = np.arange(len(masks))
        self._jobs = deque(
            _Job(rows[start : start + policy.batch_size], number)
            for number, start in enumerate(starts, start=1)
        )
        self._n_batches = len(self._jobs)
        self.failed: list[int] = []
        self.left_out: list[int] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        """Evaluate all masks.

        Raises:
            AblationError: If the game fails on a mask, or on too many of those that may be skipped.
            StoreError: If what came out cannot be kept.
        """
        if self._policy.concurrency == 1:
            while (job := self._next()) is not None:
                self._finish(job, _try(self._measure, job))
        else:
            self._run_in_threads()

    def _run_in_threads(self) -> None:
        """Keep some jobs in flight, and whatever has come out by the time something goes wrong."""
        flying: dict[Future[_Outcome], _Job] = {}
        try:
            while self._jobs or flying:
                while len(flying) < self._policy.concurrency and (job := self._next()) is not None:
                    flying[_start(self._measure, job)] = job
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                # in the order in which they were started
                for future in [f for f in flying if f in done]:
                    self._finish(flying.pop(future), future)
        except AblationError:
            self._stopped.set()
            wait(flying)  # they are paid for
            raise
        finally:
            self._stopped.set()
            for future, job in flying.items():
                if future.done():
                    self._keep_right(job, future)

    def _next(self) -> _Job | None:
        """Return the next job that there is still something to do in."""
        while self._jobs:
            job = self._jobs.popleft()
            rows = self._still_missing(job.rows)
            allowed, cost = self._limits.take(self._masks[rows])
            self.left_out += rows[allowed:].tolist()
            if allowed:
                return _Job(rows[:allowed], job.number, cost)
        return None

    def _measure(self, job: _Job) -> _Outcome:
        """Evaluate a job, again where it failed, and return its outputs and the seconds."""
        if self._policy.retries == 0:
            return self._call(job)
        tenacity = import_tenacity()
        attempts = tenacity.stop_after_attempt(1 + self._policy.retries)
        retrying = tenacity.Retrying(
            stop=attempts | tenacity.stop_when_event_set(self._stopped),
            wait=tenacity.wait_random_exponential(self._policy.backoff, max=_LONGEST_WAIT),
            # of a batch whose outputs are partly right the others are tried again, mask by mask
            retry=tenacity.retry_if_exception(
                lambda error: (
                    not _is_not_the_games(error)
                    and getattr(error, "hopeless", False) is not True
                    and (len(job.rows) == 1 or getattr(error, "outputs", None) is None)
                )
            ),
            sleep=tenacity.sleep_using_event(self._stopped),
            reraise=True,
        )
        answer: _Outcome = retrying(self._call, job)
        return answer

    def _call(self, job: _Job) -> _Outcome:
        if self._stream is not None:
            self._keep_pieces(self._stream, self._still_missing(job.rows))
            return None, 0.0
        masks = self._masks[job.rows]
        start = time.perf_counter()
        if self._policy.timeout is None:
            returned = self._evaluate(masks)
        else:
            returned = _call_in_time(self._evaluate, masks, self._policy.timeout)
        return check_outputs(returned, masks), time.perf_counter() - start

    def _keep_pieces(self, stream: Callable[[BoolArray], Pieces], rows: IntArray) -> None:
        """Keep outputs as they come, until that is all of them or the time is over."""
        start = time.perf_counter()
        for positions, outputs in stream(self._masks[rows]):
            done, now = rows[positions], time.perf_counter()
            self._keep(done, check_outputs(outputs, self._masks[done]), now - start)
            start = now
            if self._limits.over and len(left := self._still_missing(rows)):
                self.left_out += left.tolist()
                break

    def _finish(self, job: _Job, future: Future[_Outcome]) -> None:
        """Keep what came out of a job; what failed is tried mask by mask, then given up."""
        self._limits.finish(job.cost)
        error = future.exception()
        wrong = self._keep_right(job, future)
        if error is None:
            return
        if _is_not_the_games(error) or len(wrong) == 0:
            raise error
        if getattr(error, "hopeless", False) is True:
            raise self._describe(job, error) from error
        if self._policy.may_fail and isinstance(error, OutputError) and error.outputs is not None:
            self.failed += wrong.tolist()
            return
        if len(job.rows) > 1:
            self._jobs.extendleft(_Job(row, job.number) for row in wrong[::-1, None])
            return
        self.failed.append(int(wrong[0]))
        if not self._policy.skip or len(self.failed) > self._policy.max_failures:
            raise self._describe(job, error) from error

    def _keep_right(self, job: _Job, future: Future[_Outcome]) -> IntArray:
        """Keep what is right of what came out of a job; return the positions of the rest."""
        error = future.exception()
        if error is None:
            outputs, seconds = future.result()
            if outputs is not None:
                self._keep(job.rows, outputs, seconds)
            return job.rows[:0]
        if self._stream is not None:
            return self._still_missing(job.rows)
        if not isinstance(error, OutputError) or error.outputs is None:
            return job.rows
        right = np.delete(np.arange(len(job.rows)), error.wrong)
        if len(right):
            self._keep(job.rows[right], error.outputs[right], 0.0)
        wrong: IntArray = job.rows[error.wrong]
        return wrong

    def _describe(self, job: _Job, error: BaseException) -> AblationError:
        """Name the mask and the batch, and of the error its text only if it holds no secrets."""
        mask = self._masks[job.rows[0]]
        shown = isinstance(error, OutputError) or getattr(error, "public", False) is True
        reason = str(error).rstrip(".") if shown else type(error).__name__
        many = f" ({len(self.failed)} masks failed by now)" if self._policy.skip else ""
        msg = (
            f"The game failed on {describe_mask(mask)}, in batch {job.number} of "
            f"{self._n_batches}{many}: {reason}. What was evaluated before is kept; the same call "
            "goes on from there. See `retries` and `on_failure` for games that fail now and then."
        )
        return AblationError(msg, mask, job.number)


def import_tenacity() -> Any:  # noqa: ANN401 a module
    """Return the library that tries again, or say how to install it."""
    try:
        import tenacity  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = "retries need tenacity: pip install 'shapiq-spex[retry]'."
        raise ImportError(msg) from error
    return tenacity


def _try[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Call a function here; interrupts pass through."""
    future: Future[T] = Future()
    try:
        future.set_result(function(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 whoever asks for the result raises it
        future.set_exception(error)
    return future


def _start[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Call a function in a thread that does not keep the process alive."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 whoever asks for the result raises it
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def _call_in_time(
    evaluate: Callable[[BoolArray], object], masks: BoolArray, seconds: float
) -> object:
    """Call a game, or give it up after a time; the thread that it hangs in cannot be ended."""
    future = _start(evaluate, masks)
    done, _ = wait([future], timeout=seconds)
    if not done:
        msg = f"no answer within {seconds:g} s"
        raise TimeoutError(msg)
    return future.result()
