"""Tests of the figures that compare explanation methods."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from shapiq_spex.plots import plot_comparison, plot_removal, plot_sparsity

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    Row = dict[str, Any]

NAN = math.nan
BUDGETS = (100, 300, 1000, 3000)


def run(method: str, budget: int = 100, r2: float = 0.5, **other: Any) -> Row:  # noqa: ANN401 any metric
    """Return a run, of the first repeat of one game unless said otherwise."""
    row: Row = {"game": "g", "n_players": 64, "repeat": 0, "error": "", "ablations": budget}
    row |= {"method": method, "budget": budget, "r2": r2, "r2_low": r2 - 0.1, "r2_high": r2 + 0.05}
    return row | {"cpu_seconds": budget / 50, "seconds": budget / 100, "peak_mib": 300.0} | other


def failure(method: str, budget: int = 100, **other: Any) -> Row:  # noqa: ANN401 any metric
    """Return a run that failed."""
    return run(method, budget, NAN, error="MemoryError: too many", **{"seconds": NAN} | other)


def many(n_methods: int, seed: int = 0) -> list[Row]:
    """Return runs of methods at all budgets, in 2 games with 3 repeats, whose lines cross."""
    random = np.random.default_rng(seed)
    names = ["proxyspex", "spex", "proxyspex-linear", *(f"method {i}" for i in range(n_methods))]
    return [
        run(name, budget, float(random.uniform(-0.2, 1)), game=game, repeat=repeat)
        | {"cpu_seconds": (place + 1) * budget / 100}
        for place, name in enumerate(names[:n_methods])
        for budget in BUDGETS
        for game in ("a", "b")
        for repeat in range(3)
    ]


def line(figure: Figure, method: str) -> Line2D:
    """Return the line of a method."""
    (found,) = [line for line in figure.axes[0].lines if line.get_label() == method]
    return found


def points(figure: Figure, method: str) -> list[tuple[float, float]]:
    """Return where the line of a method goes."""
    return [(float(x), float(y)) for x, y in line(figure, method).get_xydata()]


def markers(axes: Axes) -> list[tuple[float, float, str]]:
    """Return the open markers: where they are, and their form."""
    return [
        (float(x), float(y), str(line.get_marker()))
        for line in axes.lines
        if line.get_linestyle() == "None"
        for x, y in line.get_xydata()
    ]


def spans(figure: Figure) -> list[list[tuple[float, float]]]:
    """Return the lower and upper ends of the bands, of each method in the order of drawing."""
    found = []
    for band in figure.axes[0].collections:
        corners = [np.round(path.vertices, 6) for path in band.get_paths()]
        rows = np.concatenate(corners) if corners else np.empty((0, 2))
        xs = sorted({float(x) for x in rows[:, 0]})
        found.append(
            [
                (float(rows[rows[:, 0] == x, 1].min()), float(rows[rows[:, 0] == x, 1].max()))
                for x in xs
            ]
        )
    return [each for each in found if each]


def labels(figure: Figure) -> list[str]:
    """Return what is written at the ends of lines."""
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def note(figure: Figure) -> str:
    """Return what is written below, in one line."""
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def ticks(figure: Figure) -> list[str]:
    """Return what is written at the ticks across."""
    return [text.get_text() for text in figure.axes[0].get_xticklabels()]


def test_points_are_means_over_games_and_repeats() -> None:
    """Each game counts alike, however many repeats it has; bands span repeats of all games."""
    rows = [
        run("spex", budget, r2, game=game, repeat=repeat)
        for budget, more in ((100, 0.0), (300, 0.1))
        for game, repeat, r2 in (
            ("a", 0, 0.2 + more),
            ("a", 1, 0.4 + more),
            ("b", 0, 0.5 + more),
            ("b", 1, 0.9 + more),
        )
    ]
    figure = plot_comparison(rows)
    np.testing.assert_allclose(points(figure, "spex"), [(100, 0.5), (300, 0.6)])
    assert spans(figure) == [[(0.35, 0.65), (0.45, 0.75)]]
    assert note(figure) == "Means of 2 games and 2 repeats. Bands: lowest to highest repeat."
    uneven = plot_comparison([row for row in rows if row["game"] == "a" or row["repeat"] == 0])
    np.testing.assert_allclose(points(uneven, "spex"), [(100, 0.4), (300, 0.5)])


def test_bands_span_games_where_there_is_one_repeat() -> None:
    """Games of one name and several sizes are several games."""
    rows = [
        run("spex", budget, r2, n_players=n)
        for budget in BUDGETS
        for n, r2 in ((8, 0.5), (16, 0.7))
    ]
    figure = plot_comparison(rows)
    assert spans(figure) == [[(0.5, 0.7)] * 4]
    assert note(figure) == "Means of 2 games. Bands: lowest to highest game."


def test_bands_can_be_left_out() -> None:
    """Without them nothing is said of them, and the lines are the same."""
    rows = [
        run("spex", budget, r2, game=game)
        for budget in BUDGETS
        for game, r2 in (("a", 0.5), ("b", 0.7))
    ]
    figure = plot_comparison(rows, bands=False)
    assert all(low == high for line in spans(figure) for low, high in line)
    assert note(figure) == "Means of 2 games."
    np.testing.assert_allclose(points(figure, "spex"), points(plot_comparison(rows), "spex"))


def test_bands_are_estimates_of_single_runs() -> None:
    """Only R² has one then."""
    rows = [run("spex", budget) for budget in BUDGETS]
    figure = plot_comparison(rows)
    assert spans(figure) == [[(0.4, 0.55)] * 4]
    assert note(figure) == "Bands: 95% intervals of R²."
    assert not spans(plot_comparison(rows, "seconds"))
    assert not note(plot_comparison(rows, "seconds"))


def test_a_band_at_a_single_point_is_a_bar() -> None:
    """It would have no width."""
    assert spans(plot_comparison([run("spex")])) == [[(0.4, 0.55)]]


def test_r2_is_drawn_from_0_to_1() -> None:
    """What is below is a triangle at the lower end, its number in the label if it is the last."""
    rows = [
        run("lime", budget, r2) for budget, r2 in zip(BUDGETS, (-9, 0.5, 0.6, -2.345), strict=True)
    ]
    figure = plot_comparison([*rows, *(run("spex", budget, -1e9) for budget in BUDGETS)])
    (axes,) = figure.axes
    assert axes.get_ylim() == (0, 1)
    assert points(figure, "lime") == [(100, 0), (300, 0.5), (1000, 0.6), (3000, 0)]
    below = [(100, 0, "v"), (3000, 0, "v")] + [(x, 0, "v") for x in BUDGETS]
    assert sorted(markers(axes)) == sorted(below)
    assert labels(figure) == ["lime (−2.3)", "spex (< −1,000)"]  # noqa: RUF001 as printed
    assert "Triangles on the axis: below 0." in note(figure)


def test_triangles_stand_beside_each_other() -> None:
    """All methods that are below can be counted, inside the axes."""
    figure = plot_comparison([run(f"m{i}", b, -1.0) for b in BUDGETS for i in range(8)])
    figure.draw_without_rendering()
    (axes,) = figure.axes
    drawn = [line for line in axes.lines if line.get_marker() == "v"]
    places = sorted(line.get_transform().transform(line.get_xydata()[0])[0] for line in drawn)
    assert len(drawn) == 32
    assert np.diff(places).min() * 72 / figure.dpi > 4
    box = axes.get_window_extent()
    assert box.x0 < places[0] < places[-1] < box.x1


def test_a_line_stops_where_its_method_fails() -> None:
    """The note says where, once for methods that fail alike, and briefly."""
    good = [run(name, budget) for budget in BUDGETS[:2] for name in ("lasso", "spex", "faith")]
    good += [run("lasso", budget) for budget in BUDGETS[2:]]
    bad = [failure(name, budget) for budget in BUDGETS[2:] for name in ("spex", "faith")]
    bad += [failure("gone", budget) for budget in BUDGETS]
    bad += [failure("first", 100), run("first", 300), failure("first", 1000), run("first", 3000)]
    figure = plot_comparison(good + bad)
    np.testing.assert_array_equal(
        np.isfinite(points(figure, "spex"))[:, 1], [True, True, False, False]
    )
    assert sorted(labels(figure)) == ["faith", "first", "lasso", "spex"]
    assert markers(figure.axes[0]) == []
    assert (
        "Fails at every budget: gone; at budget 100 and 1,000: first; "
        "at budget ≥ 1,000: spex and faith."
    ) in note(figure)


def test_means_of_some_runs_have_open_markers() -> None:
    """Whether runs failed, have no value, or are of fewer games than others'."""
    rows = [
        run(name, budget, game=game)
        for name in ("lasso", "spex", "lime", "few")
        for budget in BUDGETS
        for game in ("a", "b")
        if (name, budget, game) != ("few", 3000, "b")
    ]
    rows[0] |= failure("lasso", game="a")
    rows[-3] |= {"r2": NAN}
    figure = plot_comparison(rows)
    assert sorted((x, y) for x, y, _ in markers(figure.axes[0])) == [
        (100, 0.5),
        (1000, 0.5),
        (3000, 0.5),
    ]
    assert line(figure, "lasso").get_markevery() == [1, 2, 3]
    assert (
        "Open markers: mean without the runs that failed, at budget 100: lasso. "
        "Open markers: mean of the runs that have a value, at budget ≥ 1,000: few."
    ) in note(figure)


