"""Tasks: how well a transformer does on examples."""

from __future__ import annotations

from ._prepared import Prepared, Reader
from ._task import Task
from .classification import Classification
from .mmlu import load_mmlu
from .multiple_choice import MultipleChoice, Question
from .perplexity import Perplexity
from .probe import Probe, fit_probe

__all__ = [
    "Classification",
    "MultipleChoice",
    "Perplexity",
    "Prepared",
    "Probe",
    "Question",
    "Reader",
    "Task",
    "fit_probe",
    "load_mmlu",
]
