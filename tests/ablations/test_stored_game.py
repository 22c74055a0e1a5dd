"""Tests of the game that pays for each ablation once and loses none."""

from __future__ import annotations

import itertools
import pickle
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapiq
from hypothesis import given
from hypothesis import strategies as st

import shapiq_spex
from shapiq_spex import AblationError, RunRecord, StoredGame, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

N = 12
KILLED_RUN = Path(__file__).with_name("killed_run.py")
APPROXIMATORS = [shapiq_spex.ProxySPEX, shapiq_spex.SPEX]


class Counted(shapiq.Game):
    """A game that remembers what it was asked."""

    def __init__(self, n: int = N, weight: float = 3.0) -> None:
        """Set the weight of its interaction."""
        super().__init__(n_players=n, normalize=False)
        self.weight = weight
        self.batches: list[int] = []
        self.calls = 0
        self.masks: list[bytes] = []

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Evaluate and write down."""
        self.batches.append(len(coalitions))
        self.calls += 1
        self.masks += [mask.tobytes() for mask in coalitions]
        return coalitions[:, 0] * 1.5 + self.weight * coalitions[:, 1:4].all(axis=1)


def draw(m: int, n: int = N, seed: int = 0) -> np.ndarray:
    """Draw uniform masks."""
    return np.random.default_rng(seed).random((m, n)) < 0.5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a store."""
    return tmp_path / "ablations.sqlite"


