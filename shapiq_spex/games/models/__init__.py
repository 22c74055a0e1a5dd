"""Models that games ask: what they have to offer, and those that come with the package."""

from __future__ import annotations

from ._endpoint import EndpointError
from ._protocols import Classifier, Generator, LanguageModel, Message, Prompt, Tokenizer, Usage
from .hugging_face import HuggingFace
from .llama_cpp import LlamaCpp, small_model
from .openai_compatible import OpenAICompatible

__all__ = [
    "Classifier",
    "EndpointError",
    "Generator",
    "HuggingFace",
    "LanguageModel",
    "LlamaCpp",
    "Message",
    "OpenAICompatible",
    "Prompt",
    "Tokenizer",
    "Usage",
    "small_model",
]
