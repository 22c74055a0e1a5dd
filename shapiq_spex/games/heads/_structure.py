"""Where the attention heads of a transformer are, found by what its modules do.

The output of attention is projected back by a matrix, before which the heads still stand side by
side. In each layer it is the first matrix whose input at one token depends on other tokens: before
attention, all is done token by token. So the layers are told apart from their parts by one pass
over two rows of tokens that differ, at the entrance of every layer, in the first token alone.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    import transformers
    from torch import nn

_TOKENS = 4  # of the rows that layers are told by
_DIFFERS = 1e-2  # of the largest entry: less is rounding
_ROUNDING = 1e-4  # the same for rows that are to be equal, and go through the same operations
_MATRIX = 2  # dimensions of its weight
_SEQUENCE = 3  # dimensions of what a layer is given: rows, tokens, features
# what transformers calls the size of a head, and their number
_SIZES = ("head_dim", "attention_head_size", "head_size", "dim_per_head")
_COUNTS = ("num_attention_heads", "num_heads", "n_heads", "n_head")


@dataclass(frozen=True)
class AttentionLayer:
    """A layer of a transformer, and where its heads are.

    Attributes:
        name: Its name in the model.
        module: The layer.
        projection_name: The name of the output projection of its attention; None without attention.
        projection: That module, in whose input the heads stand side by side.
        n_heads: How many there are.
        head_size: How many features each has.
        n_returned: How long a tuple the layer returns; None if it returns the features themselves.
    """

    name: str
    module: nn.Module
    projection_name: str | None
    projection: nn.Module | None
    n_heads: int
    head_size: int
    n_returned: int | None


def find_layers(model: transformers.PreTrainedModel) -> list[AttentionLayer]:
    """Find the layers of a transformer and the heads of each.

    Args:
        model: An encoder or a decoder-only model.

    Raises:
        ValueError: If it has an encoder and a decoder, or no list of layers with attention.
    """
    if getattr(model.config, "is_encoder_decoder", False):
        msg = (
            f"{type(model).__name__} has an encoder and a decoder: heads are found in models that "
            "have one stack of layers."
        )
        raise ValueError(msg)
    stack, layers = _find_stack(model)
    seen = _Seen(layers)
    with evaluating(model), seen.watching():
        _run(model)
    if seen.repeated:
        msg = f"{type(model).__name__} runs its layers {stack} more than once: they share heads."
        raise ValueError(msg)
    found = [
        _describe(model, f"{stack}.{place}", layer, *seen.of(place))
        for place, layer in enumerate(layers)
    ]
    if not any(layer.n_heads for layer in found):
        msg = (
            f"No attention heads were found in {type(model).__name__}: its {len(layers)} layers "
            f"{stack} have no matrix after attention, or are not run one after the other."
        )
        raise ValueError(msg)
    _check_heads_are_all(model, found)
    return found


def _check_heads_are_all(
    model: transformers.PreTrainedModel, layers: Sequence[AttentionLayer]
) -> None:
    """Refuse a model in whose attention tokens reach each other beside the heads that were found.

    Raises:
        ValueError: If they do.
    """
    torch, _ = require()
    mixing: set[int] = set()

    def note(place: int) -> Callable[..., None]:
        def hook(_: nn.Module, __: tuple[Any, ...], returned: Any) -> None:  # noqa: ANN401 any layer
            features = returned[0] if isinstance(returned, tuple) else returned
            if _mixes(features, max(_ROUNDING, 2 * torch.finfo(features.dtype).eps)):
                mixing.add(place)

        return hook

    with evaluating(model), contextlib.ExitStack() as hooks:
        for place, layer in enumerate(layers):
            if layer.projection is not None:
                entrance = layer.module.register_forward_pre_hook(_disturb_first, with_kwargs=True)
                off = layer.projection.register_forward_pre_hook(_switch_off)
                exit_ = layer.module.register_forward_hook(note(place))
                for handle in (entrance, off, exit_):
                    hooks.callback(handle.remove)
        _run(model)
    if mixing:
        layer = layers[min(mixing)]
        msg = (
            f"Tokens reach each other in {type(model).__name__} beside the heads found before "
            f"{layer.projection_name}: with these off, something else of the layer still attends, "
            "as a convolution may. What a head does cannot be told there."
        )
        raise ValueError(msg)


def hidden_in(args: tuple[Any, ...], options: dict[str, Any]) -> torch.Tensor:
    """Return the features that a layer is given."""
    found: torch.Tensor = args[0] if args else options["hidden_states"]
    return found


def with_hidden(
    hidden: torch.Tensor, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a layer is given with other features."""
    if args:
        return (hidden, *args[1:]), options
    return args, {**options, "hidden_states": hidden}


def _find_stack(model: transformers.PreTrainedModel) -> tuple[str, list[nn.Module]]:
    """Return the name and members of the longest list of modules that have attention."""
    torch, _ = require()
    stacks = [
        (name, list(module))
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList)
        and any(map(is_attention, (part for layer in module for part in layer.modules())))
    ]
    if not stacks:
        msg = f"{type(model).__name__} has no list of layers with attention."
        raise ValueError(msg)
    return max(stacks, key=lambda stack: len(stack[1]))


def is_attention(module: nn.Module) -> bool:
    """Say whether a module is one of attention."""
    name = type(module).__name__.lower()
    return "attention" in name or "attn" in name


