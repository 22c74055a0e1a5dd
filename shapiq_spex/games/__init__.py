"""Games of real systems, for any approximator of shapiq."""

from __future__ import annotations

from ._endpoint import EndpointError
from ._segments import divide
from .estimate import Estimate
from .intervention import Intervention
from .llama_cpp import LlamaCpp, small_model
from .models import Classifier, Generator, LanguageModel, Message, Prompt, Tokenizer, Usage
from .openai_compatible import OpenAICompatible
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