def test_what_was_not_measured_has_not_failed() -> None:
    """A method without recall, say, is named by itself; empty errors may be read as NaN."""
    rows = [run("spex", b, recall=0.7, error=NAN) for b in BUDGETS]
    rows += [run("shap", b, recall=NAN) for b in BUDGETS]
    figure = plot_comparison(rows, "recall")
    assert labels(figure) == ["spex"]
    assert note(figure) == "No value at every budget: shap."
    assert figure.axes[0].get_ylabel() == "recall"


@pytest.mark.parametrize(
    ("xs", "written"),
    [
        (BUDGETS, ["100", "300", "1,000", "3,000"]),
        ((100, 110, 1000), ["100", "1,000"]),
        ((500,), ["500"]),
    ],
)
def test_budgets_are_written_so_that_they_fit(xs: tuple[int, ...], written: list[str]) -> None:
    """On a logarithmic axis, without powers of ten, and none upon another."""
    figure = plot_comparison([run("spex", budget) for budget in xs])
    assert figure.axes[0].get_xscale() == "log"
    assert ticks(figure) == written
    assert figure.axes[0].get_xlabel() == "budget (ablations)"


def test_sizes_have_the_largest_budget_of_each() -> None:
    """Means never mix budgets, and the axis says which there are."""
    sizes = [2**i for i in range(4, 13)]
    rows = [run("spex", b * n, 0.1 * b, n_players=n) for n in sizes for b in (1, 8)]
    rows.append(failure("faith", 8 * 4096, n_players=4096))
    figure = plot_comparison(rows, x="n_players")
    np.testing.assert_allclose(points(figure, "spex"), [(n, 0.8) for n in sizes])
    assert ticks(figure)[::4] == ["16", "256", "4,096"]
    assert figure.axes[0].get_xlabel() == "players (128 to 32,768 ablations)"
    assert "Fails at n = 4,096: faith." in note(figure)
    even = plot_comparison([run("spex", 1000, n_players=n) for n in sizes], x="n_players")
    assert even.axes[0].get_xlabel() == "players (1,000 ablations)"


