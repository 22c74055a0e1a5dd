"""Remove attention heads from a transformer, so that it gets smaller and faster."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from shapiq_spex.games.models import HuggingFace
from shapiq_spex.games.models.hugging_face._loading import require

from ._ablation import as_switches, switching
from ._removal import propose
from ._selection import choose_heads
from ._structure import find_layers, is_attention
from ._trial import close, misfit, run_base, watch

if TYPE_CHECKING:
    import transformers
    from numpy.typing import ArrayLike, NDArray
    from torch import nn

    from ._selection import Heads
    from ._structure import AttentionLayer

    BoolArray = NDArray[np.bool_]


@runtime_checkable
class Plan(Protocol):
    """A choice of heads, such as :func:`shapiq_spex.best_subset` returns."""

    @property
    def mask(self) -> BoolArray:
        """Which are kept."""


def apply_pruning(
    model: transformers.PreTrainedModel | HuggingFace,
    plan: Plan | ArrayLike,
    *,
    heads: Heads = "all",
    rescale: bool = False,
) -> transformers.PreTrainedModel:
    """Return a copy of a transformer that runs without some of its attention heads.

    Its outputs are those of the model with the same heads switched off, as in a game with
    ``ablation="zero"``, not ``"mean"`` or ``"resample"``. Their queries, keys and
    values are no longer computed, and the matrices are smaller. It is a model of transformers like
    any other: it generates, ``save_pretrained`` saves it, with the code that it needs, and
    ``from_pretrained(folder, trust_remote_code=True)`` of transformers' automatic classes loads it,
    also where this package is not installed. It can be pruned again.

    Heads that share keys and values with a head that is kept leave these behind; where such groups
    are left with unequal numbers of heads, keys and values are repeated, which takes more memory
    while writing. Of a layer without any head kept, one stays, with weights of 0 after it. Where an
    architecture does not run with fewer heads, as with a norm over the features of all heads, they
    are switched off by weights of 0 instead: a warning names these layers, and
    :func:`describe_pruning` too. Each layer, and then the whole, is tried with a few tokens.

    While this runs, there is memory for two models in use.

    Args:
        model: An encoder or decoder-only model of transformers, as it was loaded there or by
            :class:`~shapiq_spex.games.HuggingFace`; it stays as it is.
        plan: Which heads to keep, from ``best_subset``, or a boolean mask.
        heads: Which heads these are, a game's ``heads``; by default all heads of all layers. Heads
            that are not among them are kept.
        rescale: Whether to multiply the heads kept in each layer by the number of heads over that
            of the heads kept, as a game with ``rescale`` does.

    Returns:
        The smaller model; the given one is left as it is.

    Raises:
        ValueError: If the plan does not go with the heads, or the model is none of transformers, or
            one whose weights are quantized or not in memory.
    """
    model = unwrap(model)
    if _is_packed(model):
        msg = "Quantized weights cannot be cut. Prune the model before it is quantized."
        raise ValueError(msg)
    if any(weight.is_meta for weight in model.parameters()):
        msg = "Weights that are not in memory cannot be cut. Load the model without offloading."
        raise ValueError(msg)
    layers = find_layers(model)
    kept = _kept_by_layer(plan, heads, layers)
    steps, reasons = _find_steps(model, layers, kept)
    pruned = _prune(model, layers, kept, steps, rescale=rescale)
    if steps and not _does_the_same(model, pruned, layers, kept, rescale=rescale):
        reason = f"{type(model).__name__} does something else with fewer heads"
        reasons |= dict.fromkeys(steps, reason)
        pruned = _prune(model, layers, kept, {}, rescale=rescale)
    if reasons:
        _tell(pruned, reasons)
    return pruned


def unwrap(model: transformers.PreTrainedModel | HuggingFace) -> transformers.PreTrainedModel:
    """Return a model of transformers."""
    _, transformers = require()
    if isinstance(model, HuggingFace):
        model = model.model
    if not isinstance(model, transformers.PreTrainedModel):
        msg = (
            "The model must be one of transformers, loaded as by AutoModel.from_pretrained, or a "
            f"HuggingFace, got a {type(model).__name__}."
        )
        raise ValueError(msg)  # noqa: TRY004, as the game says it
    return model


def _is_packed(model: transformers.PreTrainedModel) -> bool:
    """Say whether weights are quantized, and not only read from a GGUF file whose were."""
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is None:
        return False
    described = getattr(quantizer, "quantization_config", None)
    return (
        getattr(described, "quant_method", None) != "gguf"
        or bool(getattr(quantizer, "packed_modules", None))
        or not all(weight.is_floating_point() for weight in model.parameters())
    )


def _tell(pruned: transformers.PreTrainedModel, reasons: dict[int, str]) -> None:
    """Note in which layers heads are switched off alone, and warn of it."""
    before = getattr(pruned.config, "masked_heads", None) or {}
    pruned.config.masked_heads = before | {str(place): why for place, why in reasons.items()}
    listed = [
        f"{why}: {', '.join(str(place) for place in sorted(reasons) if reasons[place] == why)}"
        for why in dict.fromkeys(reasons.values())
    ]
    msg = f"Heads of some layers are switched off, but not removed. {'; '.join(listed)}."
    warnings.warn(msg, stacklevel=3)


def _kept_by_layer(
    plan: Plan | ArrayLike,
    heads: Heads,
    layers: list[AttentionLayer],
) -> list[BoolArray]:
    """Return which heads of each layer are kept."""
    mask = np.asarray(plan.mask if isinstance(plan, Plan) else plan)
    if mask.ndim != 1 or mask.dtype != np.bool_:
        msg = (
            "plan must be a subset such as best_subset returns, or a boolean mask with one entry "
            f"a head, got an array of shape {mask.shape} and type {mask.dtype}."
        )
        raise ValueError(msg)
    chosen = choose_heads(heads, [layer.n_heads for layer in layers])
    if len(chosen) != len(mask):
        msg = (
            f"The plan is one of {len(mask)} heads, but {len(chosen)} are given or in the model. "
            "If the players of the game were some of its heads, pass heads=game.heads."
        )
        raise ValueError(msg)
    kept = [np.ones(layer.n_heads, dtype=bool) for layer in layers]
    for (place, head), on in zip(chosen, mask, strict=True):
        kept[place][head] = on
    return kept


def _find_steps(
    model: transformers.PreTrainedModel, layers: list[AttentionLayer], kept: list[BoolArray]
) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """Return how heads are removed from layers, and from which they cannot be, and why."""
    places = [place for place, on in enumerate(kept) if not on.all()]
    if _base_class(model) is None:  # the code of the saved model would not find it
        return {}, dict.fromkeys(places, f"{type(model).__name__} is no class of transformers")
    parts = set(model.base_model.modules())
    if not all(layers[place].projection in parts for place in places):  # nor these
        return {}, dict.fromkeys(places, f"{type(model).__name__} has layers outside its base")
    found = [_attention_of(model, layers[place]) for place in places]
    projections = [layers[place].projection for place in places]
    seen = watch(model, [attention for _, attention in found], projections)
    steps, reasons = {}, {}
    for place, (name, attention), given in zip(places, found, seen, strict=True):
        layer, on = layers[place], kept[place]
        # matrices need some width: one head stays where none is kept
        left = np.flatnonzero(on).tolist() or [0]
        inside = {module: part for part, module in attention.named_modules()}
        reason = "has no three matrices of queries, keys and values, or one of all"
        for step in propose(
            attention, inside[layer.projection], layer.n_heads, layer.head_size, left
        ):
            misfits = misfit(attention, step, given, model.config)
            if misfits is None:
                heads = np.flatnonzero(on).tolist()
                steps[place] = {"layer": place, "attention": name, "heads": heads, **step}
                break
            reason = misfits
        else:
            reasons[place] = f"{type(attention).__name__} {reason}"
    return steps, reasons


def _base_class(model: transformers.PreTrainedModel) -> type | None:
    """Return the class of transformers that a model is one of, pruned or not."""
    _, transformers = require()
    name = type(model).__name__.removeprefix("Pruned")
    found = getattr(transformers, name, None)
    own = type(model) is found or type(model).__name__ != name
    return found if own and isinstance(found, type) and isinstance(model, found) else None


def _attention_of(
    model: transformers.PreTrainedModel, layer: AttentionLayer
) -> tuple[str, nn.Module]:
    """Return the module of attention of a layer, and its name in the base model."""
    parents = [
        (name, module)
        for name, module in model.base_model.named_modules()
        if is_attention(module) and any(part is layer.projection for part in module.modules())
    ]
    return max(parents, key=lambda parent: len(parent[0]))  # the innermost


def _prune(
    model: transformers.PreTrainedModel,
    layers: list[AttentionLayer],
    kept: list[BoolArray],
    steps: dict[int, dict[str, Any]],
    *,
    rescale: bool,
) -> transformers.PreTrainedModel:
    """Return a copy of a model without heads: removed by steps, and else switched off."""
    torch, _ = require()
    pruned = copy.deepcopy(model)
    quantizer = getattr(pruned, "hf_quantizer", None)
    if quantizer is not None:  # its weights are unpacked, but transformers would not save them
        quantizer.remove_quantization_config(pruned)
    for layer, on in zip(layers, kept, strict=True):
        if layer.projection_name is None or on.all():
            continue
        scale = len(on) / max(int(on.sum()), 1) if rescale else 1.0
        projection = pruned.get_submodule(layer.projection_name)
        factors = torch.as_tensor(on * scale).repeat_interleave(layer.head_size)
        with torch.no_grad():
            weight = projection.weight
            # the weight of a convolution of GPT-2 stands the other way
            factors = factors[:, None] if hasattr(projection, "nx") else factors
            weight.mul_(factors.to(weight))
    if steps:
        _remove(pruned, list(steps.values()))
    return pruned


def _remove(pruned: transformers.PreTrainedModel, steps: list[dict[str, Any]]) -> None:
    """Remove heads from a model, and have it be of a class that does so when it is loaded."""
    from .modeling_pruned_heads import pruned_class, remove  # noqa: PLC0415 it needs torch

    base = _base_class(pruned)
    if base is None:  # no steps are made for it
        return
    for step in steps:
        remove(pruned.base_model.get_submodule(step["attention"]), step)
    before = getattr(pruned.config, "kept_heads", None) or []
    pruned.config.kept_heads = [*before, *steps]
    autos = _automatic(pruned.config, base)
    pruned.config.auto_map = {
        auto: f"modeling_pruned_heads.{pruned_class(loaded).__name__}"
        for auto, loaded in autos.items()
    }
    made: Any = pruned_class(base)
    own = next((auto for auto, loaded in autos.items() if loaded is base), "AutoModel")
    made.register_for_auto_class(own)
    pruned.__class__ = made


def _automatic(config: transformers.PretrainedConfig, base: Any) -> dict[str, type]:  # noqa: ANN401 a class of models
    """Return which classes transformers' automatic classes make, of those that share a base."""
    from transformers.models.auto import modeling_auto  # noqa: PLC0415 an extra

    found = {}
    for name, auto in vars(modeling_auto).items():
        mapping = getattr(auto, "_model_mapping", None)
        if name.startswith("AutoModel") and mapping is not None and type(config) in mapping:
            loaded = mapping[type(config)]
            if getattr(loaded, "base_model_prefix", None) == base.base_model_prefix:
                found[name] = loaded
    return found


def _does_the_same(
    model: transformers.PreTrainedModel,
    pruned: transformers.PreTrainedModel,
    layers: list[AttentionLayer],
    kept: list[BoolArray],
    *,
    rescale: bool,
) -> bool:
    """Say whether a pruned model does as the model whose heads are switched off."""
    torch, _ = require()
    switches = [
        as_switches(torch.as_tensor(on)[None].to(model.device), rescale=rescale) for on in kept
    ]
    with switching(layers, switches):
        expected = run_base(model)
    try:
        return close(expected, run_base(pruned))
    except Exception:  # noqa: BLE001 the code is anyone's
        return False
