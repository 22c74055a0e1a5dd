"""How many retrainings there were, and what went wrong in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._learner import CONVERGENCE

if TYPE_CHECKING:
    from ._stream import Piece

_MANY_FAILURES = 0.1  # of the retrainings: then a user should know


@dataclass
class Tally:
    """The retrainings of a game, and of all other values of the same ones.

    Attributes:
        failures: How often what went wrong.
        n_trained: How many retrainings there were.
        works: Whether the learner is known to work on all points.
        told: Whether the user was told of the failures.
    """

    failures: Counter[str] = field(default_factory=Counter)
    n_trained: int = 0
    works: bool = False
    told: bool = False

    def take(self, piece: Piece) -> None:
        """Count some more retrainings."""
        self.failures.update(trouble for trouble in piece.troubles if trouble)
        self.n_trained += len(piece.positions)
        self.works |= self.n_failed < self.n_trained

    @property
    def errors(self) -> Counter[str]:
        """What went wrong but for fits that gave outputs without converging."""
        return Counter({text: k for text, k in self.failures.items() if text != CONVERGENCE})

    @property
    def n_failed(self) -> int:
        """How many retrainings gave no outputs of their own."""
        return self.errors.total()

    def tell(self) -> str | None:
        """Return what a user should be told of failures, once, if there are many."""
        if self.told or self.n_failed <= _MANY_FAILURES * self.n_trained:
            return None
        self.told = True
        ((worst, _),) = self.errors.most_common(1)
        return (
            f"{self.n_failed} of {self.n_trained} retrainings failed, mostly with {worst!r}. Their "
            "values are those of the classes' frequencies, or of the mean; see `failures`."
        )
