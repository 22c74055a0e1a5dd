"""The classes of a classifier as targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapiq_spex._numbers import as_real
from shapiq_spex.games.models import Classifier

from ._target import need, odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from shapiq_spex.games.models import Prompt

    from ._target import Target

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ClassLogit:
    """The logit of one class of a classifier. The logits of all classes are kept in a store.

    Attributes:
        name: The name of the class.
    """

    name: str

    @property
    def fingerprint(self) -> object:
        """The same for all classes."""
        return "logits"

    def prepare(self, model: object, prompt: Prompt) -> Target:
        """Return the target that knows the place of the class; see :meth:`Target.prepare`."""
        need(self, model, Classifier, "logits")
        return Classes(find_class(model, self.name))  # type: ignore[arg-type] # as checked

    def ask(self, model: Classifier, prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return the logits of all classes, shape ``(m, classes)``; see :meth:`Target.ask`."""
        return as_real(model.logits(prompts), "logits must return")

    def values(self, outputs: FloatArray) -> FloatArray:
        """Raise: the class is not known before :meth:`prepare`; see :meth:`Target.values`."""
        msg = f"ClassLogit has to be prepared for a model before it reads {outputs.shape[1]} logits"
        raise RuntimeError(msg)


@dataclass(frozen=True)
class Classes:
    """The log-odds of a class against others, or its logit.

    Attributes:
        positive: The place of the class.
        against: The places of the others, none for the logit.
    """

    positive: int
    against: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> object:
        """The same for all classes."""
        return "logits"

    def prepare(self, model: object, prompt: Prompt) -> Target:
        """Return the target, which is prepared."""
        return self

    def ask(self, model: Classifier, prompts: Sequence[Prompt], repeat: int) -> FloatArray:
        """Return the logits of all classes, shape ``(m, classes)``."""
        return as_real(model.logits(prompts), "logits must return")

    def values(self, outputs: FloatArray) -> FloatArray:
        """Return the log-odds or the logits, shape ``(m,)``."""
        if not self.against:
            return outputs[:, self.positive]
        return odds(outputs, self.positive, list(self.against))


def find_class(model: Classifier, name: str) -> int:
    """Return the place of a class."""
    classes = list(model.classes)
    for each in (name, name.strip()):
        if each in classes:
            return classes.index(each)
    msg = f"The model has no class {name.strip()!r}; it has {', '.join(classes)}."
    raise ValueError(msg)
