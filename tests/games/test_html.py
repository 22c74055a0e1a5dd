"""Tests of the page that shows a prompt."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np

import shapiq_spex
from shapiq_spex.games import PromptGame

NASTY = "<script>alert('x')</script> & \"quotes\" </p> $title ${rows} <b>bold"


class Reader(HTMLParser):
    """Collects the tags and the text of the prompt."""

    def __init__(self) -> None:
        """Begin outside of the prompt."""
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag."""
        self.tags.append(tag)
        self._inside |= ("class", "prompt") in attrs

    def handle_endtag(self, tag: str) -> None:
        """Leave the prompt."""
        self._inside &= tag != "p"

    def handle_data(self, data: str) -> None:
        """Collect the prompt."""
        self.text += data if self._inside else ""


def page(text: str, template: str = "Say:\n{text}\n!") -> tuple[PromptGame, str]:
    """Explain a game of a text and write the page."""
    game = PromptGame(
        template, text=text, model=lambda texts: [t.count("b") * len(t) for t in texts]
    )
    approximator = shapiq_spex.ProxySPEX(game.n_players, 2, "FBII", random_state=0)
    explanation = approximator.approximate(1 << game.n_players, game)
    return game, game.to_html(explanation, title="<i>title</i>", note="<i>note</i>")


def test_markup_in_the_prompt_is_text() -> None:
    """Whatever stands in a prompt is shown and never run."""
    game, found = page(NASTY, "<img src=x>{text}<!--")
    reader = Reader()
    reader.feed(found)
    assert reader.text == game.prompt(np.ones(game.n_players, dtype=bool))
    assert reader.tags.count("script") == 1
    assert not {"img", "b", "i"} & set(reader.tags)


def test_it_stands_alone() -> None:
    """The page asks no other file and no address."""
    _, found = page("a b c")
    assert not re.search(r"(?:src|href|url|import)\s*[=(]", found)
    assert "http://" not in found
    assert "https://" not in found
    assert "default-src 'none'" in found


def test_rows_name_their_words() -> None:
    """Each interaction lists its parts and points at their places in the text."""
    game, found = page("a b c")
    row = re.search(r'data-parts="0 1"><td>a · b</td>', found)
    assert row
    assert all(f'id="w{i}"' in found for i in range(game.n_players))


def test_it_says_what_it_leaves_out() -> None:
    """The strongest interactions are counted, and small values have digits that tell something."""
    game = PromptGame(text="b a b", model=lambda texts: [1e-5 * t.count("b") for t in texts])
    approximator = shapiq_spex.ProxySPEX(3, 1, "FBII", random_state=0)
    explanation = approximator.approximate(8, game)
    assert "Shown are the strongest 1 of 2." in game.to_html(explanation, count=1)
    found = game.to_html(explanation)
    assert "Shown are" not in found
    assert found.count("+0.000010") == 4


def test_repeated_words_can_be_told_apart() -> None:
    """Words that come more than once are numbered, on the page and in lists."""
    game, found = page("b a b")
    assert 'data-parts="0 2"><td>b#1 · b#2</td>' in found
    assert "effect (FBII)" in found
    assert game.player_names == ["b", "a", "b"]
