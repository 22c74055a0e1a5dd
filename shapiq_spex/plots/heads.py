"""Attention heads: what they do alone and together, and what it costs to leave some out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shapiq_spex._numbers import check_integer
from shapiq_spex.evaluation import interaction_matrix
from shapiq_spex.spectrum import FourierSpectrum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray
    from shapiq import InteractionValues

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Head = tuple[int, int]  # its layer, and its number in the layer

# all lengths are in inches
_CELL = 0.36
_LARGEST = 10.0  # a heat map of many heads has smaller cells
_BESIDE = (2.0, 1.0)  # for labels and the colour bar, across and up
_LEAST = (4.2, 2.6)
_CURVES = (7.6, 4.0)
_CIRCLE = 7.0
_NAME = 0.08  # of the side of a figure with a circle, for each head on it
_PAD = 0.08

_MOST_TICKS = 32
_PAIR = 2
_INK, _FAINT, _MISSING = "#1a1a1a", "#666666", "#c8c8c8"
_COLOURS: Final = ("#1864ab", "#c2410c", "#2b8a3e", "#862e9c", "#e67700", "#0b7285")
_MARKERS: Final = "osD^vP"
_STEP = 5.0  # points from one method to the next, at the same share
# where the radius of the circle is 1
_NODE = 0.175  # shapiq's largest head is as wide
_AWAY = 1.11  # where names begin
_REACH = 1.35  # how far the figure shows


def plot_heads(
    values: InteractionValues | ArrayLike,
    heads: Sequence[Head],
    *,
    label: str | None = None,
    title: str | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Draw what each head does alone as a heat map: layers from the bottom up, heads across.

    Red heads raise the game's value and blue ones lower it, as in shapiq's plots; white ones do
    nothing. Heads that are not in the game are grey.

    Args:
        values: An explanation, whose values of single players are drawn, or one number for each
            head.
        heads: The layer and the number of each player.
        label: What to write beside the colour bar; by default the index of the explanation.
        title: What to write above.
        axes: Where to draw; by default in a new figure, which ``pyplot`` does not know of.

    Returns:
        The figure; ``figure.savefig("heads.png", dpi=150)`` writes it.

    Raises:
        ValueError: If there is not one finite value for each head, or the heads are none.
    """
    from shapiq import InteractionValues as Explanation  # noqa: PLC0415, it imports matplotlib

    if isinstance(values, Explanation):
        label = f"{values.index} of the head" if label is None else label
        values = _firsts(values)
    if isinstance(values, FourierSpectrum):
        msg = "Pass the explanation, which has the value of each head, and not the spectrum."
        raise ValueError(msg)  # noqa: TRY004, the same error for every bad argument
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        msg = f"Need one finite value for each head, got an array of shape {numbers.shape}."
        raise ValueError(msg)
    places = _check_heads(heads, len(numbers))
    lowest = places[:, 0].min()
    grid = np.full((places[:, 0].max() + 1 - lowest, places[:, 1].max() + 1), np.nan)
    grid[places[:, 0] - lowest, places[:, 1]] = numbers
    cells = np.ma.masked_invalid(grid)
    limit = float(np.abs(numbers).max()) or 1.0
    axes = _draw_cells(cells, (-limit, limit), "RdBu_r", label or "value of the head", axes)
    axes.set_facecolor(_MISSING)
    _name_cells(axes, range(grid.shape[1]), range(lowest, lowest + len(grid)))
    missing = "  (grey: not in the game)" if np.ma.is_masked(cells) else ""
    axes.set(xlabel=f"head{missing}", ylabel="layer")
    return _finish(axes, title)


