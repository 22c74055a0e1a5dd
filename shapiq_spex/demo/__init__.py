"""The command ``shapiq-spex demo``: a real model on real data, explained end to end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import shapiq
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from shapiq_spex.demo import digits, picture
from shapiq_spex.registration import register

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from shapiq.explainer.custom_types import ExplainerIndices

    from shapiq_spex.approximators import SPEX

_FRESH_MASKS = 1000
_LISTED = 6


@dataclass(frozen=True)
class Outcome:
    """What the demo found."""

    task: digits.Task
    """The network and the image."""

    explanation: shapiq.InteractionValues
    """What SPEX says about the image."""

    faithfulness: float
    """R2 of the predicted values on masks that the explanation has not seen."""

    cv_faithfulness: float
    """R2 as the approximator estimates it from its own masks."""

    n_ablations: int
    """How often the network was asked to explain the image."""

    seconds_training: float
    """Wall-clock seconds for training the network."""

    seconds_explaining: float
    """Wall-clock seconds for the explanation, ablations included."""

    def interactions(self) -> list[tuple[tuple[int, ...], float]]:
        """Return the interactions of two pixels and more, the strongest first."""
        values = self.explanation.interactions
        found = [(pixels, float(value)) for pixels, value in values.items() if len(pixels) > 1]
        return sorted(found, key=lambda item: (-abs(item[1]), item[0]))

    def report(self) -> str:
        """Say in words what was found."""
        task, digit = self.task, self.task.digit
        full, empty = task.model(np.stack([task.image, task.background.mean(axis=0)]))
        lines = [
            (
                f"Model         neural network on scikit-learn's digits, "
                f"{task.accuracy:.1%} of {task.n_held_out} held-out images right"
            ),
            (
                f"Explained     its lead for {digit} (logit of {digit} minus the best other): "
                f"{full:+.2f} for the image, {empty:+.2f} for the mean image"
            ),
            f"Ablations     {self.n_ablations:,} images with random pixels set to their mean",
            (
                f"Faithfulness  R2 = {self.faithfulness:.3f} on {_FRESH_MASKS:,} fresh masks "
                f"({self.cv_faithfulness:.3f} by cross-validation, at no extra ablation)"
            ),
            (
                f"Seconds       {self.seconds_training:.1f} to train, "
                f"{self.seconds_explaining:.1f} to explain"
            ),
        ]
        for order in range(2, self.explanation.max_order + 1):
            lines += ["", f"Strongest interactions of {order} pixels ({self.explanation.index})"]
            of_order = [found for found in self.interactions() if len(found[0]) == order]
            for pixels, value in of_order[:_LISTED]:
                lines.append(f"  {value:+7.3f}  {' x '.join(map(digits.pixel_name, pixels))}")
        lines += ["", f"+ speaks for {digit}, - against it, beyond what the pixels do alone"]
        return "\n".join(lines)


def run(
    *, budget: int, output: Path, seed: int, index: ExplainerIndices, max_order: int
) -> Outcome:
    """Train, explain, check the explanation on fresh masks and draw it.

    Args:
        budget: How many ablations the explanation may rest on.
        output: Where the picture goes.
        seed: Fixes everything that is drawn at random.
        index: The interaction index.
        max_order: The largest number of pixels in an interaction.

    Returns:
        What was found.

    Raises:
        ValueError: If the budget is too small for 64 pixels.
        OSError: If the picture cannot be written.
    """
    register()
    # The matrices are small: on a busy machine threads wait for each other ten times as long.
    with threadpool_limits(1):
        outcome = _find_out(budget=budget, seed=seed, index=index, max_order=max_order)
    picture.draw(
        outcome.task,
        outcome.explanation,
        outcome.interactions(),
        title=(
            f"Why does the network read this as a {outcome.task.digit}?  "
            f"{outcome.n_ablations:,} ablations, R² = {outcome.faithfulness:.2f} on fresh masks"
        ),
        output=output,
    )
    return outcome


def _find_out(*, budget: int, seed: int, index: ExplainerIndices, max_order: int) -> Outcome:
    """Train, explain, and check the explanation on fresh masks."""
    start = time.perf_counter()
    task = digits.train(seed)
    trained = time.perf_counter()
    explainer = shapiq.Explainer(  # type: ignore[abstract] # it turns into a TabularExplainer
        task.model,
        task.background,
        index=index,
        max_order=max_order,
        approximator="spex",
        imputer="baseline",
        random_state=seed,
    )
    explanation, n_ablations = _explain(explainer, task, budget)
    explained = time.perf_counter()
    approximator = cast("SPEX", explainer.approximator)
    return Outcome(
        task=task,
        explanation=explanation,
        faithfulness=_faithfulness(explainer.imputer, approximator, seed),
        cv_faithfulness=approximator.cv_faithfulness,
        n_ablations=n_ablations,
        seconds_training=trained - start,
        seconds_explaining=explained - trained,
    )


def _explain(
    explainer: shapiq.Explainer, task: digits.Task, budget: int
) -> tuple[shapiq.InteractionValues, int]:
    """Explain the image under a progress bar, and count the ablations where they happen."""
    # Without a rate: the approximator goes on computing when the last ablation is done.
    form = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}"
    with tqdm(total=budget, desc="Ablations", bar_format=form, mininterval=0) as bar:
        task.model.watch = bar.update
        explanation = explainer.explain(task.image, budget=budget)
        task.model.watch = None
        return explanation, int(bar.n)


def _faithfulness(game: shapiq.Game, approximator: SPEX, seed: int) -> float:
    """Return the R2 of the spectrum's predictions on uniform masks it has not been fitted to."""
    # Another stream than the approximator's, whose seeds begin with numbers of its own.
    rng = np.random.default_rng([seed, 1])
    masks = rng.random((_FRESH_MASKS, game.n_players)) < 0.5  # noqa: PLR2004 - a fair coin
    values = np.asarray(game(cast("Any", masks)), dtype=float)
    residuals: npt.NDArray[np.float64] = values - approximator.spectrum.evaluate(masks)
    return 1.0 - float(np.mean(residuals**2) / np.var(values))
