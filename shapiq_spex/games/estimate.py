"""What an explanation would take."""

from __future__ import annotations

from dataclasses import dataclass

_CHARACTERS_PER_TOKEN = 4
_MINUTE = 60


@dataclass(frozen=True)
class Estimate:
    """What an explanation would take.

    Attributes:
        calls: How many masked prompts the model would be asked.
        characters: How long they would be together.
        tokens: How many tokens the model would read and write, as it counted them in the probes;
            None for a model that does not count.
        seconds: How long that would take, one batch after the other.
    """

    calls: int
    characters: int
    tokens: int | None
    seconds: float

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.tokens is None:
            guess = round(self.characters / _CHARACTERS_PER_TOKEN)
            tokens = f"(some {guess:,} tokens in English)"
        else:
            tokens = f"and {self.tokens:,} tokens"
        time = f"{self.seconds:.0f} seconds"
        if self.seconds >= _MINUTE:
            time = f"{self.seconds / _MINUTE:.1f} minutes"
        return (
            f"{self.calls:,} prompts of together {self.characters:,} characters {tokens}, "
            f"about {time}"
        )
