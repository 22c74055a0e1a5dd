"""Ablations a second, beside a plain loop over the masks."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from _common import markdown, progress

from shapiq_spex.games import HeadAblationGame, layers
from shapiq_spex.games.heads._structure import find_layers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from _head_models import Subject

_MASKS = 32
_ROUNDS = 3
_UPPER = (4, 5)


def speed(subject: Subject, options: argparse.Namespace) -> str:
    """Ablations a second by the game and by a loop over masks with hooks.

    The loop has all examples in one padded batch, and for each mask zeroes the slices by hooks.
    Seconds of CPU and of the clock, the median of three rounds in turn.
    """
    rows = []
    for count in (32, options.examples):
        task, _ = subject.draw(0, count, options.held_out)
        for name, heads in (("all", "all"), ("two upper layers", layers(*_UPPER))):
            game = HeadAblationGame(subject.model, task, heads=heads, tokenizer=subject.tokenizer)
            masks = np.random.default_rng(0).random((_MASKS, game.n_players)) < 0.5
            plain = _plain(subject, task, game.heads)
            game.outputs(masks[:1])
            times = np.array(
                [[*_time(plain, masks), *_time(game.outputs, masks)] for _ in range(_ROUNDS)]
            )
            cpu, wall, our_cpu, our_wall = np.median(times, axis=0)
            error = np.abs(plain(masks[:4]) - game.outputs(masks[:4])).max()
            shown = [f"{_MASKS / wall:.2f}", f"{_MASKS / our_wall:.2f}"]
            ratios = [f"{wall / our_wall:.1f}x", f"{cpu / our_cpu:.1f}x", f"{error:.0e}"]
            rows.append([str(count), name, *shown, *ratios])
            progress(rows[-1])
    heading = ["examples", "heads", "loop, 1/s", "game, 1/s", "ratio", "of CPU", "differ by"]
    return markdown(heading, rows)


def _time(function: Callable[[np.ndarray], np.ndarray], masks: np.ndarray) -> tuple[float, float]:
    """Return the seconds of CPU and of the clock that a function takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    function(masks)
    return time.process_time() - cpu, time.perf_counter() - wall


def _plain(
    subject: Subject, task: object, heads: Sequence[tuple[int, int]]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a loop over masks, as one would write it."""
    model, probe = subject.model, task.probe  # type: ignore[attr-defined]
    batch = subject.tokenizer(task.texts, padding=True, truncation=True, return_tensors="pt")  # type: ignore[attr-defined]
    weights = torch.tensor(probe.weights, dtype=torch.float32)
    bias = torch.tensor(probe.bias, dtype=torch.float32)
    found = find_layers(model)

    def hook(off: list[int], size: int) -> Callable[..., tuple[torch.Tensor]]:
        def zero(_: object, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            changed = args[0].clone()
            for head in off:
                changed[..., head * size : (head + 1) * size] = 0
            return (changed,)

        return zero

    def evaluate(mask: np.ndarray) -> np.ndarray:
        with contextlib.ExitStack() as hooks, torch.inference_mode():
            for place, layer in enumerate(found):
                off = [h for (at, h), on in zip(heads, mask, strict=True) if at == place and not on]
                if off:
                    handle = layer.projection.register_forward_pre_hook(hook(off, layer.head_size))
                    hooks.callback(handle.remove)
            features = model(**batch).last_hidden_state
            present = batch["attention_mask"][..., None].float()
            pooled = (features * present).sum(dim=1) / present.sum(dim=1)
            return (pooled @ weights.T + bias).numpy().ravel()

    return lambda masks: np.stack([evaluate(mask) for mask in masks])
