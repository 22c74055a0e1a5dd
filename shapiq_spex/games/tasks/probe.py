"""Probes: linear classifiers on what an encoder makes of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shapiq_spex._numbers import refuse_masked
from shapiq_spex.games.models.hugging_face._evaluating import evaluating
from shapiq_spex.games.models.hugging_face._loading import require
from shapiq_spex.games.models.hugging_face._scoring import pad

from ._prepared import features_of, pool
from ._task import check_texts
from .classification import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import transformers
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

Pooling = Literal["mean", "first", "last"]
_POOLINGS = ("mean", "first", "last")
_BATCH = 32  # texts of like length
_BINARY = 2


@dataclass(frozen=True, eq=False, repr=False)
class Probe:
    """A linear classifier on pooled features of an encoder.

    Attributes:
        classes: The labels.
        weights: Shape ``(n_classes, d)``.
        bias: Shape ``(n_classes,)``.
        pooling: Which vector of a text is taken: the ``"mean"`` over its tokens, or that of the
            ``"first"`` or the ``"last"`` one.
    """

    classes: tuple[Any, ...]
    weights: FloatArray
    bias: FloatArray
    pooling: Pooling = "mean"

    def __repr__(self) -> str:
        """Say which classes there are."""
        return f"Probe(classes={self.classes!r}, pooling={self.pooling!r})"

    def check(self, model: transformers.PreTrainedModel) -> None:
        """Refuse a model that the probe was not fitted to.

        Args:
            model: The model.

        Raises:
            ValueError: If its features are of another size.
        """
        size, expected = model.config.get_text_config().hidden_size, self.weights.shape[1]
        if size != expected:
            msg = (
                f"The probe was fitted to features of size {expected}, and those of "
                f"{type(model).__name__} have size {size}: fit one to this model."
            )
            raise ValueError(msg)


def fit_probe(
    model: transformers.PreTrainedModel,
    texts: Sequence[str],
    y: ArrayLike,
    *,
    tokenizer: transformers.PreTrainedTokenizerBase,
    pooling: Pooling = "mean",
    classifier: Any = None,  # noqa: ANN401 any of scikit-learn's linear classifiers
) -> Probe:
    """Fit a linear classifier to what an encoder makes of texts, all its heads being on.

    Args:
        model: The encoder, which is not changed.
        texts: The texts; others than those that heads are explained with.
        y: Their classes.
        tokenizer: The encoder's tokenizer.
        pooling: Which vector of a text is taken.
        classifier: A linear classifier of scikit-learn, by default logistic regression.

    Returns:
        The probe, for ``Classification(..., probe=probe)``.

    Raises:
        ValueError: If there is no such pooling, texts and classes differ in number, a text has no
            tokens, or the model returns no features.
    """
    from sklearn.base import clone  # noqa: PLC0415 slow to import
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 slow to import

    if pooling not in _POOLINGS:
        msg = f"pooling must be one of {', '.join(map(repr, _POOLINGS))}, got {pooling!r}."
        raise ValueError(msg)
    refuse_masked("y", y)
    labels = np.asarray(y)
    check_texts("texts", texts)
    if labels.shape != (len(texts),) or len(texts) == 0:
        msg = f"y must have one class for each of the {len(texts)} texts, got {labels.shape}."
        raise ValueError(msg)
    features = embed(model, texts, tokenizer=tokenizer, pooling=pooling)
    fitted = clone(classifier or LogisticRegression(max_iter=1000)).fit(features, labels)
    weights, bias = np.asarray(fitted.coef_, float), np.asarray(fitted.intercept_, float)
    if len(fitted.classes_) == _BINARY:  # one row, of the second class against the first one
        weights, bias = np.vstack([0 * weights, weights]), np.append(0 * bias, bias)
    return Probe(tuple(fitted.classes_.tolist()), weights, bias, pooling)


def embed(
    model: transformers.PreTrainedModel,
    texts: Sequence[str],
    *,
    tokenizer: transformers.PreTrainedTokenizerBase,
    pooling: Pooling = "mean",
) -> FloatArray:
    """Return one vector for each text, shape ``(len(texts), d)``.

    Args:
        model: The encoder.
        texts: The texts.
        tokenizer: Its tokenizer.
        pooling: Which vector of a text is taken.
    """
    torch, _ = require()
    rows = encode(model, tokenizer, texts)
    order = np.argsort([len(row) for row in rows], kind="stable")
    found: list[FloatArray] = []
    with evaluating(model), torch.inference_mode():
        for start in range(0, len(rows), _BATCH):
            ids, mask = pad([rows[place] for place in order[start : start + _BATCH]], 0)
            ids, mask = ids.to(model.device), mask.to(model.device)
            features = features_of(model(input_ids=ids, attention_mask=mask))
            found.append(pool(features, mask, pooling).cpu().double().numpy())
    return np.concatenate(found)[np.argsort(order)]
