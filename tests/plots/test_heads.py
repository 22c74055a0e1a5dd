"""Tests of the figures of attention heads."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from shapiq import InteractionValues

from shapiq_spex import FourierSpectrum
from shapiq_spex.plots import plot_head_network, plot_heads, plot_layers, plot_pruning

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

HEADS = [(2, 1), (2, 0), (4, 0), (4, 2)]
VALUES = {(): 9.0, (0,): 1.0, (1,): -3.0, (3,): 0.5, (0, 1): 5.0, (1, 2): -2.0, (0, 3): 0.25}
EXPLANATION = InteractionValues(
    VALUES, index="FBII", max_order=2, min_order=0, n_players=4, baseline_value=9.0
)
SPECTRUM = FourierSpectrum(4, [(0,), (0, 1), (1, 2), (0, 2, 3)], [9.0, 1.0, 2.0, 3.0])
CURVES = {
    "ProxySPEX": {0.5: [0.7, 0.8], 0.83: [0.9, 0.9], 2 / 3: [0.85, 0.87, 0.95]},
    "random": {0.5: [0.4], 2 / 3: [0.5, 0.6]},
}
FIGURES: dict[str, Callable[[], Figure]] = {
    "heads": lambda: plot_heads(EXPLANATION, HEADS, title="A title"),
    "layers": lambda: plot_layers(SPECTRUM, [2, 2, 4, 4], title="A title"),
    "network": lambda: plot_head_network(EXPLANATION, HEADS, title="A title"),
    "pruning": lambda: plot_pruning(CURVES, whole=0.97, title="A title"),
}


def ticks(axes: Axes) -> tuple[list[str], list[str]]:
    """Return what is written at the ticks, across and up."""
    columns, rows = axes.get_xticklabels(), axes.get_yticklabels()
    return [text.get_text() for text in columns], [text.get_text() for text in rows]


def many(seed: int = 0) -> tuple[InteractionValues, list[tuple[int, int]]]:
    """Return an explanation of all pairs of 72 heads."""
    values = np.random.default_rng(seed).normal(size=(72, 72))
    found = {(i, j): float(values[i, j]) for i in range(72) for j in range(i)}
    found = {tuple(sorted(pair)): value for pair, value in found.items()}
    found |= {(i,): float(values[i, i]) for i in range(72)}
    explanation = InteractionValues(found, index="FBII", max_order=2, min_order=1, n_players=72)
    return explanation, [(layer, head) for layer in range(6) for head in range(12)]


def test_heads_lie_where_they_belong() -> None:
    """Layers from the bottom up, heads across; one without a value is 0, one not there is grey."""
    axes, bar = plot_heads(EXPLANATION, HEADS).axes
    shown = axes.images[0].get_array()
    expected = [[-3, 1, np.nan], [np.nan] * 3, [0, np.nan, 0.5]]
    np.testing.assert_array_equal(shown.filled(np.nan), expected)
    assert axes.images[0].origin == "lower"
    assert ticks(axes) == (["0", "1", "2"], ["2", "3", "4"])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("head  (grey: not in the game)", "layer")
    assert bar.get_ylabel() == "FBII of the head"


def test_colours_are_even_around_nothing() -> None:
    """Red and blue reach as far, white is 0, and what is missing shows through as grey."""
    figure = plot_heads(EXPLANATION, HEADS)
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-3, 3)
    red, green, blue, _ = image.to_rgba(np.array([[3.0]]))[0, 0]
    assert red > max(green, blue)
    red, green, blue, _ = image.to_rgba(np.array([[-3.0]]))[0, 0]
    assert blue > max(green, red)
    assert min(image.to_rgba(np.array([[0.0]]))[0, 0]) > 0.95
    assert len(set(to_rgb(figure.axes[0].get_facecolor()))) == 1
    assert to_rgb(figure.axes[0].get_facecolor())[0] < 0.9


def test_numbers_can_be_drawn_as_well() -> None:
    """One for each head, with a label of one's own; all 0 is all white."""
    axes, bar = plot_heads([0, 0], [(0, 0), (0, 1)], label="share").axes
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0, 0]])
    assert axes.images[0].get_clim() == (-1, 1)
    assert axes.get_xlabel() == "head"
    assert bar.get_ylabel() == "share"


