"""The peak memory of a piece of work, the game's own left out."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_KIB = 1024


class PeakMemory:
    """How much memory a process takes at most beyond what it had, where Linux tells.

    The kernel keeps the peak of the resident memory and forgets it when told; native code counts,
    as no tracer of Python's would see. Elsewhere ``mib`` is NaN.
    """

    def __init__(self) -> None:
        """Begin, after returning to the system what is free."""
        gc.collect()
        _trim()
        self._base = self._most = _read("VmRSS")
        _forget()

    def pause(self) -> None:
        """Stop counting: somebody else's work begins."""
        self._look()
        self._before = _read("VmRSS")

    def resume(self) -> None:
        """Count again; what the other work left in memory is not counted."""
        _forget()
        self._base += _read("VmRSS") - self._before
        self._most += _read("VmRSS") - self._before

    @property
    def mib(self) -> float:
        """The peak so far in MiB, NaN where it is not known."""
        self._look()
        return max(self._most - self._base, 0.0) / _KIB

    def _look(self) -> None:
        self._most = max(self._most, _read("VmHWM"))


def _read(name: str) -> float:
    """Read a size of this process in KiB."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return float(line.split()[1])
    except OSError:
        pass
    return float("nan")


def _forget() -> None:
    """Have the kernel forget the peak."""
    with contextlib.suppress(OSError):  # not on every system
        _CLEAR.write_text(_RESET_PEAK)


def _trim() -> None:
    """Return free memory to the system, where the C library can."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
