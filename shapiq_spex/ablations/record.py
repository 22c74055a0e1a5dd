"""What a run took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunRecord:
    """How many distinct masks were asked for, and where their values came from.

    ``asked`` is the sum of the next three.

    Attributes:
        asked: The masks asked for.
        evaluated: Those that the game was called for.
        from_store: Those that had been evaluated before.
        failed: Those that have no value, as they failed or went beyond a limit.
        seconds: The wall time of all this.
    """

    asked: int = 0
    evaluated: int = 0
    from_store: int = 0
    failed: int = 0
    seconds: float = 0.0

    def __add__(self, other: RunRecord) -> RunRecord:
        """Add up two runs."""
        return RunRecord(
            asked=self.asked + other.asked,
            evaluated=self.evaluated + other.evaluated,
            from_store=self.from_store + other.from_store,
            failed=self.failed + other.failed,
            seconds=self.seconds + other.seconds,
        )
