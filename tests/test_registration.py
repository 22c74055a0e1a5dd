"""register() puts this package into shapiq's explainers, and unregister() takes it out again."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapiq
from joblib.externals.loky.backend.reduction import dumps
from shapiq.explainer import base, configuration
from shapiq.explainer.agnostic import AgnosticExplainer
from shapiq.explainer.tabular import TabularExplainer
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

import shapiq_spex

if TYPE_CHECKING:
    from collections.abc import Iterator

N_PLAYERS = 6
UNSUPPORTED = ["CHII", "kADD-SHAP"]


def values(masks: np.ndarray) -> np.ndarray:
    """Return values of a game: player 2 alone is worth 2, players 0 and 1 together 5."""
    return 2.0 * masks[:, 2] + 5.0 * (masks[:, 0] & masks[:, 1])


def predict(rows: np.ndarray) -> np.ndarray:
    """Predict with a model whose game over one row of ones is `values`."""
    return 2.0 * rows[:, 2] + 5.0 * rows[:, 0] * rows[:, 1]


class SmallGame(shapiq.Game):
    """The values as a game of shapiq."""

    def __init__(self) -> None:
        """Set up six players whose empty coalition is worth nothing."""
        super().__init__(n_players=N_PLAYERS, normalize=False)

    def value_function(self, coalitions: np.ndarray) -> np.ndarray:
        """Return the values of the coalitions."""
        return values(coalitions)


class OwnExplainer(shapiq.Explainer):
    """An explainer of a user's own, with an __init__ of its own."""

    def __init__(self, word: str) -> None:
        """Take what no explainer of shapiq takes, and nothing else."""
        self.word = word

    def explain_function(self, x: np.ndarray | None, **_: object) -> shapiq.InteractionValues:
        """Explain nothing."""
        raise NotImplementedError


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Start and leave every test registered, as a user is after the import."""
    shapiq_spex.register()
    yield
    shapiq_spex.register()


@pytest.fixture
def background() -> np.ndarray:
    """Background data of zeros and noise in equal parts: its mean row is zero."""
    noise = np.random.default_rng(0).normal(size=(8, N_PLAYERS))
    return np.vstack([noise, -noise])


def state() -> dict[str, object]:
    """Return every object of shapiq that registration may replace, and the order of the table."""
    table = configuration.APPROXIMATOR_CONFIGURATIONS
    return {
        "globals of configuration": dict(vars(configuration)),
        "globals of base": dict(vars(base)),
        "members of Explainer": dict(vars(shapiq.Explainer)),
        "members of AgnosticExplainer": dict(vars(AgnosticExplainer)),
        "members of TabularExplainer": dict(vars(TabularExplainer)),
        "table": {name: id(row) for name, row in table.items()},
        "rows": {name: list(row.items()) for name, row in table.items()},
        "order": list(table),
    }


def identities(snapshot: dict[str, object]) -> dict[str, object]:
    """Replace the objects in a snapshot by their ids, so that `==` compares identity."""
    return {
        part: [(name, id(value)) for name, value in content.items()]
        if isinstance(content, dict) and part not in {"table", "rows"}
        else content
        for part, content in snapshot.items()
    }


class TestRegisterAndUnregister:
    """The two are idempotent and exact inverses."""

    def test_unregister_restores_every_object_of_shapiq(self) -> None:
        """A second round trip ends where the first did, object by object and key by key."""
        shapiq_spex.unregister()
        # The snapshots keep the objects alive, so that no id can be given out twice.
        before = state()
        shapiq_spex.register()
        during = state()
        shapiq_spex.unregister()
        after = state()

        assert identities(before) == identities(after)
        assert identities(before) != identities(during)

    def test_unregistered_is_shapiqs_own(self) -> None:
        """After unregister the table and the dispatch are those of shapiq's modules."""
        shapiq_spex.unregister()

        row = configuration.APPROXIMATOR_CONFIGURATIONS["spex"]
        assert set(row.values()) == {shapiq.SPEX}
        assert type(row) is dict
        assert configuration.SPEX is shapiq.SPEX
        assert base.generic_to_specific_explainer.__module__ == "shapiq.explainer.base"

    def test_both_may_be_called_again(self) -> None:
        """A second register does not wrap the first; one unregister is enough."""
        shapiq_spex.unregister()
        before = state()
        shapiq_spex.register()
        once = state()
        shapiq_spex.register()
        assert identities(once) == identities(state())
        shapiq_spex.unregister()
        shapiq_spex.unregister()
        assert identities(before) == identities(state())

    def test_the_order_of_the_table_stays(self) -> None:
        """Names are listed in shapiq's order, registered or not."""
        names = list(configuration.APPROXIMATOR_CONFIGURATIONS)
        shapiq_spex.unregister()
        assert list(configuration.APPROXIMATOR_CONFIGURATIONS) == names

    def test_shapiqs_class_stays_reachable(self) -> None:
        """`shapiq.SPEX` is not replaced."""
        assert shapiq.SPEX is not shapiq_spex.SPEX
        assert not issubclass(shapiq_spex.SPEX, shapiq.SPEX)