def test_seconds_are_those_of_each_budget() -> None:
    """Points lie at the mean of the runs that have a value, in order of the budgets."""
    rows = [
        run("spex", b, repeat=r, cpu_seconds=b * (1 + r) / 100) for b in BUDGETS for r in range(3)
    ]
    rows[2] |= failure("spex", repeat=2) | {"cpu_seconds": 1e6}
    figure = plot_comparison(rows, x="cpu_seconds")
    np.testing.assert_allclose([x for x, _ in points(figure, "spex")], [1.5, 6, 20, 60])
    assert figure.axes[0].get_xscale() == "log"
    assert ticks(figure) == ["2", "5", "10", "20", "50"]
    assert "CPU seconds" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize(
    ("metric", "scale", "label"),
    [
        ("seconds", "log", "seconds"),
        ("cpu_seconds", "log", "CPU seconds"),
        ("peak_mib", "log", "peak memory (MiB)"),
        ("terms", "linear", "Fourier terms"),
        ("r2_top_10", "linear", "R² of the 10 strongest terms"),
        ("removal_0.1", "linear", "Δ(10%)"),
        ("removal_5", "linear", "Δ(5)"),
    ],
)
def test_other_metrics_scale_by_themselves(metric: str, scale: str, label: str) -> None:
    """Costs are logarithmic, all R² go from 0 to 1, and all is inside the axes."""
    rows = [run("spex", b) | {metric: b / 3000} for b in BUDGETS]
    figure = plot_comparison(rows, metric)
    (axes,) = figure.axes
    assert (axes.get_yscale(), axes.get_ylabel()) == (scale, label)
    low, high = axes.get_ylim()
    assert (low, high) == (0, 1) if "r2" in metric else low < 100 / 3000 < 1 < high
    assert axes.get_yticklabels()


