"""Transformers that run without some of their attention heads.

transformers builds all layers of a model alike, by its config. Here a model is built so, and then
the matrices around its heads are made smaller, as ``config.kept_heads`` says. transformers copies
this file beside the weights it saves and runs it to load them, so it needs nothing but torch and
transformers.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import nn
from transformers.pytorch_utils import Conv1D

_PREFIX = "Pruned"


class PrunedHeads:
    """What a class of transformers becomes one without some heads by.

    ``config.kept_heads`` is a list of steps, done one after the other:

    - ``attention``: the name of a module of attention in the base model;
    - ``layer`` and ``heads``: its number and which of its heads are kept, for readers;
    - ``inputs`` and ``outputs``: for each of its matrices that gets smaller, which blocks of
      ``head_size`` features of its input or output are kept, and in which order;
    - ``vectors``: the same for weights with one entry a head;
    - ``attributes``: the numbers that its parts then have, and ``config`` those that they are to
      find in their config.
    """

    def __init__(self, config: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401 passed on
        """Build the model as usual, then remove heads."""
        super().__init__(config, *args, **options)  # type: ignore[call-arg]
        for step in getattr(config, "kept_heads", None) or []:
            remove(self.base_model.get_submodule(step["attention"]), step)  # type: ignore[attr-defined]


class ArrangedLinear(nn.Linear):  # type: ignore[misc]
    """A linear map, of which parts of the output stand in several places.

    Heads that shared keys and values in groups of one size, and are left in groups of several, get
    a copy of them each, which is made here of what is computed once.

    Args:
        linear: The map.
        order: Which block of its output stands in each place.
        size: How many features a block has.
    """

    def __init__(self, linear: nn.Linear, order: list[int], size: int) -> None:
        """Take over the weights of a linear map."""
        super().__init__(1, 1, bias=False, device="meta")
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.training = linear.training
        self.order, self.size = order, size

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Apply the map, and arrange what comes out."""
        blocks = super().forward(features).split(self.size, dim=-1)
        return torch.cat([blocks[place] for place in self.order], dim=-1)


class LayerConfig:
    """A config, but for the numbers of heads of one layer."""

    def __init__(self, config: Any, changed: dict[str, int]) -> None:  # noqa: ANN401 any config
        """Hide numbers of a config."""
        self._config = config
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 any setting
        """Find all else in the config itself."""
        if name.startswith("__") or name == "_config":  # asked for while this is copied
            raise AttributeError(name)
        return getattr(self._config, name)


def remove(attention: nn.Module, step: dict[str, Any]) -> None:
    """Remove heads from a module of attention.

    Args:
        attention: The module.
        step: How; see :class:`PrunedHeads`.
    """
    size = step["head_size"]
    for name, blocks in step["inputs"].items():
        _keep(attention.get_submodule(name), blocks, size, outputs=False)
    for name, blocks in step["outputs"].items():
        _arrange(attention, name, blocks, size)
    for name, heads in step["vectors"].items():
        setattr(attention, name, _select(getattr(attention, name), heads, 1, dim=0))
    for name, values in step["attributes"].items():
        vars(attention.get_submodule(name)).update(values)
    if step["config"]:
        for part in attention.modules():
            if hasattr(part, "config"):
                part.config = LayerConfig(part.config, step["config"])


def pruned_class(base: type) -> type:
    """Return the class of a model of transformers that lacks heads.

    Args:
        base: The model's class, which transformers has under its name.
    """
    name = _PREFIX + base.__name__
    if name not in globals():
        about = {"__module__": __name__, "__doc__": f"{base.__name__}, without some heads."}
        globals()[name] = type(name, (PrunedHeads, base), about)
    found: type = globals()[name]
    return found


def __getattr__(name: str) -> type:
    """Make the class that is asked for, as transformers does by ``auto_map`` in the config."""
    base = getattr(transformers, name.removeprefix(_PREFIX), None)
    if not name.startswith(_PREFIX) or not isinstance(base, type):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return pruned_class(base)


def _arrange(attention: nn.Module, name: str, blocks: list[int], size: int) -> None:
    """Have a matrix of attention compute some blocks alone, and put them in an order."""
    module = attention.get_submodule(name)
    if isinstance(order := getattr(module, "order", None), list):  # heads were removed before
        blocks = [order[block] for block in blocks]
    once = list(dict.fromkeys(blocks))
    order = [once.index(block) for block in blocks]
    _keep(module, once, size, outputs=True)
    if hasattr(module, "order"):
        module.order = order
    elif blocks != once:
        parent, _, leaf = name.rpartition(".")
        arranged = ArrangedLinear(module, order, size)
        setattr(attention.get_submodule(parent), leaf, arranged)


def _keep(module: nn.Module, blocks: list[int], size: int, *, outputs: bool) -> None:
    """Keep some blocks of a matrix's inputs or outputs."""
    transposed = isinstance(module, Conv1D)
    module.weight = _select(module.weight, blocks, size, dim=int(outputs == transposed))
    if outputs and module.bias is not None:
        module.bias = _select(module.bias, blocks, size, dim=0)
    ours = ("nx", "nf") if transposed else ("in_features", "out_features")
    setattr(module, ours[outputs], len(blocks) * size)


def _select(weight: nn.Parameter, blocks: list[int], size: int, *, dim: int) -> nn.Parameter:
    """Return some blocks of a weight, as a weight of its own."""
    parts = [weight.detach().narrow(dim, block * size, size) for block in blocks]
    return nn.Parameter(torch.cat(parts, dim).contiguous(), requires_grad=weight.requires_grad)