class TestNames:
    """`approximator="spex"` and `"auto"` mean this package's class."""

    @pytest.mark.parametrize("index", shapiq_spex.SPEX.valid_indices)
    def test_spex_in_every_explainer_and_index(self, index: str, background: np.ndarray) -> None:
        """All valid indices, BII among them, work by name in all three explainers."""
        order = 1 if index in {"SV", "BV"} else 2
        options = {"index": index, "max_order": order, "approximator": "spex"}
        for explainer in (
            shapiq.Explainer(SmallGame(), **options),
            shapiq.Explainer(predict, background, imputer="baseline", **options),
            shapiq.AgnosticExplainer(SmallGame(), **options),
            shapiq.TabularExplainer(predict, background, imputer="baseline", **options),
        ):
            assert type(explainer.approximator) is shapiq_spex.SPEX
            assert explainer.approximator.index == index
            assert explainer.approximator.max_order == order

    @pytest.mark.parametrize("index", UNSUPPORTED)
    def test_unsupported_index_lists_the_valid_ones(
        self, index: str, background: np.ndarray
    ) -> None:
        """An index SPEX does not have is a ValueError that names those it has."""
        match = f"Invalid index '{index}'.*SV, BV, SII, BII, k-SII, STII, FSII, FBII, Moebius"
        options = {"index": index, "max_order": 2, "approximator": "spex"}
        with pytest.raises(ValueError, match=match):
            shapiq.AgnosticExplainer(SmallGame(), **options)
        with pytest.raises(ValueError, match=match):
            shapiq.Explainer(SmallGame(), **options)
        with pytest.raises(ValueError, match=match):
            shapiq.TabularExplainer(predict, background, imputer="baseline", **options)

    def test_auto_takes_it_where_it_took_shapiqs(self) -> None:
        """Many players mean this SPEX, even where shapiq's `sparse` extra is missing."""
        explainer = shapiq.Explainer(values, n_players=100, index="FBII", max_order=2)
        assert type(explainer.approximator) is shapiq_spex.SPEX
        assert configuration._spex_available()

    def test_auto_is_shapiqs_elsewhere(self) -> None:
        """Few players mean what they meant in shapiq."""
        explainer = shapiq.Explainer(SmallGame(), index="FBII", max_order=2)
        assert type(explainer.approximator) is shapiq.RegressionFBII

    def test_other_names_stay(self) -> None:
        """The other approximators are shapiq's."""
        explainer = shapiq.Explainer(SmallGame(), index="SV", approximator="svarm")
        assert type(explainer.approximator) is shapiq.SVARM


