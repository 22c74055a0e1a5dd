"""Tests of the figure of training images that act together."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from shapiq_spex.plots import Partner, PartnersRow, plot_partners

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = load_digits().images
COLOUR = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def group(size: int, value: float) -> Partner:
    """Return a group of digits."""
    return Partner(DIGITS[:size], [f"digit {place}" for place in range(size)], value)


def texts(figure: Figure) -> list[str]:
    """Return what is written beside the images."""
    return [text.get_text() for text in figure.texts]


def captions(figure: Figure) -> list[str]:
    """Return what is written below the images."""
    return [axes.get_xlabel() for axes in figure.axes]


def test_all_images_and_texts_are_there() -> None:
    """Each row has its test image and groups, in order, under three headings and a title."""
    rows = [
        PartnersRow(DIGITS[9], "nine", [group(3, 1.25)], [group(2, -0.5), group(2, -0.25)]),
        PartnersRow(COLOUR, "automobile", [group(1, 0.031)]),
    ]
    figure = plot_partners(rows, title="A title")
    names = ["digit 0", "digit 1", "digit 2"]
    assert captions(figure) == ["nine", *names, *names[:2], *names[:2], "automobile", "digit 0"]
    assert texts(figure) == [
        "A title",
        "test image",
        "synergistic: together more than each alone",
        "redundant: each stands in for the others",
        "+1.25",
        "−0.50",  # noqa: RUF001 a minus as it is printed
        "−0.25",  # noqa: RUF001 as above
        "+0.03",
        "none found",
    ]
    shown = [axes.images[0].get_array() for axes in figure.axes]
    np.testing.assert_array_equal(shown[0], DIGITS[9])
    np.testing.assert_array_equal(shown[8], COLOUR)


@pytest.mark.parametrize("n_rows", [1, 8])
def test_nothing_overlaps_or_leaves_the_figure(n_rows: int) -> None:
    """Images, values, captions of several lines and headings keep clear of each other."""
    long = Partner([COLOUR] * 3, ["an automobile of three lines"] * 3, -12345.6)
    row = PartnersRow(COLOUR, "automobile, too", [long, group(2, 1)], [long])
    figure = plot_partners([row] * n_rows, title="A title")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts]
    for axes in figure.axes:
        boxes += [axes.get_window_extent(), axes.xaxis.label.get_window_extent()]
    width, height = figure.get_size_inches() * figure.dpi
    for place, box in enumerate(boxes):
        assert box.x0 > 0
        assert box.y0 > 0
        assert box.x1 < width
        assert box.y1 < height
        assert box.count_overlaps(boxes[:place]) == 0


@pytest.mark.parametrize(
    ("image", "limits"),
    [
        (COLOUR[..., 0], (0, 255)),
        (COLOUR[..., 0] / 255, (0, 1)),
        (DIGITS[0], (0, 15)),
        (DIGITS[0] - 20, (-20, -5)),
        (DIGITS[0].astype(int).tolist(), (0, 15)),
        (COLOUR[..., 0] > 99, (0, 1)),
    ],
)
def test_black_and_white_follow_the_type(
    image: NDArray[np.generic], limits: tuple[float, float]
) -> None:
    """Bytes and shares keep their range; other numbers span from black to white."""
    (axes,) = plot_partners([PartnersRow(image, "")]).axes
    assert axes.images[0].get_clim() == limits


def test_colours_may_be_shares() -> None:
    """Colours from 0 to 1 are drawn as they are."""
    (axes,) = plot_partners([PartnersRow(COLOUR / 255, "")]).axes
    np.testing.assert_array_equal(axes.images[0].get_array(), COLOUR / 255)


def test_no_figure_of_pyplot_is_made() -> None:
    """The figure is the caller's alone, and can be written."""
    before = plt.get_fignums()
    file = io.BytesIO()
    plot_partners([PartnersRow(COLOUR, "")]).savefig(file)
    assert file.getvalue().startswith(b"\x89PNG")
    assert plt.get_fignums() == before


def test_a_given_figure_is_drawn_into() -> None:
    """A figure of one's own is taken, and made as large as needed."""
    figure = Figure(figsize=(1, 1))
    assert plot_partners([PartnersRow(COLOUR, "")], figure=figure) is figure
    assert figure.get_figwidth() > 5
    assert len(figure.axes) == 1


@pytest.mark.parametrize(
    ("largest", "shown"), [(1234.0, "+1234"), (1.0, "+1.00"), (0.0123, "+0.0123"), (0.0, "+0.0")]
)
def test_values_show_three_digits_of_the_largest(largest: float, shown: str) -> None:
    """There are as many decimals as the largest value needs."""
    assert shown in texts(plot_partners([PartnersRow(COLOUR, "", [group(2, largest)])]))


@pytest.mark.parametrize("shape", [(8,), (8, 8, 1), (8, 8, 4), (2, 8, 8, 3), (0, 8), ()])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """What is no image is an error, as a test image and in a group."""
    with pytest.raises(ValueError, match=r"has the shape \(h, w\) or"):
        PartnersRow(np.zeros(shape), "")
    with pytest.raises(ValueError, match=r"has the shape \(h, w\) or"):
        Partner([np.zeros(shape)], [""], 1.0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((8, 8), np.nan), "finite numbers"),
        (np.full((8, 8), "a"), "finite numbers"),
        (np.full((8, 8, 3), 2.0), r"from 0 to 1, got 2\.0 to 2\.0"),
        (np.full((8, 8, 3), 255), "from 0 to 1"),
    ],
)
def test_wrong_numbers_are_refused(image: NDArray[np.generic], message: str) -> None:
    """Numbers that cannot be drawn are an error."""
    with pytest.raises(ValueError, match=message):
        PartnersRow(image, "")


def test_wrong_groups_and_rows_are_refused() -> None:
    """Each image has a caption, each value is finite, and there is something to draw."""
    with pytest.raises(ValueError, match="1 captions for 2 images"):
        Partner([COLOUR, COLOUR], ["one"], 1.0)
    with pytest.raises(ValueError, match="0 captions for 0 images"):
        Partner([], [], 1.0)
    with pytest.raises(ValueError, match="must be finite, got nan"):
        Partner([COLOUR], ["one"], float("nan"))
    with pytest.raises(ValueError, match="no row"):
        plot_partners([])


def test_matplotlib_is_imported_only_to_draw() -> None:
    """Importing the module by itself does not import matplotlib."""
    code = (
        "import sys, runpy\n"
        "class Blocked:\n"
        "    def find_spec(self, name, *_):\n"
        "        assert not name.startswith('matplotlib'), name\n"
        "sys.meta_path.insert(0, Blocked())\n"
        f"runpy.run_path({sys.modules[plot_partners.__module__].__file__!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 this test's own
