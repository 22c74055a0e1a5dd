"""Tests of what stands around the text to explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex.games import Labels, LlamaCpp, PromptGame
from shapiq_spex.games._template import Template, show

if TYPE_CHECKING:
    from pathlib import Path

CHAT = [
    {"role": "system", "content": "You are {kind}."},
    {"role": "user", "content": "Is this kind? {text}"},
]


def test_texts_and_chats() -> None:
    """The text stands in its place; other braces stay."""
    assert Template("<{text}> {x}").fill("{text}") == "<{text}> {x}"
    assert Template("<{text}>").around() == ("<", ">")
    filled = Template(CHAT).fill("Yes")
    assert filled == [CHAT[0], {"role": "user", "content": "Is this kind? Yes"}]
    before, after = Template(CHAT).around()
    assert before == "system: You are {kind}.\nuser: Is this kind? "
    assert after == ""
    assert show(filled).endswith("kind? Yes")
    assert CHAT[1]["content"] == "Is this kind? {text}"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ([], "once, got 0"),
        ([{"role": "user", "content": "none"}], "once, got 0"),
        ([CHAT[1], CHAT[1]], "once, got 2"),
        ([{"content": "{text}"}], "needs the texts 'role' and 'content'"),
        ([{"role": "user", "content": ["{text}"]}], "needs the texts"),
    ],
)
def test_bad_templates(template: list[dict[str, Any]], reason: str) -> None:
    """A chat needs one place for the text, and messages that are texts."""
    with pytest.raises(ValueError, match=reason):
        Template(template)


def test_a_chat_as_a_game(llm: LlamaCpp, model_file: Path) -> None:
    """Messages go through the model's own template; a text as a chat is what a user says."""
    target = Labels("Yes", "No")
    game = PromptGame(CHAT, text="What a lovely day", model=llm, target=target)
    masks = np.array([[1, 1, 1, 1], [0, 1, 1, 1]], dtype=bool)
    assert game.prompt(masks[1])[1]["content"] == "Is this kind? a lovely day"
    rendered = (
        "<|im_start|>system\nYou are {kind}.<|im_end|>\n<|im_start|>user\nIs this kind? {text}"
        "<|im_end|>\n<|im_start|>assistant\n"
    )
    plain = Labels("Yes", "No", prefix="")
    by_hand = PromptGame(rendered, text="What a lovely day", model=llm, target=plain)
    assert np.array_equal(game(masks), by_hand(masks))
    chatting = LlamaCpp(model_file, n_context=1024, n_threads=1, chat=True)
    said = PromptGame("Is this kind? {text}", text="What a day", model=chatting, target=target)
    messages = PromptGame(CHAT[1:], text="What a day", model=llm, target=target)
    assert np.array_equal(said(masks[:, :3]), messages(masks[:, :3]))
    assert chatting.fingerprint != llm.fingerprint
    page = game.to_html(by_explanation(game))
    assert "system: You are {kind}." in page


def by_explanation(game: PromptGame) -> Any:  # noqa: ANN401
    """Explain a game by all its masks."""
    from shapiq_spex import ProxySPEX  # noqa: PLC0415

    return ProxySPEX(game.n_players, 2, "FBII").approximate(16, game)
