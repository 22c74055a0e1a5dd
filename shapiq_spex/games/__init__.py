"""Games of real systems, for any approximator of shapiq."""

from __future__ import annotations

from ._segments import divide
from .llama_cpp import LlamaCpp, small_model
from .openai_compatible import EndpointError, OpenAICompatible
from .prompt import Estimate, Intervention, LanguageModel, PromptGame
from .targets import Continuation, Labels, Target

__all__ = [
    "Continuation",
    "EndpointError",
    "Estimate",
    "Intervention",
    "Labels",
    "LanguageModel",
    "LlamaCpp",
    "OpenAICompatible",
    "PromptGame",
    "Target",
    "divide",
    "small_model",
]
