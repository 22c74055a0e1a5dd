"""Games of real systems, for any approximator of shapiq."""

from __future__ import annotations

from ._segments import divide
from .llama_cpp import LlamaCpp, small_model
from .models import Classifier, Generator, LanguageModel, Message, Prompt, Tokenizer, Usage
from .openai_compatible import EndpointError, OpenAICompatible
from .prompt import Estimate, Intervention, PromptGame
from .targets import Continuation, Labels, Target

__all__ = [
    "Classifier",
    "Continuation",
    "EndpointError",
    "Estimate",
    "Generator",
    "Intervention",
    "Labels",
    "LanguageModel",
    "LlamaCpp",
    "Message",
    "OpenAICompatible",
    "Prompt",
    "PromptGame",
    "Target",
    "Tokenizer",
    "Usage",
    "divide",
    "small_model",
]
