"""Make shapiq's explainers use this package's approximators.

shapiq chooses an approximator by name from one table, and picks a class for ``"auto"`` from the
globals of one module. :func:`register` puts this package's classes there and :func:`unregister`
puts back what stood there before. Nothing else of shapiq changes: :class:`shapiq.SPEX` and
:class:`shapiq.ProxySPEX` stay shapiq's own classes.

:func:`register` also repairs how :class:`shapiq.Explainer` treats games. In shapiq 1.8 a
:class:`shapiq.Game` raises a ``TypeError`` there, and a bare callable with ``n_players`` is taken
for a model of tabular data. Both are meant for :class:`shapiq.AgnosticExplainer`.

Examples:
    >>> import numpy as np
    >>> import shapiq
    >>> import shapiq_spex
    >>> def votes(masks):
    ...     return np.all(masks[:, :2], axis=1).astype(float)
    >>> explainer = shapiq.Explainer(
    ...     votes, n_players=4, index="FBII", max_order=2, approximator="spex"
    ... )
    >>> type(explainer).__name__, type(explainer.approximator).__module__.split(".")[0]
    ('AgnosticExplainer', 'shapiq_spex')
    >>> shapiq_spex.unregister()
    >>> shapiq_spex.register()

"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from shapiq.approximator.base import Approximator
from shapiq.explainer import base, configuration
from shapiq.explainer.agnostic import AgnosticExplainer
from shapiq.explainer.tabular import TabularExplainer

from shapiq_spex.approximators import SPEX, ProxySPEX

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from shapiq.explainer.agnostic import AgnosticExplainerIndices
    from shapiq.explainer.base import Explainer
    from shapiq.explainer.custom_types import ExplainerIndices
    from shapiq.game import Game
    from shapiq.typing import Model

__all__ = ["register", "unregister"]

# The name a user passes as ``approximator=``, and the class that answers to it. The class carries
# the name of the shapiq class it stands in for.
_APPROXIMATORS: dict[str, type[Approximator[Any]]] = {
    "spex": SPEX,
    "proxyspex": ProxySPEX,
}

# shapiq's, which cannot be told from what was not asked
_DEFAULT_INDEX: Literal["SV"] = "SV"
_DEFAULT_ORDER = 1
_SINGLE = {"SV": "index='k-SII' or 'FSII'", "BV": "index='FBII'"}  # and what has more players

_shapiq_dispatch = base.generic_to_specific_explainer

# What undoes the registration, in the order it was done; empty while not registered.
_undo: list[Callable[[], None]] = []


class _ClassByIndex(dict[str, type[Approximator[Any]]]):
    """A row of shapiq's table of approximators that says which indices it has."""

    def __init__(self, name: str, approximator: type[Approximator[Any]]) -> None:
        """Map every index that the approximator estimates to the approximator.

        Args:
            name: What the approximator is called in ``approximator=``.
            approximator: The class of the approximator.
        """
        super().__init__(dict.fromkeys(approximator.valid_indices, approximator))
        self.name = name

    def __missing__(self, index: str) -> type[Approximator[Any]]:
        """Refuse an index in words: shapiq subscripts the row and would raise a bare KeyError."""
        msg = (
            f"Invalid index '{index}' for approximator '{self.name}'. "
            f"Valid indices are: {', '.join(self)}."
        )
        raise ValueError(msg)


def register() -> None:
    """Let shapiq's explainers use this package; done by ``import shapiq_spex``.

    Afterwards ``approximator="spex"`` means :class:`shapiq_spex.SPEX` and ``"proxyspex"`` means
    :class:`shapiq_spex.ProxySPEX` in :class:`shapiq.Explainer`, :class:`shapiq.AgnosticExplainer`
    and :class:`shapiq.TabularExplainer`, ``approximator="auto"`` takes SPEX for many players where
    it took shapiq's, and :class:`shapiq.Explainer` accepts games and value functions. Calling it
    again changes nothing.
    """
    if _undo:
        return
    table = cast("dict[str, dict[str, Any]]", configuration.APPROXIMATOR_CONFIGURATIONS)
    for name, approximator in _APPROXIMATORS.items():
        _undo.append(partial(table.__setitem__, name, table[name]))
        table[name] = _ClassByIndex(name, approximator)
        _replace(configuration, approximator.__name__, approximator)
    _replace(base, "generic_to_specific_explainer", _to_specific_explainer)


def unregister() -> None:
    """Undo :func:`register`: shapiq is as it was before. Calling it again changes nothing."""
    while _undo:
        _undo.pop()()


