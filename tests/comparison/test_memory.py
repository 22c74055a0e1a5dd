"""The peak of memory is a method's own, where Linux tells it."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shapiq_spex.comparison import _memory
from shapiq_spex.comparison._memory import PeakMemory, few_collected

if TYPE_CHECKING:
    from pathlib import Path

_LINUX = pytest.mark.skipif(
    np.isnan(PeakMemory().mib), reason="this system does not tell the peak of memory"
)


def _fill(mib: int) -> None:
    np.ones(mib << 17)


@_LINUX
@pytest.mark.parametrize("mib", [100, 20, 200, 50])
def test_peak_of_what_is_freed_again(mib: int) -> None:
    """Memory counts though it is free by the end, whatever was taken before."""
    memory = PeakMemory()
    _fill(mib)
    assert memory.mib == pytest.approx(mib, abs=8)


@_LINUX
def test_others_work_is_left_out() -> None:
    """What is taken in a pause does not count, whether it is kept or freed."""
    memory = PeakMemory()
    _fill(30)
    memory.pause()
    kept = np.ones(100 << 17)
    _fill(200)
    memory.resume()
    assert memory.mib == pytest.approx(30, abs=8)
    _fill(60)
    assert memory.mib == pytest.approx(60, abs=8)
    assert len(kept)


def test_nan_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither without the files nor where the peak cannot be reset is there a figure."""
    monkeypatch.setattr(_memory, "_CLEAR", tmp_path / "none" / "clear_refs")
    assert np.isnan(PeakMemory().mib)
    monkeypatch.setattr(_memory, "_STATUS", tmp_path / "none" / "status")
    memory = PeakMemory()
    memory.pause()
    memory.resume()
    assert np.isnan(memory.mib)


def test_collections_are_quick_and_as_before_afterwards() -> None:
    """Within the block a run costs a few milliseconds, and afterwards nothing stays frozen."""
    assert gc.get_freeze_count() < _memory._FEW
    with few_collected():
        assert gc.get_freeze_count() > _memory._FEW
        start = time.perf_counter()
        PeakMemory()
        assert time.perf_counter() - start < 0.1
    assert gc.get_freeze_count() == 0


def test_what_somebody_froze_stays_frozen() -> None:
    """A program that froze its objects finds them so."""
    gc.freeze()
    try:
        with few_collected():
            pass
        assert gc.get_freeze_count() > _memory._FEW
    finally:
        gc.unfreeze()
