"""What the package's own classes and functions are called in fingerprints.

A name there must stay when a class moves to another file, or the stores that were paid for answer
no more. So each has the place that it had when it was first named; new ones are entered with the
place where they begin.
"""

from __future__ import annotations

_NAMES = {
    "ablations.record": ("RunRecord",),
    "ablations.store": ("AblationStore", "Batch"),
    "ablations.stored_game": ("StoredGame",),
    "approximators._uniform": ("UniformDesign", "draw_uniform"),
    "approximators.proxyspex": ("ProxySPEX",),
    "approximators.spex": ("SPEX",),
    "evaluation._energy": ("EnergyShares", "energy_shares", "interaction_matrix"),
    "evaluation._faithfulness": ("Faithfulness", "faithfulness"),
    "evaluation._masks": ("draw_test_masks",),
    "evaluation._partners": ("Partners", "near_duplicates", "partners"),
    "evaluation._prediction": ("to_prediction",),
    "evaluation._r_squared": ("bootstrap_interval", "r_squared"),
    "evaluation._recall": ("recall_at",),
    "evaluation._removal": ("most_decisive", "removal_change"),
    "evaluation._subsets": ("Subset", "best_subset"),
    "games._segments": ("divide",),
    "games.data_subset": ("DataSubsetGame",),
    "games.estimate": ("Estimate",),
    "games.head_ablation": ("HeadAblationGame",),
    "games.heads._selection": ("layers",),
    "games.heads.pruning": ("Plan", "apply_pruning"),
    "games.heads.pruning_report": ("PruningReport", "describe_pruning"),
    "games.intervention": ("Intervention",),
    "games.models._protocols": ("Classifier", "Generator", "LanguageModel", "Tokenizer", "Usage"),
    "games.models.hugging_face._kinds": ("CausalLanguageModel", "SequenceClassifier"),
    "games.models.hugging_face._model": ("HuggingFace",),
    "games.models.llama_cpp": ("LlamaCpp", "small_model"),
    "games.models.openai_compatible": ("OpenAICompatible",),
    "games.prompt": ("PromptGame",),
    "games.targets._target": ("Target",),
    "games.targets.answers": ("Answers", "Similarity"),
    "games.targets.classes": ("ClassLogit", "Classes"),
    "games.targets.functions": ("Function",),
    "games.targets.labels": ("Continuation", "Labels"),
    "games.tasks._task": ("Task",),
    "games.tasks.classification": ("Classification",),
    "games.tasks.mmlu": ("load_mmlu",),
    "games.tasks.multiple_choice": ("MultipleChoice", "Question"),
    "games.tasks.perplexity": ("Perplexity",),
    "games.tasks.probe": ("Probe", "fit_probe"),
    "games.values._value": ("Value",),
    "games.values.points": ("LogLoss", "Margin", "Prediction"),
    "games.values.score": ("Score",),
    "spectrum.fourier": ("FourierSpectrum",),
}
_PLACES = {name: place for place, names in _NAMES.items() for name in names}


def find_place(module: str, qualified_name: str) -> str:
    """Return the module that a class or function is named by, today's for what is not entered.

    Args:
        module: The module that it is in now.
        qualified_name: Its name there; of a method, the class's name counts.
    """
    package = __name__.partition(".")[0]
    place = _PLACES.get(qualified_name.partition(".")[0])
    own = module.partition(".")[0] == package
    return f"{package}.{place}" if own and place else module
