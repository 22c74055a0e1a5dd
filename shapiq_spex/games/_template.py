"""What stands around the text to explain: instructions, examples, a question, a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapiq_spex._texts import without_marks

if TYPE_CHECKING:
    from .models import Message, Prompt

PLACE = "{text}"
"""Where the text stands in a template."""


class Template:
    """A text or a chat with one place for the text to explain."""

    def __init__(self, template: Prompt) -> None:
        """Find the place.

        Raises:
            ValueError: If there is not one place, or a message lacks its role or content.
        """
        self._chat = not isinstance(template, str)
        self._messages = _messages(template)
        counts = [message["content"].count(PLACE) for message in self._messages]
        if sum(counts) != 1:
            msg = f"The template must contain {PLACE} once, got {sum(counts)} times."
            raise ValueError(msg)
        self._place = counts.index(1)

    @property
    def fingerprint(self) -> object:
        """What stands around the text."""
        return [self._chat, *(sorted(message.items()) for message in self._messages)]

    def fill(self, text: str) -> Prompt:
        """Return the prompt with a text in its place."""
        before, after = self._messages[self._place]["content"].split(PLACE)
        content = before + text + after
        if not self._chat:
            return content
        filled = [dict(message) for message in self._messages]
        filled[self._place]["content"] = content
        return filled

    def around(self) -> tuple[str, str]:
        """Return what stands before and after the text, for people to read."""
        mark = "\0"  # which no prompt has
        before, _, after = show(self.fill(mark)).partition(mark)
        return before, after


def show(prompt: Prompt) -> str:
    """Return a prompt as a text for people to read."""
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"{message['role']}: {message['content']}" for message in prompt)


def _messages(template: Prompt) -> list[Message]:
    if isinstance(template, str):
        return [{"content": without_marks(template)}]
    messages = list(template)
    for message in messages:
        if not all(isinstance(message.get(key), str) for key in ("role", "content")):
            msg = f"A message needs the texts 'role' and 'content', got {message}."
            raise ValueError(msg)
    return [{**message, "content": without_marks(message["content"])} for message in messages]