def test_layers_are_drawn_once_each_in_percent() -> None:
    """Energies 1 in (2, 2), 4 + 9 * 2 / 3 in (4, 2) and 9 / 3 in (4, 4), of 14."""
    axes, bar = plot_layers(SPECTRUM, [2, 2, 4, 4]).axes
    shown = axes.images[0].get_array()
    np.testing.assert_array_equal(shown.mask, [[False, True], [False, False]])
    np.testing.assert_allclose(shown.compressed(), np.array([1, 10, 3]) / 14 * 100, rtol=1e-12)
    assert axes.images[0].get_clim() == pytest.approx((0, 1000 / 14))
    assert axes.images[0].origin == "lower"
    assert ticks(axes) == (["2", "4"], ["2", "4"])
    assert bar.get_ylabel() == "% of interaction energy"


def test_of_many_layers_some_are_named() -> None:
    """Names stay apart, and right."""
    spectrum = FourierSpectrum(70, [(0, 69)], [1.0])
    axes, _ = plot_layers(spectrum, range(70)).axes
    names = [str(layer) for layer in range(0, 70, 3)]
    assert ticks(axes) == (names, names)
    assert list(axes.get_xticks()) == [int(name) for name in names]


def test_the_network_has_the_strongest_pairs_alone() -> None:
    """With their heads, layer by layer, and in the colours of their signs."""
    figure = plot_head_network(EXPLANATION, HEADS, count=2)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["L2H0", "L2H1", "L4H0"]
    patches = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
    lines = [to_rgb(patch.get_facecolor()) for patch in patches][:2]
    assert sorted(red > blue for red, _, blue in lines) == [False, True]
    assert "the 2 strongest of 3 pairs, up to 5 " in figure.texts[0].get_text()
    assert "heads alone, up to 3\n" in figure.texts[0].get_text()


def test_the_network_shows_all_pairs_if_there_are_fewer() -> None:
    """The count is a limit."""
    figure = plot_head_network(EXPLANATION, HEADS)
    assert len(figure.axes[0].texts) == 4
    assert "the 3 strongest of 3 pairs" in figure.texts[0].get_text()


@pytest.mark.parametrize("count", [30, 300])
def test_names_in_the_network_do_not_overlap(count: int) -> None:
    """Nor do they leave the figure, also with 72 heads, which they do in shapiq's own plot."""
    figure = plot_head_network(*many(), count=count, title="A title")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    width, height = figure.get_size_inches() * figure.dpi
    places = [axes.transData.transform(text.get_position()) for text in axes.texts]
    apart = min(np.linalg.norm(places[i] - places[i - 1]) for i in range(len(places)))
    tall = axes.texts[0].get_fontsize() / 72 * figure.dpi
    assert apart > tall
    for text in (*axes.texts, *figure.texts, axes.title):
        box = text.get_window_extent()
        assert 0 < box.x0 < box.x1 < width
        assert 0 < box.y0 < box.y1 < height