def test_costs_of_0_can_be_drawn() -> None:
    """A coarse clock makes axes linear, across and up."""
    rows = [run("spex", b, seconds=0.0, cpu_seconds=0.0) for b in BUDGETS]
    (axes,) = plot_comparison(rows, "seconds", "cpu_seconds").axes
    assert axes.get_xscale() == axes.get_yscale() == "linear"


def test_ours_stand_out() -> None:
    """They are thick and orange or blue, variants in tints; no two look alike."""
    figure = plot_comparison(many(8))
    lines = {name: line(figure, name) for name in sorted({row["method"] for row in many(8)})}
    assert lines["proxyspex"].get_color() == "#c2410c"
    assert lines["spex"].get_color() == "#1864ab"
    assert lines["proxyspex-linear"].get_color() not in {"#c2410c", "#1864ab"}
    ours = [name for name in lines if "spex" in name]
    thin = max(lines[name].get_linewidth() for name in lines if name not in ours)
    assert min(lines[name].get_linewidth() for name in ours) > thin
    looks = {(each.get_marker(), str(each._dash_pattern)) for each in lines.values()}
    assert len(looks) == len({each.get_color() for each in lines.values()}) == 8


def test_methods_look_alike_in_all_figures() -> None:
    """Those of a few of them too, in the order of nothing but the rows."""
    rows = many(8)
    some = plot_comparison(rows, methods=["method 3", "spex"])
    every = plot_comparison(rows)
    assert sorted(labels(some)) == ["method 3", "spex"]
    for name in ("method 3", "spex"):
        assert line(some, name).get_color() == line(every, name).get_color()
        assert line(some, name).get_marker() == line(every, name).get_marker()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("x", ["budget", "cpu_seconds"])
def test_labels_lie_at_line_ends_and_do_not_overlap(x: Any, seed: int) -> None:  # noqa: ANN401 a literal
    """Nor does anything leave the figure."""
    rows = many(8, seed)
    for row in rows:
        if row["method"] == "method 1" and row["budget"] > 300:
            row.update({"r2": NAN, "error": "MemoryError"})
    figure = plot_comparison(rows, x=x, title="A title")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [text for text in axes.texts if text.get_text()]
    assert len(texts) == 8
    assert axes.get_legend() is None
    boxes = [text.get_window_extent() for text in texts]
    for place, box in enumerate(boxes):
        assert box.count_overlaps(boxes[:place]) == 0
    width, height = figure.get_size_inches() * figure.dpi
    for box in (*boxes, figure.texts[0].get_window_extent(), axes.get_tightbbox()):
        assert 0 < box.x0 < box.x1 < width
        assert 0 < box.y0 < box.y1 < height
    assert figure.texts[0].get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0


def test_labels_keep_the_order_of_the_lines() -> None:
    """Those that end at nearly the same height too."""
    rows = [run(f"m{i}", b, 0.9 + i / 1000) for b in BUDGETS for i in (3, 1, 0, 2)]
    texts = [text for text in plot_comparison(rows).axes[0].texts if text.get_text()]
    texts.sort(key=lambda text: text.get_window_extent().y0)
    assert [text.get_text() for text in texts] == ["m0", "m1", "m2", "m3"]


def test_many_methods_have_a_legend() -> None:
    """In the order in which their lines end, from the top."""
    figure = plot_comparison(many(9))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    names = [text.get_text() for text in legend.get_texts()]
    ends = [points(figure, name)[-1][1] for name in names]
    assert len(names) == 9
    assert ends == sorted(ends, reverse=True)
    assert labels(figure) == []


