"""Which training images act together on test images, as a picture.

    uv run examples/images.py                                  # digits, which are always there
    uv run examples/images.py --data fashion-mnist --folder /usr/share/datasets/fashion-mnist
    uv run --extra huggingface examples/images.py --data cifar10 --folder FOLDER --learner resnet

Retrainings are kept in a file: a second run, other test images or a larger budget pay for what is
new alone. The learners ``cnn`` and ``resnet`` need torch, and take hours where ``svm`` takes
seconds.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

import shapiq_spex
from shapiq_spex.games import (
    CIFAR10_CLASSES,
    FASHION_MNIST_CLASSES,
    DataSubsetGame,
    Margin,
    load_cifar10,
    load_mnist,
)
from shapiq_spex.plots import Partner, PartnersRow, plot_partners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

_CANDIDATES = 200  # test images, of which the hardest are explained
_WHITE = 255


class Data(NamedTuple):
    """Images of some classes."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    names: Sequence[str]


def load(options: argparse.Namespace) -> Data:
    """Load as many images for training as are asked for, each class as often, and some to test."""
    if options.data == "digits":
        digits = load_digits()
        images, labels = (digits.images * (_WHITE / 16)).astype(np.uint8), digits.target
        names: Sequence[str] = "0123456789"
    else:
        names, read = {
            "fashion-mnist": (FASHION_MNIST_CLASSES, load_mnist),
            "cifar10": (CIFAR10_CLASSES, load_cifar10),
        }[options.data]
        images, labels = read(options.folder, train=True)
    split = partial(train_test_split, random_state=options.seed)
    train, test, train_labels, test_labels = split(
        images, labels, train_size=options.images, test_size=_CANDIDATES, stratify=labels
    )
    return Data(train, train_labels, test, test_labels, names)


def make_learner(name: str) -> Any:  # noqa: ANN401 an estimator or a function
    """Return a learner of images."""
    if name == "svm":
        return make_pipeline(FunctionTransformer(_flatten), SVC())
    from torch_training import SmallCNN, SmallResNet, TrainNetwork  # noqa: PLC0415 needs torch

    return TrainNetwork({"cnn": SmallCNN, "resnet": SmallResNet}[name])


def _flatten(images: np.ndarray) -> np.ndarray:
    """Return images as rows of numbers from 0 to 1."""
    return images.reshape(len(images), -1) / _WHITE


def choose_hardest(game: DataSubsetGame, count: int) -> list[int]:
    """Return the test images whose answer is closest, by the model trained on everything."""
    outputs = game.outputs(np.ones((1, game.n_players), dtype=bool))
    margins = [abs(game.at(i).values(outputs)[0]) for i in range(len(game.value.y))]
    return np.argsort(margins)[:count].tolist()


def explain(game: DataSubsetGame, data: Data, options: argparse.Namespace) -> list[PartnersRow]:
    """Explain test images, all from the same retrainings."""
    rows = []
    for point in choose_hardest(game, options.rows):
        stored = shapiq_spex.StoredGame(game.at(point), options.store, progress=not rows)
        approximator = shapiq_spex.ProxySPEX(game.n_players, 2, "FBII", random_state=options.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how faithful it is stands in the caption
            approximator.approximate(options.budget, stored)
        caption = f"{data.names[data.test_labels[point]]} R² {approximator.cv_faithfulness:.2f}"
        found = {
            kind: [
                Partner(
                    [data.train[player] for player in group.players],
                    [data.names[data.train_labels[player]] for player in group.players],
                    group.value,
                )
                for group in shapiq_spex.partners(approximator.spectrum, kind=kind, count=2)
            ]
            for kind in ("synergy", "redundancy")
        }
        rows.append(PartnersRow(data.test[point], caption, found["synergy"], found["redundancy"]))
    return rows


def draw(options: argparse.Namespace) -> Figure:
    """Retrain, explain and draw."""
    data = load(options)
    value = Margin(data.test, data.test_labels)
    game = DataSubsetGame(make_learner(options.learner), data.train, data.train_labels, value=value)
    with joblib.parallel_config("loky", n_jobs=options.jobs):
        rows = explain(game, data, options)
    return plot_partners(rows, title=f"{options.data}, {options.learner}")


def main() -> None:
    """Read the options, and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", choices=["digits", "fashion-mnist", "cifar10"], default="digits")
    parser.add_argument("--folder", type=Path, help="where the images lie, unless digits")
    parser.add_argument("--learner", choices=["svm", "cnn", "resnet"], default="svm")
    parser.add_argument("--images", type=int, default=100, help="how many to train on")
    parser.add_argument("--rows", type=int, default=4, help="how many test images to explain")
    parser.add_argument("--budget", type=int, default=3000, help="how often to train")
    parser.add_argument("--jobs", type=int, default=-1, help="how many at the same time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, default=Path("retrainings.sqlite"))
    parser.add_argument("--picture", type=Path, default=Path("partners.png"))
    options = parser.parse_args()
    draw(options).savefig(options.picture, dpi=150)


if __name__ == "__main__":
    main()