class TestOnce:
    """No mask is evaluated twice."""

    @given(
        n=st.integers(1, 300),
        rows=st.lists(st.integers(0, 30), max_size=60),
        split=st.integers(0, 60),
        size=st.integers(1, 70),
    )
    def test_any_masks(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        n: int,
        rows: list[int],
        split: int,
        size: int,
    ) -> None:
        """Values are the game's own in the order asked; each distinct mask was paid for once."""
        pool = draw(31, n)
        inner = Counted(n)
        plain = lambda masks: masks @ np.arange(1.0, n + 1)  # noqa: E731
        inner.value_function = lambda masks: (
            inner.masks.extend(m.tobytes() for m in masks)
            or (  # type: ignore[method-assign]
                plain(masks)
            )
        )
        path = tmp_path_factory.mktemp("store") / "a.sqlite"
        with StoredGame(inner, path, size, fingerprint="sum") as game:
            for part in (rows[:split], rows[split:]):
                if part:
                    assert np.array_equal(game(pool[part]), plain(pool[part]))
        assert len(inner.masks) == len(set(inner.masks)) == len({pool[r].tobytes() for r in rows})

    def test_another_store_is_faster(self, path: Path) -> None:
        """What another process kept meanwhile is used: both find the same, even with chance."""
        options = {"n_players": N, "fingerprint": "x"}
        masks = np.unique(draw(100), axis=0)
        other = StoredGame(lambda m: m[:, 0] + 1.0, path, **options)

        def play(asked: np.ndarray) -> np.ndarray:
            other(masks[:30])
            return asked[:, 0] + 2.0

        game = StoredGame(play, path, 20, **options)
        values = game(masks)
        assert np.array_equal(values[:30], masks[:30, 0] + 1.0)
        assert np.array_equal(values[40:], masks[40:, 0] + 2.0)
        assert np.array_equal(StoredGame(play, path, **options)(masks), values)
        # the second batch came half from the other
        assert game.record.evaluated == len(masks) - 10

    def test_other_repeats_of_another_store(self, path: Path) -> None:
        """What another process kept of a later repeat meanwhile is used, too."""
        options = {"n_players": N, "fingerprint": "x", "repeats": 2}
        masks = np.unique(draw(100), axis=0)[:40]
        other, calls = StoredGame(lambda m: m[:, 0] + 1.0, path, **options), []

        def play(asked: np.ndarray) -> np.ndarray:
            if not calls:
                other(masks)
            calls.append(len(asked))
            return asked[:, 0] + 2.0

        values = StoredGame(play, path, 20, **options)(masks)
        assert np.array_equal(values, masks[:, 0] + 1.0)
        assert calls == [20]

    def test_it_is_a_game(self, path: Path) -> None:
        """Single coalitions, tuples, names and explainers work as with the game inside."""
        inner = shapiq.Game(n_players=3, normalize=False, player_names=["a", "b", "c"])
        inner.value_function = lambda masks: masks @ np.array([1.0, 2.0, 4.0])
        game = StoredGame(inner, path, fingerprint="abc")
        assert isinstance(game, shapiq.Game)
        assert game.n_players == 3
        assert game(np.array([True, False, True])).tolist() == [5.0]
        assert game([(0, 1), ()]).tolist() == [3.0, 0.0]
        assert game([("b", "c")]).tolist() == [6.0]
        assert game.grand_coalition_value == 7.0

    def test_normalised_games(self, path: Path) -> None:
        """A game that subtracts the value of the empty coalition is taken as it is."""
        inner = Counted()
        inner.normalization_value = 2.5
        masks = draw(50)
        for _ in range(2):
            assert np.array_equal(StoredGame(inner, path)(masks), inner(masks))

    def test_every_approximator_of_shapiq(self, path: Path) -> None:
        """What one approximator paid for is free for the next, shapiq's own too."""
        inner = Counted(6)
        StoredGame(inner, path)(draw(2000, 6))
        assert sum(inner.batches) == 64
        for approximator in (
            lambda seed: shapiq.KernelSHAP(6, random_state=seed),
            lambda seed: shapiq.SVARMIQ(6, max_order=2, random_state=seed),
            lambda seed: shapiq.PermutationSamplingSII(6, max_order=2, random_state=seed),
        ):
            game = StoredGame(inner, path)
            plain = approximator(0).approximate(50, Counted(6))
            assert np.array_equal(approximator(0).approximate(50, game).values, plain.values)
            assert game.record.evaluated == 0
        assert sum(inner.batches) == 64

    @pytest.mark.parametrize("approximator", APPROXIMATORS)
    def test_a_second_run_is_free_and_equal(self, approximator: type, path: Path) -> None:
        """The same call again evaluates nothing and finds the same."""
        results, records = [], []
        for _ in range(2):
            made = approximator(n=30, max_order=2, random_state=0)
            inner = Counted(30)
            results.append(made.approximate(budget=300, game=StoredGame(inner, path)))
            records.append(made.record)
        assert results[0].dict_values == results[1].dict_values
        assert results[1].estimation_budget == 300
        assert (records[0].evaluated, records[0].from_store) == (300, 0)
        assert (records[1].evaluated, records[1].from_store, records[1].failed) == (0, 300, 0)
        assert records[1].asked == 300
        assert records[1].seconds > 0

    @pytest.mark.parametrize("approximator", APPROXIMATORS)
    def test_a_larger_budget_pays_for_the_difference(self, approximator: type, path: Path) -> None:
        """The masks of a budget are among those of a larger one."""
        for budget, paid in ((300, 300), (700, 400)):
            made = approximator(n=30, random_state=0)
            made.approximate(budget=budget, game=StoredGame(Counted(30), path))
            assert made.record.evaluated == paid

    def test_the_explainer(self, path: Path) -> None:
        """It goes wherever a game goes."""
        for paid in (100, 0):
            game = StoredGame(Counted(), path)
            explainer = shapiq.Explainer(
                game, index="FBII", max_order=2, approximator="proxyspex", random_state=0
            )
            explanation = explainer.explain(budget=100)
            assert game.record.evaluated == paid
            assert explanation[(0,)] == pytest.approx(1.5, rel=0, abs=1e-9)

    def test_recorded_ablations(self, path: Path) -> None:
        """All that is kept can be taken out and explained without the game."""
        approximator = shapiq_spex.ProxySPEX(N, index="FBII", max_order=3, random_state=0)
        game = StoredGame(Counted(), path)
        before = approximator.approximate(200, game)
        masks, values = game.ablations()
        assert masks.shape == (200, N)
        assert np.array_equal(values, Counted()(masks))
        after = approximator.from_ablations(masks, values)
        assert after[(1, 2, 3)] == pytest.approx(before[(1, 2, 3)], rel=0, abs=1e-9)
        assert approximator.record == RunRecord(asked=200, from_store=200)

    def test_a_game_that_changes(self, path: Path) -> None:
        """What was set or fitted between two calls makes another game."""
        inner = Counted(weight=1.0)
        game, masks = StoredGame(inner, path), draw(50)
        for weight in (1.0, 2.0, 1.0, 2.0):
            inner.weight = weight
            assert np.array_equal(game(masks), Counted(weight=weight)(masks))
        assert sum(inner.batches) == 4 * 50 + 2 * len(np.unique(masks, axis=0)) - 4 * 50
        data = np.random.default_rng(0).normal(size=(30, N))
        imputer = shapiq.BaselineImputer(lambda X: X.sum(axis=1), data)
        stored = StoredGame(imputer, path)
        for x in data[:3]:
            imputer.fit(x)
            assert np.array_equal(stored(masks), imputer(masks))

    def test_normalised_by_its_user(self, path: Path) -> None:
        """A normalization value set on the stored game counts for this package, too."""
        game = StoredGame(lambda masks: masks[:, 0] + 5.0, path, n_players=N)
        game.normalization_value = 5.0
        approximator = shapiq_spex.ProxySPEX(N, index="FBII", random_state=0)
        explanation = approximator.approximate(100, game)
        assert explanation[()] == pytest.approx(0.0, rel=0, abs=1e-9)

    def test_wrong_shapes(self, path: Path) -> None:
        """Masks of other players are refused."""
        with pytest.raises(ValueError, match="one column a player"):
            StoredGame(Counted(), path).evaluate(draw(5, N + 2))
        with pytest.raises(ValueError, match=f"has {N} players, not 5"):
            StoredGame(Counted(), path, n_players=5)

    def test_threads_and_processes(self, path: Path) -> None:
        """Threads that ask for the same masks pay once, and the game can be sent elsewhere."""
        inner = Counted()
        game, masks = StoredGame(inner, path), draw(100)
        again = pickle.loads(pickle.dumps(game))  # noqa: S301 our own
        threads = [threading.Thread(target=game, args=(masks,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(inner.batches) == len(np.unique(masks, axis=0))
        assert np.array_equal(again(masks), game(masks))
        assert again.game.batches == []

    def test_record_of_a_plain_game(self) -> None:
        """A game without a store pays for all masks."""
        approximator = shapiq_spex.ProxySPEX(N, random_state=0)
        with pytest.raises(AttributeError, match="call approximate"):
            _ = approximator.record
        approximator.approximate(50, Counted())
        record = approximator.record
        assert (record.asked, record.evaluated, record.from_store, record.failed) == (50, 50, 0, 0)
        assert approximator.noise_level is None


class TestOutputs:
    """Games that keep more than a value."""

    class Labels:
        """A model of three logits, of which a label picks one."""

        n_players = N
        fingerprint = "logits of three labels"

        def __init__(self, label: int) -> None:
            """Choose the label."""
            self.label = label
            self.paid = 0

        def outputs(self, coalitions: np.ndarray) -> np.ndarray:
            """Return three logits per mask."""
            self.paid += len(coalitions)
            return np.stack([coalitions[:, i] * (i + 1.0) for i in range(3)], axis=1)

        def values(self, outputs: np.ndarray) -> np.ndarray:
            """Return the label's margin."""
            return outputs[:, self.label] - np.delete(outputs, self.label, axis=1).max(axis=1)

    def test_another_label_costs_nothing(self, path: Path) -> None:
        """Values are made of what is kept."""
        masks = draw(100)
        for label in range(3):
            model = self.Labels(label)
            values = StoredGame(model, path)(masks)
            assert np.array_equal(values, model.values(self.Labels(0).outputs(masks)))
            assert model.paid == (len(np.unique(masks, axis=0)) if label == 0 else 0)

    def test_outputs_without_values(self, path: Path) -> None:
        """Vectors need a way to become values: that shows in the first batch."""
        calls = []

        def play(masks: np.ndarray) -> np.ndarray:
            calls.append(len(masks))
            return masks[:, :2] * 1.0

        game = StoredGame(play, path, 10, n_players=N)
        with pytest.raises(AblationError, match="one value per mask"):
            game(draw(100))
        assert sum(calls) <= 11

    def test_repeats_of_a_seeded_learner(self, path: Path) -> None:
        """A game that wants to know which repeat it is is told."""

        class Learner:
            n_players, fingerprint = N, "seeds"

            def __init__(self) -> None:
                """Remember what it is told."""
                self.told: list[int] = []

            def outputs(self, masks: np.ndarray, repeat: int) -> np.ndarray:
                self.told.append(repeat)
                return masks[:, 0] + 0.1 * repeat

            def values(self, outputs: np.ndarray) -> np.ndarray:
                return outputs[:, 0]

        learner = Learner()
        answer = StoredGame(learner, path, repeats=3).evaluate(draw(10))
        assert learner.told == [0, 1, 2]
        assert answer.values == pytest.approx(draw(10)[:, 0] + 0.1, rel=0, abs=1e-12)
        assert answer.variances == pytest.approx(0.1**2 / 3, rel=1e-9)

    def test_a_parameter_of_that_name(self, path: Path) -> None:
        """A plain function keeps its own parameter."""
        game = StoredGame(lambda masks, repeat=5: masks[:, 0] * repeat, path, n_players=N)
        assert game(draw(10)).max() == 5

    def test_outputs_of_another_length(self, path: Path) -> None:
        """A game that returns other vectors than before is refused before anything is mixed."""
        model = self.Labels(0)
        StoredGame(model, path)(draw(10))
        model.outputs = lambda masks: np.ones((len(masks), 2))  # type: ignore[method-assign]
        game = StoredGame(model, path)
        with pytest.raises(StoreError, match=r"2 number\(s\) a mask, and 3 before"):
            game(draw(20, seed=1))
        assert np.array_equal(StoredGame(self.Labels(0), path)(draw(10)), self.plain(draw(10)))

    def plain(self, masks: np.ndarray) -> np.ndarray:
        """Return the first label's margins without a store."""
        return self.Labels(0).values(self.Labels(0).outputs(masks))


class TestNoise:
    """Games with chance in them."""

    def test_mean_and_noise_level(self, path: Path) -> None:
        """The value is the mean of the repeats, and the noise level is that of the mean."""
        rng = np.random.default_rng(0)
        game = StoredGame(
            lambda masks: 2.0 * masks[:, 0] + rng.normal(size=len(masks)),
            *(path, 100, False),
            n_players=30,
            repeats=4,
            fingerprint="noise",
        )
        approximator = shapiq_spex.ProxySPEX(30, index="FBII", random_state=0)
        approximator.approximate(1000, game)
        # variance 1 of the signal, 1/4 of the mean of the noise
        assert approximator.noise_level == pytest.approx(0.25 / 1.25, rel=0.1)
        assert approximator.cv_faithfulness == pytest.approx(1 - 0.2, abs=0.05)

    def test_the_warning_tells_of_noise(self, path: Path) -> None:
        """Where chance is what keeps faithfulness low, the warning says so."""
        rng = np.random.default_rng(0)
        game = StoredGame(
            lambda masks: masks[:, 0] + 4.0 * rng.normal(size=len(masks)),
            path,
            n_players=30,
            repeats=2,
            fingerprint="noise",
        )
        with pytest.warns(UserWarning, match=r"\d+% of the variance is chance"):
            shapiq_spex.ProxySPEX(30, random_state=0).approximate(200, game)

    def test_more_repeats_pay_for_the_difference(self, path: Path) -> None:
        """The repeats that are there are used."""
        masks, calls = draw(40), []

        def play(asked: np.ndarray) -> np.ndarray:
            calls.append(len(asked))
            return asked[:, 0] + len(calls)

        distinct = len(np.unique(masks, axis=0))
        for repeats, paid in ((1, 1), (3, 2), (2, 0)):
            calls.clear()
            game = StoredGame(play, path, n_players=N, repeats=repeats, fingerprint="x")
            game(masks)
            assert sum(calls) == paid * distinct
            assert game.record.evaluated == (distinct if paid else 0)

    def test_a_game_without_chance(self, path: Path) -> None:
        """Repeats that agree leave no noise."""
        approximator = shapiq_spex.ProxySPEX(N, random_state=0)
        approximator.approximate(100, StoredGame(Counted(), path, repeats=2))
        assert approximator.noise_level == 0.0


class TestBatches:
    """How the game is called."""

    def test_size(self, path: Path) -> None:
        """The user's size counts, then the game's own, then 64."""
        inner = Counted()
        StoredGame(inner, path, 30)(draw(100, seed=1))
        inner.batch_size = 20
        StoredGame(inner, path)(draw(100, seed=2))
        plain = Counted()
        StoredGame(plain, path, fingerprint="other")(draw(100, seed=3))
        assert max(inner.batches[:4]) == inner.batches[0] == 30
        assert inner.batches[4] == 20
        assert plain.batches[0] == 64

    def test_concurrency_is_bounded_and_ordered(self, path: Path) -> None:
        """So many batches run at a time and no more, and values stay with their masks."""
        lock, running, most = threading.Lock(), [0], [0]
        together = threading.Barrier(4, timeout=30)  # nobody passes until four are there

        def play(masks: np.ndarray) -> np.ndarray:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            if len(masks) == 10:
                together.wait()
            time.sleep(0.002 * random.random())  # noqa: S311 no secret
            with lock:
                running[0] -= 1
            return masks @ np.arange(1.0, n + 1)

        n = 40
        masks = draw(320, n)
        game = StoredGame(play, path, 10, n_players=n, concurrency=4, fingerprint="x")
        assert np.array_equal(game(masks), masks @ np.arange(1.0, n + 1))
        assert most[0] == 4

    def test_progress(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The bar counts ablations and says how many came from the store; otherwise silence."""
        StoredGame(Counted(), path)(draw(100, seed=1))
        assert capsys.readouterr().err == ""
        masks = np.concatenate([draw(100, seed=1), draw(100, seed=2)])
        StoredGame(Counted(), path, progress=True)(masks)
        shown = capsys.readouterr().err
        total = len(np.unique(masks, axis=0))
        assert f"{total}/{total}" in shown
        assert f"from store={len(np.unique(draw(100, seed=1), axis=0))}" in shown

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"batch_size": 0}, "batch_size must be"),
            ({"batch_size": 2.5}, "batch_size must be"),
            ({"repeats": 0}, "repeats must be"),
            ({"concurrency": 0}, "concurrency must be"),
            ({"retries": -1}, "retries must be"),
            ({"on_failure": "ignore"}, "on_failure must be"),
            ({"max_failures": -1}, "max_failures must be"),
            ({"fingerprint": ""}, "fingerprint must be"),
            ({"fingerprint": 7}, "fingerprint must be"),
            ({"timeout": 0}, "timeout must be"),
            ({"max_seconds": 0}, "max_seconds must be"),
            ({"max_calls": 0}, "max_calls must be"),
            ({"backoff": -1.0}, "backoff must be"),
        ],
    )
    def test_bad_arguments(self, options: dict[str, object], reason: str, path: Path) -> None:
        """Mistakes are named before a file is made."""
        with pytest.raises(ValueError, match=reason):
            StoredGame(Counted(), path, **options)
        assert not path.exists()

    def test_unknown_number_of_players(self, path: Path) -> None:
        """A callable must say how many players it has."""
        with pytest.raises(ValueError, match="pass n_players"):
            StoredGame(lambda masks: masks[:, 0], path)


def fail_at(call: int, answer: Callable[[np.ndarray], object]) -> Callable[[np.ndarray], object]:
    """Return a game that goes wrong from one of its calls on whenever mask 70 is there."""
    bad = np.unique(draw(100), axis=0)[20]
    calls = itertools.count()

    def play(masks: np.ndarray) -> object:
        if next(calls) >= call and (masks == bad).all(axis=1).any():
            return answer(masks)
        return masks[:, 0] * 1.0

    return play


def explode(_: np.ndarray) -> np.ndarray:
    """Fail with a text that must not be repeated."""
    msg = "header was: Bearer sk-12345"
    raise ConnectionError(msg)


def poison(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Answer with something that is no value, for the bad mask alone."""
    bad = np.unique(draw(100), axis=0)[20]
    return lambda masks: np.where((masks == bad).all(axis=1), value, masks[:, 0])


class TestFaults:
    """Games that fail in the middle of a run."""

    @pytest.mark.parametrize("concurrency", [1, 3])
    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (explode, "ConnectionError"),
            (poison(np.nan), "nan"),
            (poison(np.inf), "inf"),
            (lambda masks: np.ones(len(masks) + 1), "shape"),
            (lambda _: "text", "TypeError"),
            (lambda _: time.sleep(0.4), "TimeoutError"),
        ],
        ids=["raises", "nan", "infinity", "length", "type", "hangs"],
    )
    def test_the_error_names_mask_and_batch(
        self,
        answer: Callable[[np.ndarray], object],
        reason: str,
        concurrency: int,
        path: Path,
    ) -> None:
        """What was evaluated before is kept, and the next run pays for the rest alone."""
        masks = draw(100)
        distinct = np.unique(masks, axis=0)
        options = {"n_players": N, "fingerprint": "x", "concurrency": concurrency, "timeout": 0.2}
        game = StoredGame(fail_at(0, answer), path, 10, **options)
        with pytest.raises(AblationError, match=reason) as caught:
            game(distinct)
        error = caught.value
        assert error.batch == 3
        assert np.array_equal(error.mask, distinct[20])
        assert "batch 3 of 10" in str(error)
        assert "mask with players" in str(error)
        assert "sk-12345" not in str(error)
        kept, values = game.ablations()
        assert len(kept) >= 20
        assert np.array_equal(values, kept[:, 0] * 1.0)
        again = StoredGame(lambda m: m[:, 0] * 1.0, path, 10, **options)
        assert np.array_equal(again(masks), masks[:, 0] * 1.0)
        assert again.record.evaluated == len(distinct) - len(kept)

    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_one_call_in_twenty_fails(self, concurrency: int, path: Path) -> None:
        """With retries a game that fails now and then is evaluated to the end."""
        rng, lock = random.Random(0), threading.Lock()  # noqa: S311 no secret

        def play(masks: np.ndarray) -> np.ndarray:
            with lock:
                failing = rng.random() < 1 / 20
            if failing:
                raise TimeoutError
            return masks[:, 0] * 1.0

        options = {"fingerprint": "x", "retries": 5, "backoff": 1e-3, "concurrency": concurrency}
        game = StoredGame(play, path, 5, n_players=30, **options)
        masks = draw(1000, 30)
        assert np.array_equal(game(masks), masks[:, 0] * 1.0)
        assert game.record.evaluated == 1000

    def test_without_retries_a_failed_batch_is_tried_mask_by_mask(self, path: Path) -> None:
        """A fault that does not come again costs nothing but that."""
        calls = itertools.count()

        def play(masks: np.ndarray) -> np.ndarray:
            if next(calls) == 3:
                raise TimeoutError
            return masks[:, 0] * 1.0

        masks = draw(100)
        game = StoredGame(play, path, 10, n_players=N, fingerprint="x")
        assert np.array_equal(game(masks), masks[:, 0] * 1.0)

    def test_retries_need_the_extra(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without tenacity the error says what to install, before anything is paid for."""
        monkeypatch.setitem(sys.modules, "tenacity", None)
        with pytest.raises(ImportError, match=r"shapiq-spex\[retry\]"):
            StoredGame(Counted(), path, retries=1)

    @pytest.mark.parametrize("value", [np.nan, "raise"])
    def test_skipped_masks(self, value: object, path: Path) -> None:
        """Masks that keep failing have no value; they are tried again in the next run."""
        masks = np.unique(draw(100), axis=0)
        answer = explode if value == "raise" else poison(np.nan)
        game = StoredGame(
            fail_at(0, answer), path, 10, n_players=N, fingerprint="x", on_failure="skip"
        )
        values = game(masks)
        assert np.flatnonzero(np.isnan(values)).tolist() == [20]
        assert game.record.failed == 1
        assert game.record.evaluated == len(masks) - 1
        again = StoredGame(lambda m: m[:, 0] * 1.0, path, n_players=N, fingerprint="x")
        assert not np.isnan(again(masks)).any()
        assert again.record.evaluated == 1

    def test_too_many_skipped_masks(self, path: Path) -> None:
        """A game that fails on everything is not called for each of a thousand masks."""
        calls = []

        def play(masks: np.ndarray) -> np.ndarray:
            calls.append(len(masks))
            raise ConnectionError

        options = {"fingerprint": "x", "on_failure": "skip", "max_failures": 7}
        game = StoredGame(play, path, 50, n_players=30, **options)
        with pytest.raises(AblationError, match="8 masks failed by now"):
            game(draw(1000, 30))
        assert sum(calls) == 50 + 8

    @pytest.mark.parametrize("approximator", APPROXIMATORS)
    def test_approximators_work_without_skipped_masks(self, approximator: type, path: Path) -> None:
        """Both recover the game exactly from what is left, and say how many are missing."""

        def play(masks: np.ndarray) -> np.ndarray:
            values = 1.5 * masks[:, 0] + 3.0 * masks[:, 1:4].all(axis=1)
            return np.where(masks[:, 5:11].sum(axis=1) == 3, np.nan, values)

        options = {"fingerprint": "x", "on_failure": "skip", "max_failures": 1000}
        game = StoredGame(play, path, n_players=30, **options)
        made = approximator(n=30, max_order=3, index="FBII", random_state=0)
        with pytest.warns(UserWarning, match=r"no value for \d+ of 1000 masks"):
            explanation = made.approximate(1000, game)
        assert made.record.failed == pytest.approx(1000 * 20 / 64, rel=0.2)
        assert made.record.asked == 1000
        assert explanation.estimation_budget == 1000 - made.record.failed
        assert explanation[(1, 2, 3)] == pytest.approx(3.0, rel=0, abs=1e-9)
        assert explanation[(0,)] == pytest.approx(1.5, rel=0, abs=1e-9)

    def test_spex_decodes_parities_without_some_masks(self, path: Path) -> None:
        """Decoding alone finds what no hierarchy shows, with one mask in twenty missing."""
        sets = np.random.default_rng(1).permuted(np.tile(np.arange(60), (6, 1)), axis=1)[:, :4]

        def play(masks: np.ndarray) -> np.ndarray:
            signs = 1.0 - 2.0 * masks
            values = sum((i + 1.0) * signs[:, s].prod(axis=1) for i, s in enumerate(sets))
            missing = np.sin(1e4 * masks @ np.sqrt(np.arange(2.0, 62.0))) > 0.988
            return np.where(missing, np.nan, values)

        options = {"fingerprint": "x", "on_failure": "skip", "max_failures": 1000}
        game = StoredGame(play, path, n_players=60, **options)
        made = shapiq_spex.SPEX(n=60, max_order=4, index="FBII", random_state=0)
        with pytest.warns(UserWarning, match="masks"):
            made.approximate(2000, game)
        assert 50 < made.record.failed < 150
        assert made.cv_faithfulness > 1 - 1e-9

    @pytest.mark.parametrize("approximator", APPROXIMATORS)
    def test_too_few_masks_left(self, approximator: type, path: Path) -> None:
        """Where nearly all masks fail there is an error and no explanation."""
        game = StoredGame(
            lambda masks: np.where(masks[:, :4].any(axis=1), np.nan, 1.0),
            path,
            n_players=30,
            fingerprint="x",
            on_failure="skip",
            max_failures=1000,
        )
        made = approximator(n=30, random_state=0)
        with pytest.raises(ValueError, match="fewer than the smallest budget"):
            made.approximate(made.smallest_budget + 20, game)

    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_limit_of_evaluations(self, concurrency: int, path: Path) -> None:
        """A run stops at its limit with what there is, and the next one goes on from there."""
        options = {"fingerprint": "x", "concurrency": concurrency, "max_calls": 130}
        made = shapiq_spex.ProxySPEX(30, index="FBII", max_order=3, random_state=0)
        for total in (130, 260):
            game = StoredGame(Counted(30), path, 20, **options)
            with pytest.warns(UserWarning, match=f"no value for {300 - total} of 300 masks"):
                explanation = made.approximate(300, game)
            assert sum(game.game.batches) == 130
            assert explanation.estimation_budget == total
            assert made.record.evaluated == 130
            assert made.record.failed == 300 - total
            assert explanation[(1, 2, 3)] == pytest.approx(3.0, rel=0, abs=1e-9)

    def test_limit_of_time(self, path: Path) -> None:
        """After its time a run begins no further batch."""

        def play(masks: np.ndarray) -> np.ndarray:
            time.sleep(0.1)
            return masks[:, 0] * 1.0

        game = StoredGame(play, path, 10, n_players=30, fingerprint="x", max_seconds=0.35)
        values = game(draw(1000, 30))
        assert 10 <= np.count_nonzero(~np.isnan(values)) <= 60
        assert game.record.failed == np.count_nonzero(np.isnan(values))

    def test_interrupt(self, path: Path) -> None:
        """Ctrl-C passes through at once, and what was evaluated is kept."""
        calls = itertools.count()

        def play(masks: np.ndarray) -> np.ndarray:
            if next(calls) == 4:
                raise KeyboardInterrupt
            return masks[:, 0] * 1.0

        game = StoredGame(play, path, 10, n_players=30, fingerprint="x")
        with pytest.raises(KeyboardInterrupt):
            game(draw(100, 30))
        assert len(game.ablations()[0]) == 40

    @pytest.mark.parametrize("timeout", [None, 30.0])
    @pytest.mark.parametrize("concurrency", [1, 2])
    def test_games_that_exit(self, concurrency: int, timeout: float | None, path: Path) -> None:
        """What is no ordinary error passes through, also from a thread."""

        def play(_: np.ndarray) -> np.ndarray:
            raise SystemExit(3)

        options = {"fingerprint": "x", "concurrency": concurrency, "timeout": timeout}
        game = StoredGame(play, path, 10, n_players=30, **options)
        with pytest.raises(SystemExit):
            game(draw(100, 30))

    def test_retries_are_for_what_was_wrong(self, path: Path) -> None:
        """Of a batch with one bad value the others are kept, and not paid for again."""
        paid = []

        def play(masks: np.ndarray) -> np.ndarray:
            paid.append(len(masks))
            return np.where(masks[:, :6].all(axis=1), np.nan, masks[:, 0])

        options = {"fingerprint": "x", "retries": 2, "backoff": 1e-3, "on_failure": "skip"}
        game = StoredGame(play, path, 10, n_players=30, **options)
        game(draw(300, 30))
        assert game.record.failed > 0
        assert sum(paid) == 300 + 3 * game.record.failed

    def test_full_disk_keeps_what_was_there(self, path: Path) -> None:
        """A store that can no longer be written is an error that says so."""
        game = StoredGame(Counted(), path, 10)
        game(draw(20))
        with game._store._use() as connection:
            connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match="is the disk full"):
            game(draw(3000, seed=1))
        assert len(StoredGame(Counted(), path).ablations()[0]) >= len(np.unique(draw(20), axis=0))

    def test_no_secret_reaches_the_file(self, path: Path) -> None:
        """A key that the game holds is nowhere in the store."""

        class Endpoint(Counted):
            def __init__(self, key: str) -> None:
                super().__init__()
                self.headers = {"Authorization": f"Bearer {key}"}

        with StoredGame(Endpoint("sk-secret-12345"), path) as game:
            game(draw(100))
            contents = [file.read_bytes() for file in path.parent.iterdir()]
        assert len(contents) >= 1
        assert not any(b"sk-secret" in content for content in contents)
        assert not any(b"Bearer" in content for content in contents)


def run_killed(folder: Path, name: str, method: str, kills: int) -> tuple[str, int, list[int]]:
    """Kill a run so often; return its result, what it paid for, and the batches by each kill."""
    store, log, result = (folder / f"{name}.{kind}" for kind in ("sqlite", "log", "result"))
    command = [sys.executable, str(KILLED_RUN), *map(str, (store, log, result)), method, str(kills)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    paid = sum(map(int, log.read_text(encoding="utf-8").split()))
    return result.read_text(encoding="utf-8"), paid, list(map(int, done.stdout.split()))


@pytest.mark.parametrize("method", ["ProxySPEX", "SPEX"])
def test_twenty_kills(method: str, tmp_path: Path) -> None:
    """A killed run ends with the uninterrupted result, and paid for a batch more a kill at most."""
    whole, paid, _ = run_killed(tmp_path, "whole", method, 0)
    assert paid == 640
    assert len(whole) > 100
    result, paid, batches = run_killed(tmp_path, "killed", method, 20)
    assert result == whole
    assert len(batches) == 20
    assert len(set(batches)) > 3, "the kills should come in the middle of the run"
    assert 640 <= paid <= 640 + 16 * 20


def test_two_processes_share_their_work(tmp_path: Path) -> None:
    """Two runs at the same time on one store find the same, though they evaluate side by side."""
    store = str(tmp_path / "a.sqlite")
    files = [[str(tmp_path / f"{i}.log"), str(tmp_path / f"{i}.result")] for i in range(2)]
    processes = [
        subprocess.Popen([sys.executable, str(KILLED_RUN), store, *pair, "ProxySPEX", "0"])  # noqa: S603
        for pair in files
    ]
    assert [process.wait() for process in processes] == [0, 0]
    results = [Path(result).read_text(encoding="utf-8") for _, result in files]
    assert results[0] == results[1]
    paid = [sum(map(int, Path(log).read_text().split())) for log, _ in files if Path(log).exists()]
    assert 640 <= sum(paid) <= 2 * 640
