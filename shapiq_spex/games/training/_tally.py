"""How many retrainings there were, and what went wrong in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._learner import CONVERGENCE

if TYPE_CHECKING:
    from ._stream import Piece

_AGAIN = 2  # times as many failures as were told of: then a user is told again


@dataclass
class Tally:
    """The retrainings of a game, and of all other values of the same ones.

    Attributes:
        failures: How often what went wrong.
        n_trained: How many retrainings there were.
        whole: What came out of all points, by the seed of the retraining.
        told: How many failures the user was told of.
    """

    failures: Counter[str] = field(default_factory=Counter)
    n_trained: int = 0
    whole: dict[int, Piece] = field(default_factory=dict)
    told: int = 0

    def take(self, piece: Piece) -> None:
        """Count some more retrainings."""
        self.failures.update(trouble for trouble in piece.troubles if trouble)
        self.n_trained += len(piece.positions)

    @property
    def works(self) -> bool:
        """Whether the learner is known to work on all points."""
        return any(piece.worked.all() for piece in self.whole.values())

    @property
    def errors(self) -> Counter[str]:
        """What went wrong but for fits that gave outputs without converging."""
        return Counter({text: k for text, k in self.failures.items() if text != CONVERGENCE})

    def tell(self) -> str | None:
        """Return what a user should be told of failures, if there are many more by now."""
        n_failed = self.errors.total()
        if n_failed == 0 or n_failed < _AGAIN * self.told:
            return None
        self.told = n_failed
        ((worst, _),) = self.errors.most_common(1)
        return (
            f"{n_failed} of {self.n_trained} retrainings failed, mostly with {worst!r}. They have "
            "no value (NaN), and an explanation rests on the others: it is biased if the points "
            "decide what fails. See `failures`."
        )
