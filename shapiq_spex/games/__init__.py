"""Games of real systems, for any approximator of shapiq."""

from __future__ import annotations

from ._segments import divide
from .data_subset import DataSubsetGame
from .estimate import Estimate
from .heads.pruning import apply_pruning
from .heads.pruning_report import PruningReport, describe_pruning
from .images import CIFAR10_CLASSES, FASHION_MNIST_CLASSES, load_cifar10, load_mnist
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
from .values import LogLoss, Margin, Prediction, Score, Value

__all__ = [
    "CIFAR10_CLASSES",
    "FASHION_MNIST_CLASSES",
    "Answers",
    "ClassLogit",
    "Classifier",
    "Continuation",
    "DataSubsetGame",
    "EndpointError",
    "Estimate",
    "Generator",
    "HuggingFace",
    "Intervention",
    "Labels",
    "LanguageModel",
    "LlamaCpp",
    "LogLoss",
    "Margin",
    "Message",
    "Model",
    "OpenAICompatible",
    "Prediction",
    "Prompt",
    "PromptGame",
    "PruningReport",
    "Score",
    "Similarity",
    "Target",
    "Tokenizer",
    "Usage",
    "Value",
    "apply_pruning",
    "describe_pruning",
    "divide",
    "load_cifar10",
    "load_mnist",
    "small_model",
]
