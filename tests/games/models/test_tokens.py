"""Tests of tokens as texts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapiq_spex.games import PromptGame, Tokenizer
from shapiq_spex.games.models._tokens import join_bytes

if TYPE_CHECKING:
    from shapiq_spex.games import LlamaCpp


@given(st.text(), st.lists(st.integers(0, 200)))
def test_any_cut_of_the_bytes(text: str, places: list[int]) -> None:
    """However the bytes are cut, characters stay whole and the text comes back."""
    data = text.encode()
    cuts = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    pieces = [data[a:b] for a, b in pairwise(cuts)]
    parts = join_bytes(pieces, text)
    assert "".join(parts) == text
    assert all(parts)
    assert len(parts) <= sum(bool(piece) for piece in pieces)


def test_characters_of_several_tokens() -> None:
    """Parts of a character stand together; whole ones stand alone."""
    text = "a 漢字"
    data = text.encode()
    assert join_bytes([data[:3], data[3:5], data[5:6], data[6:]], text) == ["a 漢", "字"]
    assert join_bytes([data[:2], data[2:5], data[5:]], text) == ["a ", "漢", "字"]


def test_a_space_of_the_models_own() -> None:
    """A space that the model puts before the text is left out."""
    assert join_bytes([b" It", b" is"], "It is") == ["It", " is"]
    assert join_bytes([b" ", b"It", b" is"], "It is") == ["It", " is"]


def test_characters_without_a_token() -> None:
    """What a model leaves out belongs to the next token, and at the end to the last."""
    assert join_bytes([b"a", b"b"], "a\x16b\x16") == ["a", "\x16b\x16"]
    assert join_bytes([], "\x16") == ["\x16"]


def test_tokens_that_change_the_text() -> None:
    """A model that changes letters has no tokens of the text itself."""
    with pytest.raises(ValueError, match="are not in the text"):
        join_bytes([b"it", b" is"], "It is")


@given(st.text(max_size=40))
@settings(max_examples=30)
def test_tokens_of_a_real_model(llm: LlamaCpp, text: str) -> None:
    """The model's tokens of any text give it back."""
    assert "".join(llm.tokens(text)) == text


def test_tokens_as_players(llm: LlamaCpp) -> None:
    """The players are the model's tokens; a function has none."""
    assert isinstance(llm, Tokenizer)
    game = PromptGame(text="Unbelievably good 🙂", segment="token", model=llm, target=len)
    assert "".join(game.segments) == "Unbelievably good 🙂"
    assert 4 < game.n_players < 12
    assert game.prompt([False] * (game.n_players - 1) + [True]).strip() == "🙂"
    with pytest.raises(TypeError, match="needs a model that says its tokens, not function"):
        PromptGame(text="a b", segment="token", model=lambda texts: [0.0 for _ in texts])
