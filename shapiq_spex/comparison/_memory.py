"""The peak memory of a piece of work, the game's own left out."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_KIB = 1024
_FEW = 10_000  # objects that Python itself may have frozen
_NAN = float("nan")


class PeakMemory:
    """How much memory a process takes at most beyond what it had, where Linux tells.

    The kernel keeps the peak of the resident memory and forgets it when told; native code counts,
    as no tracer of Python's would see. Elsewhere ``mib`` is NaN.
    """

    def __init__(self) -> None:
        """Begin, after returning to the system what is free."""
        gc.collect()
        _trim()
        self._most, self._base = 0.0, _read()[1]
        if not _forget():
            self._base = _NAN

    def pause(self) -> None:
        """Stop counting: somebody else's work begins."""
        self._most = max(self._most, _read()[0])
        _trim()  # what is free would hide what the other work takes and keeps
        self._before = _read()[1]

    def resume(self) -> None:
        """Count again; what the other work left in memory is not counted."""
        _trim()
        left = _read()[1] - self._before
        _forget()
        self._base += left
        self._most += left

    @property
    def mib(self) -> float:
        """The peak so far in MiB, NaN where it is not known."""
        self._most = max(self._most, _read()[0])
        grown = self._most - self._base
        return _NAN if math.isnan(grown) else max(grown, 0.0) / _KIB


@contextlib.contextmanager
def few_collected() -> Iterator[None]:
    """Leave what is there by now out of garbage collections, which then take next to no time."""
    frozen = gc.get_freeze_count() > _FEW  # by somebody else, who may want it to stay so
    gc.collect()
    if not frozen:
        gc.freeze()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()


def _read() -> tuple[float, float]:
    """Read the peak of this process' memory and its present size in KiB, NaN where unknown."""
    sizes = {}
    with contextlib.suppress(OSError):  # not on every system
        for line in _STATUS.read_text().splitlines():
            name, _, size = line.partition(":")
            if name in ("VmHWM", "VmRSS"):
                sizes[name] = float(size.split()[0])
    return sizes.get("VmHWM", _NAN), sizes.get("VmRSS", _NAN)


def _forget() -> bool:
    """Have the kernel forget the peak, and return whether it does."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:  # not on every system
        return False
    return True


def _trim() -> None:
    """Return free memory to the system, where the C library can."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
