"""Tests of where heads are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shapiq_spex.games.heads._structure import find_layers

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("name", "projection", "head_size"),
    [
        ("gpt2", "transformer.h.2.attn.c_proj", 8),
        ("llama", "model.layers.2.self_attn.o_proj", 8),
        ("gemma", "model.layers.2.self_attn.o_proj", 8),
        ("qwen", "model.layers.2.self_attn.o_proj", 16),
        ("mistral", "model.layers.2.self_attn.o_proj", 8),
        ("falcon", "transformer.h.2.self_attention.dense", 8),
        ("bert", "encoder.layer.2.attention.output.dense", 8),
        ("bert-classifier", "bert.encoder.layer.2.attention.output.dense", 8),
        ("distilbert", "transformer.layer.2.attention.out_lin", 8),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_heads_are_found(
    make_model: Callable[[str], Any], name: str, projection: str, head_size: int, dtype: str
) -> None:
    """The output projection of attention is found in every layer, whatever it is called."""
    model = make_model(name).to(getattr(torch, dtype))
    layers = find_layers(model)
    assert len(layers) == 3
    assert layers[2].projection_name == projection
    assert layers[2].projection is model.get_submodule(projection)
    assert {(layer.n_heads, layer.head_size) for layer in layers} == {(4, head_size)}


def test_nothing_is_left_behind(make_model: Callable[[str], Any]) -> None:
    """The model has no hooks afterwards, and is in training where it was, part by part."""
    model = make_model("bert").train()
    model.encoder.layer[1].eval()
    before = [module.training for module in model.modules()]
    find_layers(model)
    assert [module.training for module in model.modules()] == before
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t5", "an encoder and a decoder"),
        ("mamba", "no list of layers with attention"),
        ("albert", "more than once"),
        ("gemma3n", "No attention heads were found"),
        ("convbert", r"Tokens reach each other .* beside the heads"),
        ("xlnet", "may order features otherwise"),
        ("funnel", "No attention heads were found"),
    ],
)
def test_other_models_are_refused(
    make_model: Callable[[str], Any], name: str, message: str
) -> None:
    """A model without one stack of layers of its own heads is told so."""
    model = make_model(name)
    with pytest.raises(ValueError, match=message):
        find_layers(model)
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in model.modules())