def plot_layers(
    spectrum: FourierSpectrum,
    layers: ArrayLike,
    *,
    title: str | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Draw which layers act together as a heat map, in percent of the interactions' energy.

    It shows what :func:`~shapiq_spex.interaction_matrix` finds, each pair of layers once: all cells
    sum to 100, and those on the diagonal are interactions inside a layer.

    Args:
        spectrum: What an approximator found, its ``spectrum``.
        layers: The layer of each player, shape ``(n,)``.
        title: What to write above.
        axes: Where to draw; by default in a new figure, which ``pyplot`` does not know of.

    Returns:
        The figure; ``figure.savefig("layers.png", dpi=150)`` writes it.

    Raises:
        ValueError: If there is not one layer for each player, or there are no interactions.
    """
    names, matrix = interaction_matrix(spectrum, layers)
    whole = float(np.tril(matrix).sum())
    if not whole:
        msg = "There are no interactions to draw."
        raise ValueError(msg)
    above = np.triu(np.ones(matrix.shape, dtype=bool), 1)
    cells = np.ma.masked_array(100 * matrix / whole, above)
    axes = _draw_cells(cells, (0, float(cells.max())), "Blues", "% of interaction energy", axes)
    axes.spines[["top", "right"]].set_visible(False)
    _name_cells(axes, names.tolist(), names.tolist())
    axes.set(xlabel="layer", ylabel="layer, the same or a later one")
    return _finish(axes, title)


def plot_head_network(
    explanation: InteractionValues,
    heads: Sequence[Head],
    *,
    count: int = 30,
    title: str | None = None,
) -> Figure:
    """Draw the strongest interactions of two heads by shapiq's network plot.

    That plot shows every player, and the names of dozens of heads overlap. Here only the heads of
    the strongest pairs are on the circle, layer by layer. Lines are as wide and dark as their
    interaction is strong beside the strongest pair, circles as their head is beside the strongest
    head shown; red raises the game's value, blue lowers it.

    Args:
        explanation: The explanation, of order 2 or more.
        heads: The layer and the number of each player.
        count: How many pairs to draw.
        title: What to write above.

    Returns:
        The figure, which ``pyplot`` does not keep; ``figure.savefig("network.png")`` writes it.

    Raises:
        ValueError: If the heads are not those of the explanation, there is no interaction of two
            of them, or ``count`` is less than 1.
    """
    places = _check_heads(heads, explanation.n_players)
    check_integer("count", count, 1)
    pairs = {
        tuple(players): float(value)
        for players, value in explanation.interactions.items()
        if len(players) == _PAIR and value
    }
    if not pairs:
        msg = "There is no interaction of two heads to draw."
        raise ValueError(msg)
    strongest = sorted(pairs, key=lambda pair: (-abs(pairs[pair]), pair))[:count]
    shown = sorted({player for pair in strongest for player in pair}, key=lambda i: (*places[i],))
    alone = _firsts(explanation)[shown]
    figure = _draw_network(
        {pair: pairs[pair] for pair in strongest},
        dict(zip(shown, alone.tolist(), strict=True)),
        [f"L{layer}H{head}" for layer, head in places[shown].tolist()],
    )
    (axes,) = figure.axes
    if title:
        axes.set_title(title, fontsize=11, color=_INK, fontweight="bold")
    note = (
        f"lines: the {len(strongest)} strongest of {len(pairs)} pairs, up to "
        f"{abs(pairs[strongest[0]]):.3g}   circles: heads alone, up to {np.abs(alone).max():.3g}\n"
        "red raises the value, blue lowers it"
    )
    figure.text(0.5, 0.02, note, ha="center", va="bottom", fontsize=8, color=_FAINT)
    return figure


def plot_pruning(
    curves: Mapping[str, Mapping[float, Sequence[float]]],
    *,
    whole: float | None = None,
    label: str = "accuracy on held-out examples",
    title: str | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Draw how well a model does with a share of its heads, one line for each way to choose them.

    Points are means over runs, such as those of several seeds; bars reach one standard deviation
    up and down, where there are several runs. Methods stand a little beside each other, so that
    their bars can be told apart.

    Args:
        curves: For each method, for each share of the heads that are kept, the results of its runs:
            ``{"ProxySPEX": {0.5: [0.71, 0.74], 0.66: [0.8, 0.79]}}``.
        whole: The result of the whole model, a dashed line.
        label: What the results are.
        title: What to write above.
        axes: Where to draw; by default in a new figure, which ``pyplot`` does not know of.

    Returns:
        The figure; ``figure.savefig("pruning.png", dpi=150)`` writes it.

    Raises:
        ValueError: If there is no method, one has no results, a share is not above 0 and at most 1,
            or a result is not finite.
    """
    _check_curves(curves)
    from matplotlib.transforms import ScaledTranslation  # noqa: PLC0415, slow to import

    if axes is None:
        axes = _new_axes(*_CURVES)
    if whole is not None:
        axes.axhline(whole, color=_FAINT, linestyle="--", linewidth=1.2, label="whole model")
    for place, (name, curve) in enumerate(curves.items()):
        kept = sorted(curve)
        runs = [np.asarray(curve[share], dtype=np.float64) for share in kept]
        aside = (place - (len(curves) - 1) / 2) * _STEP / 72  # inches
        bars = axes.errorbar(
            kept,
            [float(run.mean()) for run in runs],
            # a single run has no bar, not one of no length
            yerr=[float(run.std(ddof=1)) if len(run) > 1 else math.nan for run in runs],
            label=name,
            color=_COLOURS[place % len(_COLOURS)],
            marker=_MARKERS[place % len(_MARKERS)],
            markersize=5,
            linewidth=1.6,
            elinewidth=1,
            capsize=2.5,
        )
        shift = ScaledTranslation(aside, 0, axes.figure.dpi_scale_trans)
        for artist in bars.get_children():
            artist.set_transform(axes.transData + shift)
    shares = sorted({share for curve in curves.values() for share in curve})
    axes.set_xticks(shares, [f"{100 * share:.3g}%" for share in shares])
    axes.margins(x=0.12)
    axes.set(xlabel="heads kept", ylabel=label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    # beside the lines, which leave no place that is free of them for sure
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return _finish(axes, title)


def _firsts(explanation: InteractionValues) -> FloatArray:
    """Return the values of single players, 0 for those it lacks."""
    values = np.zeros(explanation.n_players)
    for players, value in explanation.interactions.items():
        if len(players) == 1:
            values[players[0]] = value
    return values


def _check_heads(heads: Sequence[Head], n_players: int) -> IntArray:
    """Return the heads as an array of shape ``(n, 2)``."""
    places = np.asarray(heads)
    if places.shape != (n_players, 2):
        msg = f"Need {n_players} heads (layer, head), got an array of shape {places.shape}."
        raise ValueError(msg)
    if places.dtype.kind not in "iu" or places.min() < 0:
        msg = "The layer and the number of a head must be whole numbers from 0 on."
        raise ValueError(msg)
    if len(np.unique(places, axis=0)) < len(places):
        msg = "Two players are the same head."
        raise ValueError(msg)
    return places.astype(np.int64)


def _check_curves(curves: Mapping[str, Mapping[float, Sequence[float]]]) -> None:
    """Check what there is to draw of pruning."""
    if not curves:
        msg = "There is no method to draw."
        raise ValueError(msg)
    for name, curve in curves.items():
        if not curve or not all(len(runs) for runs in curve.values()):
            msg = f"{name} has no results, at least at one share."
            raise ValueError(msg)
        for share, runs in curve.items():
            if not 0 < share <= 1:
                msg = f"The share that is kept must be above 0 and at most 1, got {share}."
                raise ValueError(msg)
            if not np.isfinite(runs).all():
                msg = f"The results of {name} must be finite, got {list(runs)}."
                raise ValueError(msg)


def _new_axes(width: float, height: float) -> Axes:
    """Return axes in a figure of their own."""
    from matplotlib.figure import Figure as NewFigure  # noqa: PLC0415, slow to import

    figure = NewFigure(figsize=(width, height), facecolor="white")
    figure.set_layout_engine("constrained", w_pad=_PAD, h_pad=_PAD)
    return figure.add_subplot()


def _draw_cells(
    cells: np.ma.MaskedArray[Any, Any],
    limits: tuple[float, float],
    colours: str,
    label: str,
    axes: Axes | None,
) -> Axes:
    """Draw a heat map with a colour bar, the first row at the bottom."""
    if axes is None:
        size = min(_CELL, _LARGEST / max(cells.shape)) * np.array(cells.shape[::-1])
        axes = _new_axes(*np.maximum(_LEAST, size + _BESIDE).tolist())
    low, high = limits
    image = axes.imshow(
        cells, cmap=colours, vmin=low, vmax=high, origin="lower", interpolation="nearest"
    )
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(label, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    return axes


def _name_cells(axes: Axes, columns: Sequence[object], rows: Sequence[object]) -> None:
    """Write the names of columns and rows, and part the cells by lines."""
    for axis, names in ((axes.xaxis, columns), (axes.yaxis, rows)):
        step = math.ceil(len(names) / _MOST_TICKS)
        axis.set_ticks(range(0, len(names), step), [str(name) for name in names[::step]])
        axis.set_ticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.tick_params(which="both", length=0, labelsize=8)
    axes.grid(which="minor", color="white", linewidth=1)


def _draw_network(
    pairs: Mapping[tuple[int, ...], float], alone: Mapping[int, float], names: list[str]
) -> Figure:
    """Draw pairs of players and what these do alone by shapiq, the names around the circle."""
    from matplotlib import pyplot as plt  # noqa: PLC0415, slow to import
    from shapiq import InteractionValues as Explanation  # noqa: PLC0415, it imports matplotlib
    from shapiq.plot import network_plot  # noqa: PLC0415, as above

    # shapiq draws both on one scale, on which the many small interactions would vanish
    strongest = max(map(abs, pairs.values()))
    scale = strongest / (max(map(abs, alone.values())) or 1)
    number = {player: place for place, player in enumerate(alone)}  # shapiq draws all there are
    drawn: dict[tuple[int, ...], float]
    drawn = {(number[player],): scale * value for player, value in alone.items()}
    drawn |= {tuple(sorted(number[i] for i in pair)): value for pair, value in pairs.items()}
    reduced = Explanation(drawn, index="FBII", max_order=2, min_order=1, n_players=len(alone))
    room = 2 * math.pi / len(alone) / _NODE  # on the circle
    figure, axes = network_plot(  # type: ignore[misc]  # None only if it is to show the figure
        reduced, feature_names=names, node_size_scaling=min(1.0, 0.9 * room)
    )
    plt.close(figure)  # it stays whole, but the caller's alone
    side = max(_CIRCLE, _NAME * len(alone))
    figure.set_size_inches(side, side)
    for text in axes.texts:
        angle = math.degrees(math.atan2(*text.get_position()[::-1]))
        left = abs(angle) > 90  # noqa: PLR2004 degrees
        text.set(
            position=(_AWAY * math.cos(math.radians(angle)), _AWAY * math.sin(math.radians(angle))),
            rotation=angle + 180 if left else angle,
            rotation_mode="anchor",
            horizontalalignment="right" if left else "left",
            verticalalignment="center",
            fontsize=9,
        )
    axes.set_position((0.02, 0.07, 0.96, 0.88))
    axes.set_aspect("equal", adjustable="box")
    axes.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH))
    return figure


def _finish(axes: Axes, title: str | None) -> Figure:
    """Write the title, and return the figure."""
    from matplotlib.figure import Figure as Whole  # noqa: PLC0415, slow to import

    if title:
        axes.set_title(title, fontsize=11, color=_INK, fontweight="bold", loc="left")
    figure = axes.figure
    while not isinstance(figure, Whole):  # axes of a subfigure
        figure = figure.figure
    return figure