def test_lines_of_pruning_are_means_with_deviations() -> None:
    """In order of the shares; a single run has no bar; the whole model is a dashed line."""
    (axes,) = plot_pruning(CURVES, whole=0.97).axes
    first, second = axes.containers
    np.testing.assert_allclose(
        first.lines[0].get_xydata(), [[0.5, 0.75], [2 / 3, 0.89], [0.83, 0.9]]
    )
    np.testing.assert_allclose(second.lines[0].get_xydata(), [[0.5, 0.4], [2 / 3, 0.55]])
    (bars,) = first.lines[2]
    spans = [segment[:, 1] for segment in bars.get_segments()]
    deviations = [np.std(CURVES["ProxySPEX"][share], ddof=1) for share in (0.5, 2 / 3, 0.83)]
    np.testing.assert_allclose(np.ptp(spans, axis=1) / 2, deviations, atol=1e-12)
    (bars,) = second.lines[2]
    reach = [np.ptp(segment[:, 1]) for segment in bars.get_segments() if len(segment)]
    assert np.count_nonzero(np.nan_to_num(reach)) == 1
    assert ticks(axes)[0] == ["50%", "66.7%", "83%"]
    (whole,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert list(whole.get_ydata()) == [0.97, 0.97]
    written = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(written) == ["ProxySPEX", "random", "whole model"]
    assert axes.get_ylabel() == "accuracy on held-out examples"


def test_methods_differ_and_stand_beside_each_other() -> None:
    """Two that do as well are both to be seen, and inside the axes."""
    same = {0.5: [0.7, 0.8], 0.83: [0.9, 0.9]}
    figure = plot_pruning({"a": same, "b": same}, label="score")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    first, second = (container.lines[0] for container in axes.containers)
    assert first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker()
    left, right = (line.get_transform().transform((0.5, 0.7)) for line in (first, second))
    assert right[0] - left[0] == pytest.approx(5 / 72 * figure.dpi)
    assert right[1] == left[1]
    assert min(axes.get_xlim()) < min(same) < max(same) < max(axes.get_xlim())
    assert min(axes.get_ylim()) < 0.7
    assert max(axes.get_ylim()) > 0.9
    assert axes.get_ylabel() == "score"


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_the_callers_alone(name: str) -> None:
    """They have their title, can be written, and pyplot does not keep them."""
    before = plt.get_fignums()
    figure = FIGURES[name]()
    titles = (figure.axes[0].get_title(loc) for loc in ("left", "center"))
    assert "A title" in titles
    file = io.BytesIO()
    figure.savefig(file)
    assert file.getvalue().startswith(b"\x89PNG")
    assert plt.get_fignums() == before


def test_given_axes_are_drawn_into() -> None:
    """Several can share a figure, in parts of it too."""
    figure = Figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    above, below = left.subplots(2)
    only = right.subplots()
    assert plot_heads(EXPLANATION, HEADS, axes=above) is figure
    assert plot_layers(SPECTRUM, [0, 0, 1, 1], axes=below) is figure
    assert plot_pruning(CURVES, axes=only) is figure
    assert len(above.images) == len(below.images) == 1
    assert len(only.containers) == 2
    figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        (HEADS[:3], r"Need 4 heads \(layer, head\), got an array of shape \(3, 2\)"),
        ([0, 1, 2, 3], "Need 4 heads"),
        ([(0, 0.5), *HEADS[1:]], "whole numbers from 0 on"),
        ([(0, -1), *HEADS[1:]], "whole numbers from 0 on"),
        ([HEADS[1], *HEADS[1:]], "Two players are the same head"),
    ],
)
def test_wrong_heads_are_refused(heads: list[tuple[int, int]], message: str) -> None:
    """Each player is one head."""
    with pytest.raises(ValueError, match=message):
        plot_heads(EXPLANATION, heads)
    with pytest.raises(ValueError, match=message):
        plot_head_network(EXPLANATION, heads)


def test_wrong_values_are_refused() -> None:
    """Values are finite numbers, one for each head, and there is something to draw."""
    for values in ([np.nan, 1.0, 2.0, 3.0], [[1.0, 2.0]], 1.0):
        with pytest.raises(ValueError, match="Need one finite value for each head"):
            plot_heads(values, HEADS)
    with pytest.raises(ValueError, match="Need 0 heads"):
        plot_heads([], HEADS)
    with pytest.raises(ValueError, match="no interactions to draw"):
        plot_layers(FourierSpectrum(2, [(), (0,)], [1.0, 2.0]), [0, 1])
    with pytest.raises(ValueError, match="Need 4 groups"):
        plot_layers(SPECTRUM, [0, 1])
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        plot_head_network(EXPLANATION, HEADS, count=0)
    with pytest.raises(ValueError, match="no interaction of two heads"):
        plot_head_network(EXPLANATION.get_n_order(1), HEADS)


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({}, "no method"),
        ({"a": {}}, "a has no results"),
        ({"a": {0.5: [1.0], 0.6: []}}, "a has no results"),
        ({"a": {0.0: [1.0]}}, "above 0 and at most 1, got 0"),
        ({"a": {66: [1.0]}}, "above 0 and at most 1, got 66"),
        ({"a": {0.5: [1.0, np.inf]}}, "results of a must be finite"),
    ],
)
def test_wrong_results_are_refused(
    curves: dict[str, dict[float, list[float]]], message: str
) -> None:
    """What cannot be drawn is an error."""
    with pytest.raises(ValueError, match=message):
        plot_pruning(curves)


def test_matplotlib_is_imported_only_to_draw() -> None:
    """Importing the module by itself imports no more of matplotlib than shapiq does."""
    code = (
        "import sys, runpy, shapiq_spex\n"
        "before = set(sys.modules)\n"
        f"runpy.run_path({sys.modules[plot_heads.__module__].__file__!r})\n"
        "assert not [m for m in set(sys.modules) - before if m.startswith('matplotlib')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 this test's own