def test_sparsity_has_a_point_for_each_number_of_terms() -> None:
    """And one for all terms at the right, at the largest budget unless said otherwise."""
    rows = [
        run("spex", b, r2_top_10=b / 1e4, r2_top_100=b / 5e3, r2_top_1000=b / 4e3, r2_shifted=0.9)
        for b in BUDGETS
    ]
    figure = plot_sparsity([*rows, failure("lime", 3000)], title="A title")
    np.testing.assert_allclose(
        points(figure, "spex"), [(10, 0.3), (100, 0.6), (1000, 0.75), (10000, 0.9)]
    )
    assert ticks(figure) == ["10", "100", "1,000", "all"]
    assert figure.axes[0].get_ylim() == (0, 1)
    assert note(figure) == "Budget 3,000. Fails: lime."
    other = plot_sparsity(rows, budget=1000)
    np.testing.assert_allclose([y for _, y in points(other, "spex")], [0.1, 0.2, 0.25, 0.9])
    for row in rows:
        del row["r2_shifted"]
    assert ticks(plot_sparsity(rows)) == ["10", "100", "1,000"]


def test_removal_has_a_point_for_each_share() -> None:
    """Numbers of players are drawn only where there are no shares."""
    rows = [
        run("spex", b, **{"removal_0.3": 0.5, "removal_0.1": 0.2, "removal_5": 9.0})
        for b in BUDGETS
    ]
    figure = plot_removal(rows)
    assert points(figure, "spex") == [(0.1, 0.2), (0.3, 0.5)]
    assert ticks(figure) == ["10%", "30%"]
    assert figure.axes[0].get_ylabel() == "Δ(r), higher is better"
    counts = plot_removal([run("spex", removal_5=0.4, removal_50=1.5)])
    assert points(counts, "spex") == [(5, 0.4), (50, 1.5)]
    assert ticks(counts) == ["5", "50"]
    assert counts.axes[0].get_xlabel() == "number of players removed, r"


@pytest.mark.parametrize("draw", [plot_comparison, plot_sparsity, plot_removal])
def test_figures_are_the_callers_alone(draw: Callable[..., Figure]) -> None:
    """They have their title, can be written, and pyplot does not keep them."""
    before = plt.get_fignums()
    rows = [run("spex", b, r2_top_10=0.4, **{"removal_0.1": 0.3}) for b in BUDGETS]
    figure = draw(rows, title="A title")
    assert figure.axes[0].get_title("left") == "A title"
    file = io.BytesIO()
    figure.savefig(file)
    assert file.getvalue().startswith(b"\x89PNG")
    assert plt.get_fignums() == before


@pytest.mark.parametrize("draw", [plot_comparison, plot_sparsity, plot_removal])
def test_wrong_rows_are_refused(draw: Callable[..., Figure]) -> None:
    """There is something to draw, or it says what is missing."""
    metrics = {"r2_top_10": 0.4, "removal_0.1": 0.3}
    with pytest.raises(ValueError, match="no rows"):
        draw([])
    with pytest.raises(ValueError, match="Row 1 has no method, budget"):
        draw([run("spex"), {"game": "g", "n_players": 3, "repeat": 0}])
    with pytest.raises(ValueError, match=r"no methods \['lime'\]; there are spex, lasso"):
        draw([run("spex"), run("lasso")], methods=["lime", "spex"])
    with pytest.raises(ValueError, match=r"no methods \[\]; there are spex"):
        draw([run("spex")], methods=[])
    failed = [failure("spex", b, **metrics) for b in BUDGETS]
    with pytest.raises(ValueError, match="runs failed by spex: MemoryError: too many"):
        draw(failed)
    nothing = dict.fromkeys(("r2", *metrics), NAN)
    with pytest.raises(ValueError, match="nothing to draw: no run has a value of"):
        draw([run("spex") | nothing])


def test_wrong_choices_are_refused() -> None:
    """They say what there is."""
    rows = [run("spex", b) for b in BUDGETS]
    with pytest.raises(
        ValueError, match="no metric 'game'; there are ablations, cpu_seconds, peak"
    ):
        plot_comparison(rows, "game")
    with pytest.raises(
        ValueError, match="x must be one of budget, n_players, cpu_seconds, got 'r'"
    ):
        plot_comparison(rows, x="r")  # type: ignore[arg-type]
    for draw in (plot_sparsity, plot_removal):
        with pytest.raises(ValueError, match="no budget 7; there are 100, 300, 1000, 3000"):
            draw(rows, budget=7)
    with pytest.raises(ValueError, match="such as r2_top_10"):
        plot_sparsity(rows)
    with pytest.raises(ValueError, match=r"such as removal_0\.1"):
        plot_removal(rows)
