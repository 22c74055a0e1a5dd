"""How heads may be removed from a module of attention, by the shapes of its matrices."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._loading import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import nn

    Arrange = Callable[[list[int], list[int]], dict[str, list[int]]]

# what transformers calls the numbers of heads, of heads of keys and values, and of heads that share
# these, and how many features heads have together
_HEADS = ("num_attention_heads", "num_heads", "n_heads", "n_head")
_KEYS = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_head_kv", "kv_heads")
_GROUPS = ("num_key_value_groups", "num_kv_groups", "n_rep")
_WIDTHS = ("all_head_size", "split_size", "embed_dim", "hidden_size", "dim")
_KEY_WIDTHS = ("kv_dim",)
_SEPARATE = 3  # matrices: queries, keys, values
_MATRIX = 2  # dimensions of its weight


def propose(
    attention: nn.Module, projection: str, n_heads: int, size: int, left: list[int]
) -> Iterator[dict[str, Any]]:
    """Propose steps by which heads may be removed, most likely ones first.

    The shapes of matrices do not say in which order features stand, so what is proposed has to be
    tried.

    Args:
        attention: A module of attention.
        projection: The name of its output projection.
        n_heads: How many heads it has.
        size: How many features each has.
        left: Those that are to be left, at least one, in order.
    """
    blocks = _count_blocks(attention, projection, size)
    if blocks is None:
        return
    for n_keys, arrange in _layouts(blocks, n_heads):
        per = n_heads // n_keys
        members = Counter(head // per for head in left)
        shared = math.gcd(*members.values())
        keys = [group for group, count in members.items() for _ in range(count // shared)]
        old, new = (n_heads, n_keys, per), (len(left), len(keys), shared)
        step = {
            "head_size": size,
            "inputs": {projection: left},
            "outputs": arrange(left, keys),
            "vectors": {
                name: left
                for name, vector in attention.named_parameters(recurse=False)
                if vector.shape == (n_heads,)
            },
            "attributes": _attributes(attention, old, new, size),
            "config": {},
        }
        yield step
        if in_config := _in_config(attention, old, new):
            yield {**step, "config": in_config}


def _count_blocks(attention: nn.Module, projection: str, size: int) -> dict[str, int] | None:
    """Return how many heads fit into the output of each matrix but the projection."""
    torch, _ = require()
    from transformers.pytorch_utils import Conv1D  # noqa: PLC0415 an extra

    blocks = {}
    for name, module in attention.named_modules():
        if getattr(getattr(module, "weight", None), "ndim", 0) != _MATRIX:
            continue
        if isinstance(order := getattr(module, "order", None), list):
            width = len(order) * size
        elif isinstance(module, torch.nn.Linear):
            width = module.out_features
        elif isinstance(module, Conv1D):
            width = module.nf
        else:
            return None
        if name != projection:
            blocks[name] = width // size if width % size == 0 else 0
    return blocks


def _layouts(blocks: dict[str, int], n_heads: int) -> Iterator[tuple[int, Arrange]]:
    """Yield what the matrices may hold: how many heads of keys, and what is left of each by heads.

    The latter is a function of the queries and keys that are left.
    """
    if len(blocks) == _SEPARATE:
        n_keys = min(blocks.values())
        if n_keys and not n_heads % n_keys and sum(blocks.values()) == n_heads + 2 * n_keys:

            def separate(left: list[int], keys: list[int]) -> dict[str, list[int]]:
                return {name: left if n == n_heads else keys for name, n in blocks.items()}

            yield n_keys, separate
    elif len(blocks) == 1:
        ((name, count),) = blocks.items()
        n_keys, odd = divmod(count - n_heads, 2)
        if n_keys < 1 or odd or n_heads % n_keys:
            return

        def stacked(left: list[int], keys: list[int]) -> dict[str, list[int]]:
            starts = (n_heads, n_heads + n_keys)
            return {name: left + [start + key for start in starts for key in keys]}

        def grouped(left: list[int], keys: list[int]) -> dict[str, list[int]]:
            per, shared = n_heads // n_keys, len(left) // len(keys)
            return {
                name: [
                    key * (per + 2) + place
                    for i, key in enumerate(keys)
                    for place in (
                        *(head % per for head in left[i * shared : (i + 1) * shared]),
                        per,
                        per + 1,
                    )
                ]
            }

        yield n_keys, stacked
        yield n_keys, grouped


def _attributes(
    attention: nn.Module, old: tuple[int, ...], new: tuple[int, ...], size: int
) -> dict[str, dict[str, int]]:
    """Return which attributes of the parts of attention change, and to what."""
    widths = zip((_WIDTHS, _KEY_WIDTHS), old, new, strict=False)
    changes = _by_name(zip((_HEADS, _KEYS, _GROUPS), old, new, strict=True)) | _by_name(
        (names, before * size, after * size) for names, before, after in widths
    )
    found = {}
    for part, module in attention.named_modules():
        values = vars(module)
        if not hasattr(module, "weight"):
            found[part] = {
                name: after
                for name, (before, after) in changes.items()
                if type(values.get(name)) is int and values[name] == before
            }
    return {part: values for part, values in found.items() if values}


def _in_config(attention: nn.Module, old: tuple[int, ...], new: tuple[int, ...]) -> dict[str, int]:
    """Return which numbers of heads that attention finds in its config change, and to what."""
    configs = [module.config for module in attention.modules() if hasattr(module, "config")]
    changes = _by_name(zip((_HEADS, _KEYS), old, new, strict=False))
    return {
        name: after
        for name, (before, after) in changes.items()
        if any(getattr(config, name, None) == before for config in configs)
    }


def _by_name(
    changes: Iterable[tuple[tuple[str, ...], int, int]],
) -> dict[str, tuple[int, int]]:
    """Return what numbers are before and after by each of their names."""
    return {name: (before, after) for names, before, after in changes for name in names}
