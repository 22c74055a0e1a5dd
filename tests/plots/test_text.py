"""Tests of the figure of a text and what its words do alone and together."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from shapiq import InteractionValues

from shapiq_spex.plots import plot_text

WORDS = ["not", "bad", "at", "all,", "not"]


def explanation(values: dict[tuple[int, ...], float], n: int = 5) -> InteractionValues:
    """Return an explanation of so many words."""
    return InteractionValues(
        values=np.array(list(values.values())),
        index="FBII",
        max_order=3,
        min_order=0,
        n_players=n,
        interaction_lookup={players: i for i, players in enumerate(values)},
        baseline_value=0.0,
    )


FOUND = explanation({(): 1.0, (0,): -1.0, (1,): -2.0, (2,): 0.5, (0, 1): 3.0, (1, 4): -0.25})


def test_blank_parts_are_seen() -> None:
    """Parts of white space alone stand in the text and in groups as Python writes them."""
    shown = texts(plot_text(FOUND, [" not", "\n", "at", "all,", "\n"]))
    assert shown.count(r"'\n'") == 2
    assert r"not + '\n'#1" in shown


def texts(figure: Figure) -> list[str]:
    """Return all that is written."""
    return [text.get_text() for text in figure.axes[0].texts]


def shades(figure: Figure) -> list[FancyBboxPatch]:
    """Return the shades of the words."""
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def test_words_and_groups_are_there() -> None:
    """The words in order, and the groups from the strongest on, words that repeat by number."""
    figure = plot_text(FOUND, WORDS, title="A title")
    assert isinstance(figure, Figure)
    assert texts(figure) == [
        "A title",
        *WORDS,
        "FBII of groups, beyond what their members do:",
        "not#1 + bad",
        "+3.00",
        "bad + not#2",
        "-0.25",
    ]


def test_shade_is_what_a_word_does_alone() -> None:
    """Words without an effect are white, those above 0 reddish, those below bluish, by size."""
    colours = [to_rgb(shade.get_facecolor()) for shade in shades(plot_text(FOUND, WORDS))]
    assert colours[3] == colours[4] == (1.0, 1.0, 1.0)
    assert colours[0][2] > colours[0][0]
    assert colours[2][0] > colours[2][2]
    assert sum(colours[1]) < sum(colours[0]) < sum(colours[3])


def test_bars_are_the_values() -> None:
    """To the right of the line where a group raises the value, to the left where it lowers it."""
    axes = plot_text(FOUND, WORDS).axes[0]
    (line,) = axes.lines
    zero = line.get_xdata()[0]
    ends = [bar.patches[0].get_width() for bar in axes.containers]
    assert [bar.patches[0].get_x() for bar in axes.containers] == pytest.approx([zero, zero])
    assert ends[0] > 0 > ends[1]
    assert ends[0] / ends[1] == pytest.approx(3.0 / -0.25)


def test_count_limits_the_groups() -> None:
    """As many of the strongest groups as asked for."""
    assert "bad + not#2" not in texts(plot_text(FOUND, WORDS, count=1))


def test_long_texts_fill_lines() -> None:
    """No word ends beyond the figure, no two overlap, and the figure grows."""
    words = [f"word{i}" * (1 + i % 4) for i in range(200)]
    figure = plot_text(explanation({(0, 199): 1.0, (5,): 1.0}, n=200), words, width=6.0)
    boxes = [shade.get_bbox() for shade in shades(figure)]
    assert max(box.x1 for box in boxes) <= 6.0
    for one, other in pairwise(boxes):
        assert other.x0 > one.x1 or other.y0 >= one.y1
    assert figure.get_figheight() > plot_text(FOUND, WORDS, width=6.0).get_figheight()
    low, high = sorted(figure.axes[0].get_ylim())
    assert low <= min(box.y0 for box in boxes)
    assert max(box.y1 for box in boxes) <= high


def test_long_parts_go_over_lines() -> None:
    """A sentence is shaded as one, without gaps, on as many lines as it takes."""
    parts = ["It is a long sentence " * 8, "and one more."]
    figure = plot_text(explanation({(0,): 1.0, (1,): -1.0, (0, 1): 1.0}, n=2), parts, width=6.0)
    boxes = [shade.get_bbox() for shade in shades(figure)]
    assert len(boxes) == 8 * 5 + 3
    assert max(box.x1 for box in boxes) <= 6.0
    assert boxes[1].x0 == pytest.approx(boxes[0].x1)
    assert any("…" in text for text in texts(figure))


def test_without_groups_it_says_so() -> None:
    """An explanation of single words alone draws no list."""
    figure = plot_text(explanation({(1,): 1.0}), WORDS)
    assert texts(figure)[-1] == "No groups of two and more were found."
    assert not figure.axes[0].containers


def test_markup_is_text() -> None:
    """Dollars and line breaks of a text are no mathematics and no new lines."""
    figure = plot_text(explanation({(0, 1): 1.0}), ["$a_$", "b\nc", "", "x^", "$"])
    assert texts(figure)[:3] == ["$a_$", "b", "c"]
    figure.savefig(io.BytesIO())


def test_each_player_needs_a_text() -> None:
    """One part too few is an error that says how many there are to be."""
    with pytest.raises(ValueError, match="each of the 5 players, got 4 parts"):
        plot_text(FOUND, WORDS[:4])
