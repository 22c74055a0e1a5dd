"""Games of real systems, for any approximator of shapiq."""

from __future__ import annotations

from ._segments import divide
from .estimate import Estimate
from .intervention import Intervention
from .models import (
    Classifier,
    EndpointError,
    Generator,
    HuggingFace,
    LanguageModel,
    LlamaCpp,
    Message,
    OpenAICompatible,
    Prompt,
    Tokenizer,
    Usage,
    small_model,
)
from .prompt import Model, PromptGame
from .targets import Answers, ClassLogit, Continuation, Labels, Similarity, Target

__all__ = [
    "Answers",
    "ClassLogit",
    "Classifier",
    "Continuation",
    "EndpointError",
    "Estimate",
    "Generator",
    "HuggingFace",
    "Intervention",
    "Labels",
    "LanguageModel",
    "LlamaCpp",
    "Message",
    "Model",
    "OpenAICompatible",
    "Prompt",
    "PromptGame",
    "Similarity",
    "Target",
    "Tokenizer",
    "Usage",
    "divide",
    "small_model",
]
