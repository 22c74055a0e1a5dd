"""Texts as tokens of a tokenizer of transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapiq_spex.games.models._protocols import as_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers

    from shapiq_spex.games.models._protocols import Message, Prompt

_NEW_LINE = "\n"
_SPACE = "▁"  # how tokenizers in the manner of SentencePiece write a space


class Texts:
    """What turns prompts and answers into tokens.

    Attributes:
        tokenizer: The tokenizer.
    """

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerBase, *, chat: bool) -> None:
        """Remember how.

        Args:
            tokenizer: The tokenizer.
            chat: Whether a text is what a user says.
        """
        self.tokenizer = tokenizer
        self._chat = chat
        begin = self._encode("a")[:1]
        first = tokenizer.convert_ids_to_tokens(begin)
        # a space that is put before every text would come between a prompt and its answer
        self._adds_space = bool(first) and str(first[0]).startswith(_SPACE)

    def is_chat(self, prompt: Prompt) -> bool:
        """Say whether a prompt is one that a model is to answer."""
        return as_messages(prompt, chat=self._chat) is not None

    def prompt(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt, at least one.

        Raises:
            ValueError: If a chat is to be rendered and there is no template for it, or if there is
                no token at all.
        """
        messages = as_messages(prompt, chat=self._chat)
        if messages is None:
            tokens = self._encode(str(prompt), special=True)
        else:
            tokens = self._encode(self._render(messages))
        if tokens:
            return tokens
        for special in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if special is not None:
                return [special]  # what texts begin with in training
        msg = f"The prompt {prompt!r} has no tokens, and the tokenizer has none to begin with."
        raise ValueError(msg)

    def continuation(self, text: str, *, chat: bool) -> list[int]:
        """Return the tokens of an answer, without special ones.

        Args:
            text: The answer.
            chat: Whether it answers a chat, where it begins without its space.
        """
        if chat:
            text = text.lstrip() or text
        if self._adds_space:
            before = self._encode(_NEW_LINE)
            tokens = self._encode(_NEW_LINE + text)
            if tokens[: len(before)] == before:
                return tokens[len(before) :]
        return self._encode(text)

    def pieces(self, text: str) -> list[str]:
        """Return the tokens of a text as texts that give it back when they are joined.

        Raises:
            ValueError: If the tokenizer does not say where its tokens are.
        """
        if not self.tokenizer.is_fast:
            msg = f"{type(self.tokenizer).__name__} does not say where in a text its tokens are."
            raise ValueError(msg)
        found = self.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return cut(text, found["offset_mapping"])

    def decode(self, tokens: Sequence[int]) -> str:
        """Return an answer as text, without special tokens."""
        text = self.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)

    def _encode(self, text: str, *, special: bool = False) -> list[int]:
        found = self.tokenizer(text, add_special_tokens=special, verbose=False)
        return list(found["input_ids"])

    def _render(self, messages: list[Message]) -> str:
        if self.tokenizer.chat_template is None:
            msg = "The model has no chat template: it takes texts to go on from, and no chats."
            raise ValueError(msg)
        text = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return str(text)


def cut(text: str, offsets: Sequence[tuple[int, int]]) -> list[str]:
    """Cut a text where its tokens end.

    What is between two tokens goes with the later one, or with the last one at the end.

    Args:
        text: The text.
        offsets: Where each token starts and ends; those that share a character are not parted.
    """
    ends: list[int] = []
    for start, end in offsets:
        while ends and start < ends[-1] < end:
            ends.pop()
        if end > (ends[-1] if ends else 0):
            ends.append(end)
    ends[-1:] = [len(text)] if text else []
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