def _replace(module: object, name: str, value: object) -> None:
    """Set an attribute of a module of shapiq, and remember how to set it back."""
    _undo.append(partial(setattr, module, name, getattr(module, name)))
    setattr(module, name, value)


def _to_specific_explainer(
    generic_explainer: Explainer,
    explainer_cls: type[Explainer],
    *,
    model: Model | Game | Callable[[np.ndarray], np.ndarray],
    data: np.ndarray | None = None,
    class_index: int | None = None,
    index: ExplainerIndices = _DEFAULT_INDEX,
    max_order: int = _DEFAULT_ORDER,
    **kwargs: Any,  # noqa: ANN401 - the explainers' own arguments, as in shapiq
) -> None:
    """Stand in for shapiq's function of the same arguments: right for games, else shapiq's own."""
    if _is_bare_callable(explainer_cls, model, data):
        if kwargs.get("n_players") is None:
            msg = (
                "A callable is explained either as a model, with background `data`, or as a "
                "value function over coalitions, with `n_players`. Got neither."
            )
            raise TypeError(msg)
        explainer_cls = AgnosticExplainer
    if explainer_cls is not AgnosticExplainer:
        _shapiq_dispatch(
            generic_explainer,
            explainer_cls,
            model=model,
            data=data,
            class_index=class_index,
            index=index,
            max_order=max_order,
            **kwargs,
        )
        return
    _refuse_without_effect(index, max_order, data=data, class_index=class_index, **kwargs)
    generic_explainer.__class__ = AgnosticExplainer
    explainer = cast("AgnosticExplainer", generic_explainer)
    AgnosticExplainer.__init__(
        explainer,
        cast("Game", model),
        index=cast("AgnosticExplainerIndices", index),
        max_order=max_order,
        **kwargs,
    )
    _report_what_was_asked(explainer, index, max_order, kwargs.get("approximator"))


def _is_bare_callable(
    explainer_cls: type[Explainer],
    model: Model | Game | Callable[[np.ndarray], np.ndarray],
    data: np.ndarray | None,
) -> bool:
    """Whether shapiq took a callable for a tabular model although it came without data.

    TabularExplainer cannot work without data, so no call that worked goes another way than before.
    """
    return explainer_cls is TabularExplainer and callable(model) and data is None


def _refuse_without_effect(
    index: str,
    max_order: int,
    *,
    data: object,
    class_index: object,
    approximator: object = None,
    n_players: int | None = None,
    random_state: int | None = None,
    **_: object,
) -> None:
    """Refuse what would change nothing in the explanation of a game.

    Raises:
        TypeError: If there is something that only models have.
        ValueError: If interactions are asked for of an index that has none, or what an approximator
            that is passed as an instance brings itself.
    """
    if data is not None:
        msg = "A game takes no background `data`: its value function says what absence means."
        raise TypeError(msg)
    if class_index is not None:
        msg = "A game takes no `class_index`: its value function says which class it is about."
        raise TypeError(msg)
    if index in _SINGLE and max_order > _DEFAULT_ORDER:
        msg = (
            f"{index} is of single players: max_order must be 1, got {max_order}. For interactions "
            f"ask for {_SINGLE[index]}."
        )
        raise ValueError(msg)
    if not isinstance(approximator, Approximator):
        return
    own = {
        "index": (index, approximator.index, _DEFAULT_INDEX),
        "max_order": (max_order, approximator.max_order, _DEFAULT_ORDER),
        "n_players": (n_players, approximator.n, None),
        "random_state": (random_state, approximator._random_state, None),  # noqa: SLF001 as below
    }
    for name, (asked, brought, default) in own.items():
        if asked not in (brought, default):
            msg = (
                f"The approximator brings {name}={brought!r} itself, and {name}={asked!r} would "
                "change nothing: make the approximator with it, or pass the approximator's name."
            )
            raise ValueError(msg)


def _report_what_was_asked(
    explainer: AgnosticExplainer,
    index: ExplainerIndices,
    max_order: int,
    approximator: object,
) -> None:
    """Set the explainer's index and order, which AgnosticExplainer leaves at SV and 1.

    An approximator passed as an instance brings its own index and order, and the explanations
    will carry those.
    """
    if isinstance(approximator, Approximator):
        index, max_order = approximator.index, approximator.max_order
    explainer._index = index  # noqa: SLF001 - shapiq has no setter
    explainer._max_order = max_order  # noqa: SLF001 - shapiq has no setter
