"""The parts of the report."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from _common import markdown
from _report_games import Case, live, long, noisy, recorded, short, systems
from _report_runs import families, of_family, run_cases
from _report_text import mark_best, show

from shapiq_spex import Comparison

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_OURS = ("proxyspex", "spex", "spex-decoding")
_ORDERS = range(1, 11)
_FAITHFUL = [f"{name}-{k}" for k in _ORDERS for name in ("faith-shap", "faith-banzhaf")]
_FIRST_ORDER = ("lime", "lasso", "lasso-cv", "ridge", "banzhaf", "banzhaf-msr", "kernelshap")
_SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
_LIVE = ("digits, network, mean", "subsets, neighbours", "review, 64 words")
_NOISE = (0.25, 0.5, 0.75, 1.0)


def short_inputs(options: argparse.Namespace) -> str:
    """Compare with Faith-Shap and Faith-Banzhaf of every order that fits."""
    count = 1 if options.quick else 2
    budgets = [300, 1000] if options.quick else [100, 300, 1000, 3000]
    cases = [*recorded(options.games, count), *short(count)]
    methods = [*_OURS, *_FAITHFUL[:8], "lime", "lasso", "banzhaf"]
    table = run_cases("short", cases, options, methods=methods, budgets=budgets)
    # the others only fit where players are few and masks are many
    table += run_cases("orders", cases, options, methods=_FAITHFUL[8:], budgets=budgets[-2:])
    rows, behind = [], []
    for name in families(table):
        means = _family_means(table, name)
        for budget in budgets:
            ours = [means.get((method, budget), math.nan) for method in _OURS]
            rivals = [_best_order(means, kind, budget) for kind in ("faith-shap", "faith-banzhaf")]
            linear = [means.get((method, budget), math.nan) for method in ("lime", "banzhaf")]
            values = [*ours, *(value for value, _ in rivals), *linear]
            cells = [show(value) for value in ours]
            cells += [f"{show(v)} ({o})" if o else show(v) for v, o in rivals]
            cells += [show(value) for value in linear]
            ahead = np.nanmax(ours[:2]) - np.nanmax([value for value, _ in rivals])
            if ahead < -0.01:
                behind.append(f"{name} at {budget:,} ({ahead:+.3f})")
            rows.append([name, f"{budget:,}", *mark_best(cells, values), f"{ahead:+.3f}"])
    header = ["family", "masks", "ProxySPEX", "SPEX", "decoding alone", "Faith-Shap (order)"]
    header += ["Faith-Banzhaf (order)", "LIME", "Banzhaf", "better of ours ahead by"]
    figure = _save(table.plot(methods=_drawn(table), bands=False), options, "short")
    verdict = (
        f"Behind by more than .01: {'; '.join(behind)}."
        if behind
        else "Nowhere is the better of ours behind by more than .01."
    )
    return (
        "## Short inputs: beside Faith-Shap and Faith-Banzhaf\n\nMean R² of a family's games, what "
        "is below 0 counted as 0. Of both, every order with no more interactions than masks was "
        f"run, and the one that turned out best is shown. {verdict}\n\n"
        f"{markdown(header, rows)}\n\n{figure}"
    )


def _drawn(table: Comparison) -> list[str]:
    """Return the methods of a figure: those whose every line can be told apart."""
    there = {row["method"] for row in table.rows}
    wanted = ["proxyspex", "spex", "spex-decoding", "faith-banzhaf-2", "faith-shap-2", "lime"]
    return [name for name in [*wanted, "banzhaf", "kernelshap"] if name in there]


def _best_order(
    means: dict[tuple[str, int], float], kind: str, budget: int
) -> tuple[float, int | None]:
    """Return the best R² of all orders, and that order."""
    found = {
        order: means[f"{kind}-{order}", budget]
        for order in _ORDERS
        if not math.isnan(means.get((f"{kind}-{order}", budget), math.nan))
    }
    if not found:
        return math.nan, None
    order = max(found, key=found.__getitem__)
    return found[order], order


def _family_means(table: Comparison, name: str, metric: str = "r2") -> dict[tuple[str, int], float]:
    """Return the means of a family, negative ones counted as 0; NaN where a game has none."""
    part = of_family(table, name)
    failed = {(row["method"], row["budget"]) for row in part.rows if math.isnan(row[metric])}
    clipped = Comparison([row | {metric: max(row[metric], 0.0)} for row in part.rows])
    return {
        cell: math.nan if cell in failed else mean for cell, mean in clipped.mean(metric).items()
    }


def long_inputs(options: argparse.Namespace) -> str:
    """Follow R² from 16 to 4,096 players, with budgets in proportion to n log n."""
    sizes = [16, 64, 256, 1024] if options.quick else _SIZES
    tables = []
    for n in sizes:
        alpha = 2 if n <= 1024 else 1
        table = run_cases(
            "long",
            long([n], _texts if not options.quick else lambda _: 1),
            options,
            methods=_long_methods(n),
            budgets=[max(150, int(alpha * n * math.log2(n)))],
        )
        tables.append(table)
    every = sum(tables[1:], tables[0])
    methods = list(dict.fromkeys(row["method"] for row in every.rows))
    rows, stops = [], []
    for n, table in zip(sizes, tables, strict=True):
        (budget,) = {row["budget"] for row in table.rows}
        means = table.mean()
        values = [means.get((method, budget), math.nan) for method in methods]
        rows.append([f"{n:,}", f"{budget:,}", *mark_best([show(v) for v in values], values)])
        reasons = {row["method"]: row["error"] for row in table.rows if row["error"]}
        stops += [f"- {n:,} players: {method}: {why}" for method, why in reasons.items()]
    costs = [
        [f"{n:,}", *(show(table.mean("cpu_seconds").get((m, b), math.nan), 1) for m in methods)]
        for n, table in zip(sizes, tables, strict=True)
        for b in {row["budget"] for row in table.rows}
    ]
    drawn = [m for m in methods if m not in ("lasso", "banzhaf-msr", "ridge", "permutation")]
    figure = _save(every.plot(x="n_players", methods=drawn), options, "long")
    return (
        "## From 16 to 4,096 words\n\nA network that judges film reviews; budgets of 2 n log2(n) "
        "masks, half of that from 2,048 words on. Mean of five texts up to 128 words, of two up to "
        f"512, one beyond.\n\n{markdown(['words', 'masks', *methods], rows)}\n\nWhere methods "
        f"stop:\n\n{chr(10).join(stops)}\n\nCPU seconds:\n\n{markdown(['words', *methods], costs)}"
        f"\n\n{figure}\n\n{_pairs_of_words(options)}"
    )


def _pairs_of_words(options: argparse.Namespace) -> str:
    """Give the methods for pairs as many masks as they need, as long as that is possible."""
    methods = ["proxyspex", "spex", "faith-banzhaf-2", "faith-shap-2", "kernelshap-iq"]
    methods += ["shapley-taylor", "permutation-sii", "lime"]
    rows, stops = [], []
    for n in (16, 64) if options.quick else (16, 32, 64, 128):
        budget = int(8 * n * math.log2(n))
        texts = 1 if options.quick else 2
        table = run_cases(
            "pairs", long([n], lambda _, t=texts: t), options, methods=methods, budgets=[budget]
        )
        means = table.mean()
        values = [means[method, budget] for method in methods]
        rows.append([f"{n:,}", f"{budget:,}", *mark_best([show(v) for v in values], values)])
        reasons = {row["method"]: row["error"] for row in table.rows if row["error"]}
        stops += [f"- {n:,} words: {method}: {why}" for method, why in reasons.items()]
    return (
        "Methods for pairs need more masks than pairs. With 8 n log2(n) masks, mean of two texts:"
        f"\n\n{markdown(['words', 'masks', *methods], rows)}\n\n{chr(10).join(stops)}"
    )


def _texts(n: int) -> int:
    """Return how many texts of a length are explained."""
    return 5 if n <= 128 else 2 if n <= 512 else 1


def _long_methods(n: int) -> list[str]:
    """Return the methods for a number of players; some would take hours, and are named so."""
    methods = ["proxyspex", "spex", "lime", "banzhaf", "banzhaf-msr", "lasso", "faith-banzhaf-2"]
    methods += ["faith-shap-2", "kernelshap-iq", "permutation"]
    if n <= 32:  # in ten seconds, and eight times as long with twice the players
        methods += ["svarm-iq"]
    if n <= 1024:
        methods += ["ridge", "lasso-cv", "kernelshap"]
    return methods


def fewer_ablations(options: argparse.Namespace) -> str:
    """Say how many ablations each of ours needs for the same R²."""
    cases = [*recorded(options.games, 1)]
    cases += [case for case in live(1) if case.family in _LIVE]
    budgets = [50, 100, 200, 400, 800, 1600, 3200, 6400, 12800]
    searched = ["proxyspex", "spex"]
    table = run_cases("fewer", cases, options, methods=searched, budgets=budgets[:6])
    decoded = ["spex-decoding", "shapiq-spex"]
    table += run_cases("decoding", cases, options, methods=decoded, budgets=budgets)
    rows = []
    for name in families(table):
        part = of_family(table, name)
        best = max(m for m in part.mean().values() if not math.isnan(m))
        goal = 0.8 if best >= 0.8 / 0.9 else 0.9 * best
        needed = part.budgets_for(goal)
        ours = needed["proxyspex"]
        cells = [name, show(goal, 2), show(ours, 0)]
        for method in ("spex-decoding", "shapiq-spex", "spex"):
            reached = np.nanmax([v for (m, _), v in part.mean().items() if m == method])
            times = needed[method] / ours
            if math.isinf(times):
                most = budgets[-1] if method in decoded else budgets[5]
                cells.append(f"> {most / ours:,.1f}x (reaches {reached:.2f})")
            else:
                cells.append(f"{show(needed[method], 0)}: {times:.1f}x")
        rows.append(cells)
    header = ["family", "R²", "ProxySPEX", "SPEX, decoding alone", "shapiq's SPEX", "our SPEX"]
    return (
        "## How many ablations\n\nAblations for R² = .8, or .9 of the best seen where that is "
        "less: of ProxySPEX, and how many times that of SPEX. Ours were given up to 1,600, "
        "decoding up to 12,800. Crossings are interpolated between budgets that double.\n\n"
        f"{markdown(header, rows)}"
    )


def peers(options: argparse.Namespace) -> str:
    """Compare ours with those that shapiq ships: R² and CPU time."""
    budgets = [300] if options.quick else [300, 1000]
    cases = [*recorded(options.games, 1), *live(1)]
    pairs = {"proxyspex": "shapiq-proxyspex", "spex": "shapiq-spex"}
    _warm_up(budgets)
    table = run_cases("peers", cases, options, methods=[*pairs, *pairs.values()], budgets=budgets)
    rows = []
    for name in families(table):
        r2, cpu = _family_means(table, name), of_family(table, name).mean("cpu_seconds")
        for budget in budgets:
            cells = [name, f"{budget:,}"]
            for ours, theirs in pairs.items():
                cells += [show(r2[ours, budget]), show(r2[theirs, budget])]
                times = cpu[theirs, budget] / cpu[ours, budget]
                cells += [f"{cpu[ours, budget]:.2f}", f"{cpu[theirs, budget]:.2f} ({times:.1f}x)"]
            rows.append(cells)
    header = ["family", "masks", "ProxySPEX", "shapiq's", "CPU s", "shapiq's"]
    header += ["SPEX", "shapiq's", "CPU s", "shapiq's"]
    return (
        "## Beside those that shapiq ships\n\nMean R² and CPU seconds of a family's games, one "
        "thread each; what shapiq's compile at their first call is not counted.\n\n"
        f"{markdown(header, rows)}"
    )


def _warm_up(budgets: list[int]) -> None:
    """Have the peers compile what they compile at their first call."""
    from shapiq_spex import compare  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in (9, 10, 12, 14, 15, 16, 64, 100, 256):
            compare(
                lambda masks: masks[:, 0] + 1.0 * masks[:, 1] * masks[:, 2],
                ["shapiq-spex"],
                budgets,
                n_players=n,
                n_masks=20,
                progress=False,
            )


def noise(options: argparse.Namespace) -> str:
    """Test that nothing is reported as better than noise of known size allows."""
    methods = ["proxyspex", "spex", "spex-decoding", "faith-shap-2", "faith-banzhaf-2"]
    methods += [*_FIRST_ORDER, "proxyshap", "svarm-iq"]
    count = 1 if options.quick else 2
    rows, above = [], []
    for n in (12, 40):
        for share in _NOISE:
            cases = [
                Case(f"{share:.0%} noise, {n} players", i, lambda n=n, s=share, i=i: noisy(n, s, i))
                for i in range(count)
            ]
            table = run_cases("noise", cases, options, methods=methods, budgets=[300, 1000])
            found = [row for row in table.rows if not math.isnan(row["r2"])]
            means = table.mean()
            cell = max((c for c in means if not math.isnan(means[c])), key=means.__getitem__)
            claims = [row["cv_r2"] - (1 - share) for row in found if not math.isnan(row["cv_r2"])]
            highest = max(found, key=lambda row: row["r2"])
            allowed = 1 - share
            if means[cell] > allowed + 0.01:
                above.append(f"{cell[0]} with {share:.0%} noise")
            rows.append(
                [
                    f"{share:.0%}",
                    f"{n}",
                    f"{allowed:.2f}",
                    f"{means[cell]:.3f} ({cell[0]}, {cell[1]:,})",
                    f"{highest['r2']:.3f} ({highest['method']})",
                    f"{np.mean(claims):+.3f}, {max(claims):+.3f}",
                ]
            )
    header = ["noise", "players", "allowed", "largest mean R² of a method", "largest R² of a run"]
    header.append("what ours say themselves, less what is allowed: mean, largest")
    verdict = f"Above by more than .01: {', '.join(above)}." if above else "No method is above."
    return (
        "## Noise\n\nThirty ANDs and many small interactions, and noise that is a function of the "
        f"mask; {count} games each, {len(methods)} methods at 300 and 1,000 masks. {verdict} A "
        "single figure is off by the chance of its test masks.\n\n" + markdown(header, rows)
    )


def everything(options: argparse.Namespace) -> str:
    """Run every method on a game of each system, with every metric."""
    texts = ["## Every method, every metric"]
    methods = ["proxyspex", "spex", "spex-decoding", "faith-shap", "faith-banzhaf"]
    methods += ["shapley-taylor", "kernelshap", "kernelshap-iq", "permutation", "permutation-sii"]
    methods += ["svarm-iq", "proxyshap", "shapiq-spex", "shapiq-proxyspex"]
    methods += ["lime", "lasso", "lasso-cv", "ridge", "banzhaf", "banzhaf-msr"]
    games = systems(options.out / "results")
    cases = [*(Case(name, 0, make) for name, make in games.items())]
    more = ("digits, network, mean", "review, 256 words")
    cases += [case for case in live(1) if case.family in more]
    for case in cases:
        budget, n_masks = _DEAR.get(case.family, (1000, 2000))
        slow = case.family == "review, 256 words"  # SVARM-IQ would take an hour
        try:
            table = run_cases(
                "all",
                [case],
                options,
                methods=[m for m in methods if not (slow and m == "svarm-iq")],
                budgets=[budget],
                repeats=1 if options.quick or case.family in _DEAR else 2,
                n_masks=n_masks,
                reference=None if case.family in _DEAR else 10,
                extras=True,
                dear=case.family in _DEAR,
            )
        except ImportError as error:
            texts.append(f"### {case.family}\n\nLeft out: {error}.")
            continue
        slug = case.family.split(",")[0].replace(" ", "-")
        figures = [
            _save(table.plot_sparsity(methods=_drawn(table)), options, f"{slug}-sparsity"),
            _save(table.plot_removal(methods=_drawn(table)), options, f"{slug}-removal"),
        ]
        texts.append(f"### {case.family}, {budget:,} masks\n\n{_all_metrics(table)}")
        texts += figures
    return "\n\n".join(texts)


_DEAR = {"prompt, 15 words": (300, 300), "attention heads, 72": (200, 200)}  # budget, test masks
_METRICS = {
    "r2": "R²", "r2_low": "from", "r2_high": "to", "cv_r2": "own claim", "r2_top_10": "10 terms",
    "removal_0.1": "Δ(10%)", "removal_0.3": "Δ(30%)", "recall": "recall", "stability": "stability",
    "ablations": "masks", "seconds": "s", "cpu_seconds": "CPU s", "peak_mib": "MiB",
}  # fmt: skip


def _all_metrics(table: Comparison) -> str:
    """Show every metric, a row a method."""
    kept = [name for name in _METRICS if name in table.columns]
    means = {name: table.mean(name) for name in kept}
    rows, failures = [], []
    for (method, budget), r2 in means["r2"].items():
        digits = [0 if name == "ablations" else 1 if name == "peak_mib" else 3 for name in kept]
        errors = {row["error"] for row in table.rows if row["method"] == method and row["error"]}
        if math.isnan(r2):
            failures += [f"- {method} fails: {error}" for error in errors]
            continue
        cells = [show(means[n][method, budget], d) for n, d in zip(kept, digits, strict=True)]
        rows.append([method, *cells])
    lines = markdown(["method", *(_METRICS[name] for name in kept)], rows)
    return "\n\n".join([lines, *(["\n".join(failures)] if failures else [])])


def _save(figure: object, options: argparse.Namespace, name: str) -> str:
    """Write a figure, and return how the report shows it."""
    figure.savefig(options.out / f"{name}.png", dpi=150, bbox_inches="tight")
    return f"![{name}]({name}.png)"


PARTS: dict[str, Callable[[argparse.Namespace], str]] = {
    "short": short_inputs,
    "long": long_inputs,
    "fewer": fewer_ablations,
    "peers": peers,
    "noise": noise,
    "all": everything,
}