class TestGames:
    """`shapiq.Explainer` takes games and value functions."""

    @pytest.mark.parametrize(
        ("model", "options"),
        [(SmallGame(), {}), (values, {"n_players": N_PLAYERS})],
        ids=["game", "callable"],
    )
    def test_explains(self, model: object, options: dict[str, int]) -> None:
        """The explanation of a small game is exact, and says what was asked."""
        explainer = shapiq.Explainer(
            model, index="FBII", max_order=2, approximator="spex", random_state=0, **options
        )
        explanation = explainer.explain(budget=2**N_PLAYERS)

        assert type(explainer) is AgnosticExplainer
        assert (explainer.index, explainer.max_order) == ("FBII", 2)
        assert (explanation.index, explanation.max_order) == ("FBII", 2)
        assert explanation[(0, 1)] == pytest.approx(5.0)
        assert explanation[(2,)] == pytest.approx(2.0)

    @pytest.mark.parametrize(
        ("model", "options"),
        [(SmallGame(), {}), (values, {"n_players": N_PLAYERS})],
        ids=["game", "callable"],
    )
    def test_explains_with_proxyspex(self, model: object, options: dict[str, int]) -> None:
        """The name means this package's class, also for games, and finds them from few masks."""
        explainer = shapiq.Explainer(
            model, index="FBII", max_order=2, approximator="proxyspex", random_state=0, **options
        )
        explanation = explainer.explain(budget=40)
        assert type(explainer.approximator) is shapiq_spex.ProxySPEX
        assert (explanation.index, explanation.max_order) == ("FBII", 2)
        assert explanation.estimation_budget == 40
        assert explanation[(0, 1)] == pytest.approx(5.0)
        assert explanation[(2,)] == pytest.approx(2.0)

    def test_x_is_ignored(self) -> None:
        """A game has no data points: `explain(x)` is `explain()`, as in AgnosticExplainer."""
        explainer = shapiq.Explainer(SmallGame(), index="FBII", max_order=2, approximator="spex")
        with_x = explainer.explain(np.zeros(N_PLAYERS), budget=2**N_PLAYERS)
        without = explainer.explain(budget=2**N_PLAYERS)
        assert with_x[(0, 1)] == without[(0, 1)]

    @pytest.mark.parametrize(
        ("options", "kind", "match"),
        [
            ({"class_index": 0}, TypeError, "takes no `class_index`"),
            ({"index": "SV", "max_order": 2}, ValueError, "SV is of single players"),
            ({"max_order": 2}, ValueError, "SV is of single players.*'k-SII'"),
            ({"index": "BV", "max_order": 3}, ValueError, "BV is of single players.*'FBII'"),
            ({"imputer": "baseline"}, TypeError, "imputer"),
            ({"sample_size": 10}, TypeError, "sample_size"),
        ],
    )
    @pytest.mark.parametrize("approximator", ["auto", "spex", "regression"])
    @pytest.mark.parametrize("model", [SmallGame(), values], ids=["game", "callable"])
    def test_what_has_no_effect_is_refused(
        self,
        model: object,
        approximator: str,
        options: dict[str, object],
        kind: type[Exception],
        match: str,
    ) -> None:
        """An argument that would change nothing does not pass in silence."""
        with pytest.raises(kind, match=match):
            shapiq.Explainer(model, n_players=N_PLAYERS, approximator=approximator, **options)

    @pytest.mark.parametrize(
        "options", [{"index": "FBII"}, {"max_order": 2}, {"n_players": 9}, {"random_state": 1}]
    )
    def test_an_instance_is_not_contradicted(self, options: dict[str, object]) -> None:
        """What an approximator brings itself cannot be asked for otherwise."""
        approximator = shapiq_spex.SPEX(n=N_PLAYERS, max_order=3, index="STII", random_state=0)
        if "max_order" in options:
            options = {**options, "index": "STII"}
        with pytest.raises(ValueError, match=r"brings .* itself"):
            shapiq.Explainer(SmallGame(), approximator=approximator, **options)
        agreed = {"index": "STII", "max_order": 3, "n_players": N_PLAYERS, "random_state": 0}
        explainer = shapiq.Explainer(SmallGame(), approximator=approximator, **agreed)
        assert explainer.approximator is approximator

    def test_imputer_is_fitted_to_x(self, background: np.ndarray) -> None:
        """An imputer is a game with data points: `explain(x)` explains x."""
        imputer = shapiq.BaselineImputer(predict, background)
        explainer = shapiq.Explainer(imputer, index="FBII", max_order=2, approximator="spex")
        row = np.array([2.0, 1.0, 3.0, 0.0, 0.0, 0.0])
        explanation = explainer.explain(row, budget=2**N_PLAYERS)
        assert explanation[(0, 1)] == pytest.approx(10.0)
        assert explanation[(2,)] == pytest.approx(6.0)

    def test_random_state_reaches_the_approximator(self) -> None:
        """The same `random_state` gives the same masks, another one others."""

        def asked(random_state: int) -> bytes:
            seen: list[np.ndarray] = []

            def watched(masks: np.ndarray) -> np.ndarray:
                seen.append(masks.copy())
                return values(masks)

            shapiq.Explainer(
                watched,
                n_players=40,
                index="FBII",
                max_order=2,
                approximator="spex",
                random_state=random_state,
            ).explain(budget=500)
            return np.concatenate(seen).astype(bool).tobytes()

        assert asked(1) == asked(1)
        assert asked(1) != asked(2)

    def test_an_instance_brings_its_own_index(self) -> None:
        """With an approximator instance the explainer reports what its explanations will carry."""
        approximator = shapiq_spex.SPEX(n=N_PLAYERS, max_order=3, index="STII")
        explainer = shapiq.Explainer(SmallGame(), approximator=approximator)
        assert (explainer.index, explainer.max_order) == ("STII", 3)
        assert explainer.approximator is approximator

    def test_neither_data_nor_players(self) -> None:
        """A callable alone may be a model or a value function: the error says what is missing."""
        with pytest.raises(TypeError, match=r"background `data`.*`n_players`"):
            shapiq.Explainer(values, approximator="spex")

    def test_data_for_a_game(self, background: np.ndarray) -> None:
        """Background data for a game is a mistake that must not pass in silence."""
        with pytest.raises(TypeError, match="takes no background `data`"):
            shapiq.Explainer(SmallGame(), background)

    def test_unknown_argument(self) -> None:
        """A misspelt argument is a TypeError that names it."""
        with pytest.raises(TypeError, match="unexpected keyword argument 'aproximator'"):
            shapiq.Explainer(SmallGame(), aproximator="spex")


