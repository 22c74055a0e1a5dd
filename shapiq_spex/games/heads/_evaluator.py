"""What a game of heads computes with, made when it is first needed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shapiq_spex.games.models.hugging_face._loading import describe_state

from ._replacements import Zero, replace_by
from ._runner import Runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers

    from shapiq_spex.games.tasks import Prepared

    from ._replacements import Ablation
    from ._structure import AttentionLayer
    from ._ways import Ways


@dataclass
class Evaluator:
    """Evaluates masks of heads, and keeps what does not depend on these.

    Where everything that is asked for is in a store, nothing is computed at all.

    Attributes:
        model: The model.
        layers: Its layers.
        players: The layers that have heads which can be off.
        prepared: The examples; None where a function measures the model.
        ablation: What stands for heads that are off.
        rescale: Whether the other heads of the layer make up for them.
        max_tokens: How many tokens go into a pass.
        ways: How work may be saved with this model.
        random_state: The seed of which example is taken instead.
        origin: What has the means that stand for heads, if that is another one.
    """

    model: transformers.PreTrainedModel
    layers: Sequence[AttentionLayer]
    players: frozenset[int]
    prepared: Prepared | None
    ablation: Ablation
    rescale: bool
    max_tokens: int
    ways: Ways
    random_state: int
    origin: Evaluator | None = None
    _state: object = field(default=None, init=False, repr=False)
    _replacement: Zero | None = field(default=None, init=False, repr=False)
    _runner: Runner | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that there are examples where they are needed.

        Raises:
            ValueError: If there are not.
        """
        if self.ablation == "mean" and self.origin is not None:
            return
        if self.ablation != "zero" and self.prepared is None:
            msg = f"ablation={self.ablation!r} needs examples: a function has none."
            if self.ablation == "mean":
                msg += " Begin with a task, and pass the function to `on`."
            raise ValueError(msg)
        if self.ablation == "resample" and self.prepared and len(self.prepared.rows) == 1:
            msg = "To resample heads from another example takes two of them."
            raise ValueError(msg)

    @property
    def instead(self) -> str | None:
        """What the means that stand for heads depend on besides the model."""
        if self.ablation != "mean":
            return None
        source = self.origin or self
        return source.prepared.digest if source.prepared is not None else None

    @property
    def replacement(self) -> Zero:
        """What stands for heads that are off."""
        self._forget_other_weights()
        if self._replacement is None:
            self._replacement = self._replace()
        return self._replacement

    @property
    def runner(self) -> Runner | None:
        """What evaluates masks; None where a function does."""
        if self.prepared is None:
            return None
        replacement = self.replacement
        if self._runner is None:
            self._runner = Runner(
                self.model,
                self.layers,
                min(self.players),
                self.prepared,
                replacement,
                rescale=self.rescale,
                max_tokens=self.max_tokens,
                ways=self.ways,
            )
        return self._runner

    def _forget_other_weights(self) -> None:
        """Forget what was computed with weights that have changed since."""
        state = describe_state(self.model)
        if state != self._state:
            self._state, self._replacement, self._runner = state, None, None

    def _replace(self) -> Zero:
        """Find what stands for heads that are off."""
        if self.ablation == "mean" and self.origin is not None:
            return self.origin.replacement
        if self.prepared is None:
            return Zero()
        watched = [
            layer if place in self.players else replace(layer, projection=None)
            for place, layer in enumerate(self.layers)
        ]
        return replace_by(
            self.ablation,
            self.model,
            watched,
            self.prepared.rows,
            max_tokens=self.max_tokens if self.ways.batches else 1,
            random_state=self.random_state,
        )
