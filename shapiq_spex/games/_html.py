"""A prompt as a page: words shaded by what they do alone, and the interactions below."""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING

from ._results import count_places

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHADE = 60  # per cent of the colour that the strongest word gets

# the page asks nobody for anything: styles and script stand in it
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; --up: light-dark(#d9480f, #ff8a4c); --down: light-dark(#1864ab,
 #5aa9f0); --line: light-dark(#ddd, #444); --mark: light-dark(#111, #fff); }
body { font: 16px/1.7 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.prompt { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line);
 border-radius: .5rem; padding: 1rem; }
.around { opacity: .6; }
.w { border-radius: .25rem; padding: .1em 0; }
.up { background: color-mix(in srgb, var(--up) var(--s), transparent); }
.down { background: color-mix(in srgb, var(--down) var(--s), transparent); }
.w.on { outline: 2px solid var(--mark); outline-offset: 1px; }
table { border-collapse: collapse; margin-top: 1.5rem; width: 100%; }
td, th { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
td.v { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.v.up { color: var(--up); background: none; } td.v.down { color: var(--down); background: none; }
tr.on, tr:focus { outline: 2px solid var(--mark); outline-offset: -2px; }
caption { text-align: left; opacity: .7; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$note</p>
<p class="prompt"><span class="around">$before</span>$words<span class="around">$after</span></p>
<table>
<caption>What parts do alone, and together beyond that: orange raises the value, blue lowers it.
Point at a row to see its words in the text.$rest</caption>
<thead><tr><th>parts</th><th style="text-align:right">effect ($index)</th></tr></thead>
<tbody>
$rows
</tbody>
</table>
<script>
for (const row of document.querySelectorAll("tr[data-parts]")) {
  const words = row.dataset.parts.split(" ").map(i => document.getElementById("w" + i));
  const set = on => { row.classList.toggle("on", on);
    for (const word of words) word.classList.toggle("on", on); };
  for (const [name, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false],
    ["blur", false]]) row.addEventListener(name, () => set(on));
}
</script>
</body>
</html>
""")


def render(
    segments: Sequence[str],
    names: Sequence[str],
    interactions: Sequence[tuple[tuple[int, ...], float]],
    *,
    index: str,
    before: str,
    after: str,
    title: str,
    note: str,
    count: int,
) -> str:
    """Write a page that stands alone.

    Args:
        segments: The parts of the text.
        names: Their names, which differ.
        interactions: Sets of their positions and values, the strongest first.
        index: The interaction index.
        before: What stands before the text in the prompt.
        after: What stands behind it.
        title: The title.
        note: A sentence below the title.
        count: How many interactions to list.

    Returns:
        HTML; nothing of the prompt is taken for markup.
    """
    alone = {players[0]: value for players, value in interactions if len(players) == 1}
    largest = max(map(abs, alone.values()), default=0.0) or 1.0
    places = count_places((value for _, value in interactions), least=3)
    words = "".join(
        f'<span class="w {_sign(alone.get(i, 0.0))}" id="w{i}" style="--s:'
        f'{_SHADE * abs(alone.get(i, 0.0)) / largest:.0f}%"'
        # where no word has a value of its own, the index has none
        f"{f' title="{alone.get(i, 0.0):+.{places}f}"' if alone else ''}>{escape(segment)}</span>"
        for i, segment in enumerate(segments)
    )
    rows = "\n".join(
        f'<tr tabindex="0" data-parts="{" ".join(map(str, players))}"><td>'
        f"{' · '.join(escape(names[player]) for player in players)}</td>"
        f'<td class="v {_sign(value)}">{value:+.{places}f}</td></tr>'
        for players, value in interactions[:count]
    )
    hidden = len(interactions) - count
    rest = f" Shown are the strongest {count:,} of {len(interactions):,}." if hidden > 0 else ""
    return _PAGE.substitute(
        rest=rest,
        title=escape(title),
        index=escape(index),
        before=escape(before),
        after=escape(after),
        words=words,
        rows=rows,
        note=escape(note),
    )


def _sign(value: float) -> str:
    return "up" if value > 0 else "down"
