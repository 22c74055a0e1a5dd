"""Games of real systems, for any approximator of shapiq."""

from __future__ import annotations

from ._segments import divide
from .data_subset import DataSubsetGame
from .estimate import Estimate
from .head_ablation import HeadAblationGame
from .heads import layers
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
from .tasks import (
    Classification,
    MultipleChoice,
    Perplexity,
    Probe,
    Question,
    Task,
    fit_probe,
    load_mmlu,
)
from .values import LogLoss, Margin, Prediction, Score, Value

__all__ = [
    "CIFAR10_CLASSES",
    "FASHION_MNIST_CLASSES",
    "Answers",
    "ClassLogit",
    "Classification",
    "Classifier",
    "Continuation",
    "DataSubsetGame",
    "EndpointError",
    "Estimate",
    "Generator",
    "HeadAblationGame",
    "HuggingFace",
    "Intervention",
    "Labels",
    "LanguageModel",
    "LlamaCpp",
    "LogLoss",
    "Margin",
    "Message",
    "Model",
    "MultipleChoice",
    "OpenAICompatible",
    "Perplexity",
    "Prediction",
    "Probe",
    "Prompt",
    "PromptGame",
    "PruningReport",
    "Question",
    "Score",
    "Similarity",
    "Target",
    "Task",
    "Tokenizer",
    "Usage",
    "Value",
    "apply_pruning",
    "describe_pruning",
    "divide",
    "fit_probe",
    "layers",
    "load_cifar10",
    "load_mmlu",
    "load_mnist",
    "small_model",
]