class TestOtherDispatches:
    """Models go where they went."""

    def test_callable_model_with_data(self, background: np.ndarray) -> None:
        """A model as a callable, with data, is tabular; its row may come as sklearn gives it."""
        explainer = shapiq.Explainer(
            predict,
            background,
            index="FBII",
            max_order=2,
            approximator="spex",
            imputer="baseline",
            random_state=0,
        )
        assert type(explainer) is TabularExplainer
        row = np.ones(N_PLAYERS)
        flat = explainer.explain(row, budget=2**N_PLAYERS)
        nested = explainer.explain(row.reshape(1, -1), budget=2**N_PLAYERS)
        assert flat[(0, 1)] == pytest.approx(5.0)
        assert flat[(0, 1)] == nested[(0, 1)]

    @pytest.mark.parametrize("index", ["SV", "k-SII", "FBII"])
    def test_tabular_baseline_value(self, index: str, background: np.ndarray) -> None:
        """TabularExplainer writes its baseline into our explanation, whatever the index."""
        explainer = shapiq.TabularExplainer(
            lambda rows: predict(rows) + 7.0,
            background,
            index=index,
            max_order=1 if index == "SV" else 2,
            approximator="spex",
            imputer="baseline",
        )
        explanation = explainer.explain(np.ones(N_PLAYERS), budget=2**N_PLAYERS)
        assert explanation.baseline_value == pytest.approx(7.0)

    def test_sklearn_models(self, background: np.ndarray) -> None:
        """A linear model is tabular, a tree has an explainer of its own."""
        target = predict(background)
        linear = shapiq.Explainer(LinearRegression().fit(background, target), background)
        tree = shapiq.Explainer(DecisionTreeRegressor(max_depth=2).fit(background, target))
        assert type(linear) is TabularExplainer
        assert type(tree) is shapiq.TreeExplainer

    def test_subclass_keeps_its_init(self) -> None:
        """An explainer of a user's own is not dispatched."""
        assert OwnExplainer("mine").word == "mine"

    def test_unsupported_object(self) -> None:
        """What shapiq refuses is refused in shapiq's words."""
        with pytest.raises(TypeError, match="unsupported type"):
            shapiq.Explainer(object())


class TestOtherProcesses:
    """`explain_X` with `n_jobs` sends explainers to other processes, by joblib's own pickling."""

    def test_explainer_of_a_game(self) -> None:
        """The repaired dispatch leaves nothing in the explainer that cannot travel."""
        sent = shapiq.Explainer(
            SmallGame(), index="FBII", max_order=2, approximator="spex", random_state=0
        )
        arrived = pickle.loads(dumps(sent))  # noqa: S301 - our own bytes
        assert (arrived.index, arrived.max_order) == ("FBII", 2)
        explanation = arrived.explain(budget=2**N_PLAYERS)
        assert explanation[(0, 1)] == pytest.approx(5.0)

    def test_explainer_of_a_model(self, background: np.ndarray) -> None:
        """A tabular explainer with SPEX travels, too."""
        sent = shapiq.Explainer(
            predict,
            background,
            index="FBII",
            max_order=2,
            approximator="spex",
            imputer="baseline",
            random_state=0,
        )
        arrived = pickle.loads(dumps(sent))  # noqa: S301 - our own bytes
        explanation = arrived.explain(np.ones(N_PLAYERS), budget=2**N_PLAYERS)
        assert explanation[(0, 1)] == pytest.approx(5.0)