class _Seen:
    """What layers and their matrices were given and returned in a pass.

    Attributes:
        repeated: Whether a layer was run more than once.
    """

    def __init__(self, layers: list[nn.Module]) -> None:
        self.repeated = False
        self._layers = layers
        self._mixing: dict[int, str] = {}
        self._returned: dict[int, int | None] = {}

    def of(self, place: int) -> tuple[str | None, int | None]:
        """Return the first mixing matrix of a layer, and how long a tuple it returned."""
        return self._mixing.get(place), self._returned.get(place)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for a while."""
        with contextlib.ExitStack() as hooks:
            for place, layer in enumerate(self._layers):
                hooks.callback(
                    layer.register_forward_pre_hook(_disturb_first, with_kwargs=True).remove
                )
                hooks.callback(layer.register_forward_hook(self._note_returned(place)).remove)
                for name, part in layer.named_modules():
                    weight = getattr(part, "weight", None)
                    if getattr(weight, "ndim", 0) == _MATRIX and not list(part.children()):
                        watch = self._note_mixing(place, name)
                        hooks.callback(part.register_forward_pre_hook(watch).remove)
            yield

    def _note_mixing(self, place: int, name: str) -> Callable[..., None]:
        def note(_: nn.Module, args: tuple[Any, ...]) -> None:
            if place not in self._mixing and args and _mixes(args[0]):
                self._mixing[place] = name

        return note

    def _note_returned(self, place: int) -> Callable[..., None]:
        def note(_: nn.Module, __: tuple[Any, ...], returned: object) -> None:
            self.repeated |= place in self._returned
            self._returned[place] = len(returned) if isinstance(returned, tuple) else None

        return note


def _disturb_first(
    _: nn.Module, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Let the second of two rows be as the first one, but for its first token."""
    torch, _ = require()
    hidden = hidden_in(args, options)
    if hidden.ndim != _SEQUENCE:  # no heads will be found in it
        return args, options
    both = hidden[:1].repeat(2, 1, 1)
    # no constant, which a normalisation would take away
    wave = torch.linspace(0, 40, hidden.shape[-1], device=hidden.device).sin()
    both[1, 0] = (wave * (1 + 10 * hidden.abs().mean())).to(hidden.dtype)
    return with_hidden(both, args, options)


def _switch_off(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (args[0] * 0, *args[1:])


def _mixes(given: object, differs: float = _DIFFERS) -> bool:
    """Say whether tokens after the first one differ between two rows."""
    if getattr(given, "ndim", 0) != _SEQUENCE or given.shape[:2] != (2, _TOKENS):  # type: ignore[attr-defined]
        return False
    first, second = given[:, 1:].float()  # type: ignore[index]
    return bool((first - second).abs().max() > differs * first.abs().max())


def _run(model: transformers.PreTrainedModel) -> None:
    """Run two equal rows of tokens.

    Raises:
        ValueError: If the model does not run them.
    """
    try:
        _pass(model)
    except Exception as error:
        msg = (
            f"Attention heads cannot be found in {type(model).__name__}: two rows of a few tokens "
            f"failed with {type(error).__name__}. Its layers may order features otherwise than by "
            "row and token."
        )
        raise ValueError(msg) from error


def _pass(model: transformers.PreTrainedModel) -> None:
    """Run two equal rows of tokens."""
    torch, _ = require()
    size = model.config.get_text_config().vocab_size
    ids = torch.arange(1, _TOKENS + 1).remainder(size).repeat(2, 1).to(model.device)
    model(input_ids=ids, attention_mask=torch.ones_like(ids))


def _describe(
    model: transformers.PreTrainedModel,
    name: str,
    layer: nn.Module,
    projection_name: str | None,
    n_returned: int | None,
) -> AttentionLayer:
    """Return what is known of a layer."""
    none = AttentionLayer(name, layer, None, None, 0, 0, n_returned)
    if projection_name is None:
        return none
    attention = _attention_around(layer, projection_name)
    if attention is None:  # something else that mixes tokens
        return none
    projection = layer.get_submodule(projection_name)
    width = _width_in(projection)
    count = _count(attention, model.config.get_text_config(), width)
    if width % count:
        msg = (
            f"The {width} features before {name}.{projection_name} cannot be divided among "
            f"{count} heads."
        )
        raise ValueError(msg)
    projection_name = f"{name}.{projection_name}"
    return AttentionLayer(
        name, layer, projection_name, projection, count, width // count, n_returned
    )


def _attention_around(layer: nn.Module, name: str) -> nn.Module | None:
    """Return the module of attention that a part belongs to."""
    path = name.split(".")
    for length in range(len(path) - 1, 0, -1):
        module = layer.get_submodule(".".join(path[:length]))
        if is_attention(module):
            return module
    return None


def _width_in(projection: nn.Module) -> int:
    """Return how many features a matrix takes."""
    found = getattr(projection, "in_features", None) or getattr(projection, "nx", None)
    return int(found if found is not None else projection.weight.shape[1])


def _count(attention: nn.Module, config: transformers.PretrainedConfig, width: int) -> int:
    """Return how many heads a module of attention has."""
    for names, by_size in ((_SIZES, True), (_COUNTS, False)):
        for part in attention.modules():
            for name in names:
                found = getattr(part, name, None)
                if isinstance(found, int) and found > 0:
                    return width // found if by_size else found
    return int(config.num_attention_heads)
