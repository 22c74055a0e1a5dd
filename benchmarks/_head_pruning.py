"""Which heads to keep, by several methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from _linear import fit_lasso_cv

from shapiq_spex import ProxySPEX, best_subset
from shapiq_spex.games.heads._ablation import Switches, switching
from shapiq_spex.games.heads._batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapiq_spex import StoredGame
    from shapiq_spex.games import HeadAblationGame

_ROWS = 16  # in a pass with gradients
_SAMPLED = 64  # subsets of the size in question


class Watched:
    """A game that remembers its masks and values."""

    def __init__(self, game: Callable[[np.ndarray], np.ndarray]) -> None:
        """Watch a game."""
        self._game, self._seen = game, list[tuple[np.ndarray, np.ndarray]]()

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Evaluate masks."""
        values = self._game(masks)
        self._seen.append((np.array(masks, dtype=bool), values))
        return values

    @property
    def ablations(self) -> tuple[np.ndarray, np.ndarray]:
        """The masks and values so far."""
        masks, values = zip(*self._seen, strict=True)
        return np.vstack(masks), np.concatenate(values)


def choose_heads(
    game: StoredGame, keeps: list[float], budget: int, seed: int
) -> dict[str, dict[float, list[np.ndarray]]]:
    """Choose the heads to keep.

    Args:
        game: The game of the examples to choose by.
        keeps: Which shares to keep.
        budget: How many masks to evaluate.
        seed: The seed of the masks.

    Returns:
        For each method and share the masks, more than one where the mean of their results counts.
    """
    n, rng = game.n_players, np.random.default_rng([seed, 7])
    approximator = ProxySPEX(n, max_order=2, index="FBII", random_state=seed)
    seen = Watched(game)
    approximator.approximate(budget, seen)
    spectrum, (masks, values) = approximator.spectrum, seen.ablations
    sizes = {keep: round(keep * n) for keep in keeps}
    ranked: dict[str, np.ndarray] = {
        "LASSO": fit_lasso_cv(masks, values).coef_,
        "one head off": _one_off(game),
        "gradients (Michel et al.)": _gradients(game.game),
    }
    found: dict[str, dict[float, list[np.ndarray]]] = {
        "ProxySPEX": {k: [best_subset(spectrum, s).mask] for k, s in sizes.items()},
        "ProxySPEX, tried": {
            k: [best_subset(spectrum, s, game=game).mask] for k, s in sizes.items()
        },
    }
    for name, scores in ranked.items():
        found[name] = {k: [_highest(scores, size)] for k, size in sizes.items()}
    # with as many trials as the best subset has
    found["LASSO, tried"] = {
        k: [_best_of(game, _disturbed(ranked["LASSO"], size, rng))] for k, size in sizes.items()
    }
    found["best of 64 sampled"] = {
        k: [_best_of(game, [_random(n, size, rng) for _ in range(_SAMPLED)])]
        for k, size in sizes.items()
    }
    found["random"] = {k: [_random(n, size, rng) for _ in range(5)] for k, size in sizes.items()}
    return found


def _highest(scores: np.ndarray, size: int) -> np.ndarray:
    """Keep the heads of the highest scores."""
    mask = np.zeros(len(scores), dtype=bool)
    mask[np.argsort(-scores, kind="stable")[:size]] = True
    return mask


def _disturbed(scores: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Keep the highest, with as many and as large disturbances as `best_subset` tries."""
    scale = np.sqrt((scores**2).mean())
    strengths = [0.0] + [(0.25, 0.5, 1.0)[trial % 3] for trial in range(1, 32)]
    noise = rng.normal(size=(32, len(scores)))
    return [_highest(scores + s * scale * e, size) for s, e in zip(strengths, noise, strict=True)]


def _random(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Keep heads at random."""
    mask = np.zeros(n, dtype=bool)
    mask[rng.choice(n, size, replace=False)] = True
    return mask


def _best_of(game: Callable[[np.ndarray], np.ndarray], masks: list[np.ndarray]) -> np.ndarray:
    """Return the mask of the highest value."""
    return masks[int(game(np.array(masks)).argmax())]


def _one_off(game: StoredGame) -> np.ndarray:
    """Return what is lost if one head is off."""
    values = game(
        np.vstack([np.ones(game.n_players, dtype=bool), ~np.eye(game.n_players, dtype=bool)])
    )
    return values[0] - values[1:]


def _gradients(game: HeadAblationGame) -> np.ndarray:
    """Return the mean size of the loss's gradient by each head, over the layer's norm.

    Michel et al.: Are sixteen heads really better than one? NeurIPS 2019, section 4.1.
    """
    model, layers, prepared = game._model, game._layers, game._evaluator.prepared  # noqa: SLF001 no more than it has
    total = [torch.zeros(layer.n_heads) for layer in layers]
    for start in range(0, len(prepared.rows), _ROWS):
        rows = np.arange(len(prepared.rows))[start : start + _ROWS]
        kept = [torch.ones(len(rows), layer.n_heads, requires_grad=True) for layer in layers]
        batch = Batch(rows, prepared.rows, model.device, 0)
        with (
            switching(layers, [Switches(each) for each in kept]),
            prepared.reader.reading(model, rows.tolist(), 1, 0),
        ):
            read = prepared.reader.read(model(**batch.inputs(1)), rows.tolist(), batch.mask)
        right = torch.from_numpy(prepared.right[rows])
        loss = -read.log_softmax(-1)[torch.arange(len(rows)), right].sum()
        for layer, gradient in enumerate(torch.autograd.grad(loss, kept)):
            total[layer] += gradient.abs().sum(dim=0)
    scores = [each / each.norm() for each in total]
    return np.array([float(scores[layer][head]) for layer, head in game.heads])
