"""Models of the transformers library: language models, and classifiers of texts."""

from __future__ import annotations

from ._model import HuggingFace

__all__ = ["HuggingFace"]
