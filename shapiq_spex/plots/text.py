"""A text, its words shaded by what they do alone, above what they do together."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, NamedTuple

from shapiq_spex._names import distinct, show
from shapiq_spex._numbers import check_integer, check_real

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from shapiq import InteractionValues

# all lengths are in inches
_MARGIN = 0.2
_LINE = 0.34  # from one line of the text to the next
_ROW = 0.3  # from one group to the next
_GAP = 0.07  # between words
_ROUND = 0.03  # how far the shade of a word goes beyond it
_HEADING = 0.45
_PAUSE = 0.15  # below the text
_VALUE = 0.6  # for the number at the end of a bar
_BAR = 0.16

_POINTS = 11.0
_SMALL = 9.5
_NAMES = 0.45  # of the width are for the names of groups
_LETTERS = 8.5  # of names in an inch
_SHADE = 0.65  # of the colour that the strongest word gets
_UP, _DOWN, _INK, _FAINT = "#d9480f", "#1864ab", "#1a1a1a", "#666666"
_WHITE = 255


class _Word(NamedTuple):
    """A word, whose part it is of, where it stands, and how far its shade goes."""

    text: str
    player: int
    left: float
    line: int
    width: float


def plot_text(
    explanation: InteractionValues,
    parts: Sequence[str],
    *,
    count: int = 8,
    title: str | None = None,
    width: float = 9.0,
) -> Figure:
    """Draw a text with its words shaded by what they do alone, above what they do together.

    Orange words raise the game's value and blue ones lower it, the more the darker they are. Below
    are the groups of two and more that do most beyond what their members do.

    Args:
        explanation: What an approximator found.
        parts: The text of each player in order, as a prompt game's ``player_names``; those that
            come more than once are numbered in the list of groups, as ``but#2``.
        count: How many groups to list at most.
        title: What to write above.
        width: How wide the figure is, in inches.

    Returns:
        The figure, as high as it takes; ``figure.savefig("text.png", dpi=150)`` writes it.
        ``pyplot`` does not know of it.

    Raises:
        ValueError: If there is not one part for each player.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415, heavy, and for figures alone

    check_integer("count", count, 0)
    check_real("width", width, 0)
    if len(parts) != explanation.n_players:
        msg = (
            f"Need the text of each of the {explanation.n_players} players, got {len(parts)} parts."
        )
        raise ValueError(msg)
    texts = [" ".join(show(part).split()) for part in parts]
    values = {tuple(s): float(v) for s, v in explanation.interactions.items()}
    groups = sorted(
        ((s, v) for s, v in values.items() if len(s) > 1 and v != 0), key=lambda item: -abs(item[1])
    )[:count]

    figure = Figure(figsize=(width, 1.0))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    words = _lay_out(axes, texts, width)
    top = _MARGIN + (_HEADING if title else 0)
    below = top + (words[-1].line + 1 if words else 0) * _LINE + _PAUSE
    height = below + (len(groups) + 1) * _ROW + _MARGIN
    figure.set_size_inches(width, height)
    axes.set(xlim=(0, width), ylim=(height, 0))
    if title:
        axes.text(_MARGIN, _MARGIN, title, va="top", size=_POINTS + 2, weight="bold", color=_INK)
    _draw_words(axes, words, [values.get((i,), 0.0) for i in range(len(texts))], top)
    heading = f"{explanation.index} of groups, beyond what their members do:"
    heading = heading if groups else "No groups of two and more were found."
    axes.text(_MARGIN, below + _ROW / 2, heading, va="center", size=_SMALL, color=_FAINT)
    _draw_groups(axes, groups, distinct(texts), below + _ROW, width)
    return figure


def _lay_out(axes: Axes, texts: Sequence[str], width: float) -> list[_Word]:
    """Return where words stand, with as many in each line as fit.

    Parts of several words may go over several lines; their shade has no gaps within a line.
    """
    pieces = [(piece, player) for player, text in enumerate(texts) for piece in text.split()]
    measured = {piece: _measure(axes, piece) for piece in {piece for piece, _ in pieces}}
    words: list[_Word] = []
    left, line = _MARGIN, 0
    for piece, player in pieces:
        if left > _MARGIN and left + measured[piece] > width - _MARGIN:
            left, line = _MARGIN, line + 1
        elif words and words[-1].player == player:
            words[-1] = words[-1]._replace(width=left - words[-1].left)
        words.append(_Word(piece, player, left, line, measured[piece]))
        left += measured[piece] + _GAP
    return words


def _measure(axes: Axes, text: str) -> float:
    """Return how wide a text is."""
    drawn = axes.text(0, 0, text, size=_POINTS, parse_math=False)
    width = drawn.get_window_extent().width / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    drawn.remove()
    return float(width)


def _draw_words(axes: Axes, words: Sequence[_Word], alone: Sequence[float], top: float) -> None:
    """Write the words, each on its shade."""
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415, as above

    largest = max(map(abs, alone), default=0.0) or 1.0
    for word in words:
        value = alone[word.player]
        middle = top + (word.line + 0.5) * _LINE
        shade = FancyBboxPatch(
            (word.left, middle - _LINE * 0.32),
            word.width,
            _LINE * 0.64,
            boxstyle=f"round,pad={_ROUND},rounding_size={_ROUND}",
            facecolor=_mix(_colour(value), _SHADE * abs(value) / largest),
            edgecolor="none",
        )
        axes.add_patch(shade)
        axes.text(
            word.left,
            middle,
            word.text,
            va="center",
            size=_POINTS,
            color=_INK,
            parse_math=False,
        )


def _draw_groups(
    axes: Axes,
    groups: Sequence[tuple[tuple[int, ...], float]],
    names: Sequence[str],
    top: float,
    width: float,
) -> None:
    """List groups with a bar each, to the right of a line where it is positive."""
    start = _MARGIN + _NAMES * width
    room = (width - _MARGIN - start - 2 * _VALUE) / 2
    zero = start + _VALUE + room
    largest = max((abs(value) for _, value in groups), default=1.0)
    for row, (players, value) in enumerate(groups):
        middle = top + (row + 0.5) * _ROW
        letters = max(4, int(_NAMES * width * _LETTERS / len(players)) - 3)
        members = [shorten(names[i], letters, placeholder="…") for i in players]
        axes.text(
            start - 0.1,
            middle,
            " + ".join(members),
            va="center",
            ha="right",
            size=_SMALL,
            parse_math=False,
        )
        end = zero + room * value / largest
        axes.barh(middle, end - zero, _BAR, left=zero, color=_colour(value))
        side, shift = ("left", 0.06) if value > 0 else ("right", -0.06)
        axes.text(end + shift, middle, f"{value:+.2f}", va="center", ha=side, size=_SMALL)
    if groups:
        axes.plot([zero, zero], [top, top + len(groups) * _ROW], color=_FAINT, linewidth=0.8)


def _colour(value: float) -> str:
    """Return the colour of what raises or lowers the game's value."""
    return _UP if value > 0 else _DOWN


def _mix(colour: str, share: float) -> tuple[float, ...]:
    """Return so much of a colour in white."""
    return tuple(1 - share * (1 - int(colour[i : i + 2], 16) / _WHITE) for i in (1, 3, 5))
