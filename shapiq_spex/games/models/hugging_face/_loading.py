"""Load models of transformers, and say which ones they are."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import torch
    import transformers

_CHUNK = 1 << 22
# what a folder's answers come from: weights, settings, vocabularies, templates and code
_READ = {".safetensors", ".bin", ".json", ".model", ".txt", ".jinja", ".py", ".gguf"}
_SHOWN = 3  # names of missing weights that an error lists


def require() -> tuple[ModuleType, ModuleType]:
    """Return torch and transformers.

    Raises:
        ImportError: If one is missing.
    """
    try:
        import torch  # noqa: PLC0415 an extra
        import transformers  # noqa: PLC0415 an extra
    except ImportError as error:
        msg = "HuggingFace needs torch and transformers: pip install 'shapiq-spex[huggingface]'."
        raise ImportError(msg) from error
    return torch, transformers


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing and drawing bars for a while."""
    from transformers.utils import logging  # noqa: PLC0415 an extra

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def is_classifier(config: transformers.PretrainedConfig, architectures: list[str]) -> bool:
    """Say whether a model is a sequence classifier rather than a causal language model.

    Args:
        config: The model's settings.
        architectures: The names of its classes.

    Raises:
        ValueError: If it is neither.
    """
    from transformers.models.auto import modeling_auto  # noqa: PLC0415 an extra

    classifiers = set(modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES.values())
    causal = set(modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values())
    # models with code of their own are in no mapping, but follow the names
    for name in [*architectures, *(getattr(config, "auto_map", None) or {})]:
        if name in classifiers or name.endswith("ForSequenceClassification"):
            return True
        if name in causal or name.endswith(("ForCausalLM", "LMHeadModel")):
            return False
    msg = (
        "HuggingFace takes causal language models and sequence classifiers; the architecture of "
        f"this model is {', '.join(architectures) or 'not named in its config'}."
    )
    raise ValueError(msg)


def will_classify(model: str | os.PathLike[str], **options: Any) -> bool:  # noqa: ANN401 passed on
    """Say whether a model that is not loaded yet is a classifier; see :func:`is_classifier`.

    Raises:
        FileNotFoundError: If a path is no folder.
    """
    if isinstance(model, os.PathLike) and not Path(model).is_dir():
        msg = f"There is no model folder {model}."
        raise FileNotFoundError(msg)
    if options.get("gguf_file"):
        return False  # llama.cpp's format is for language models
    _, transformers = require()
    with quiet():
        config = transformers.AutoConfig.from_pretrained(model, **options)
    return is_classifier(config, list(config.architectures or []))


def load(
    auto: str,
    model: str | os.PathLike[str],
    *,
    device: str | torch.device | None,
    dtype: str | torch.dtype | None,
    tokenizer: transformers.PreTrainedTokenizerBase | None,
    **options: Any,  # noqa: ANN401 passed on
) -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase]:
    """Load a model and its tokenizer.

    Args:
        auto: The class of transformers that loads it.
        model: The folder, or the name on the hub.
        device: Where to compute, by default on a GPU if there is one.
        dtype: The type of the weights, by default float32 on a CPU and else what they are saved as.
        tokenizer: A tokenizer to use instead of the model's.
        **options: What transformers needs besides to find both.

    Raises:
        ValueError: If weights are missing, which would be random.
    """
    torch, transformers = require()
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if dtype is None:
        dtype = torch.float32 if where.type == "cpu" else "auto"
    # the bar of reading GGUF cannot be turned off
    gguf = options.get("gguf_file") is not None
    hidden = contextlib.redirect_stderr(io.StringIO()) if gguf else contextlib.nullcontext()
    with quiet(), hidden:
        loaded, report = getattr(transformers, auto).from_pretrained(
            model, dtype=dtype, output_loading_info=True, **options
        )
        tokenizer = tokenizer or transformers.AutoTokenizer.from_pretrained(model, **options)
    if missing := sorted(report["missing_keys"]):
        names = ", ".join(missing[:_SHOWN])
        msg = f"{model} lacks {len(missing)} of the weights of {type(loaded).__name__}: {names}."
        raise ValueError(msg)
    return loaded.to(where).eval(), tokenizer


def digest_folder(folder: Path, gguf_file: str | None) -> str:
    """Return a digest of the files that a model is loaded from.

    Args:
        folder: The folder.
        gguf_file: The one file of it that is read, if it is one.
    """
    if gguf_file:
        paths = [folder / gguf_file]
    else:
        paths = sorted(path for path in folder.iterdir() if path.suffix in _READ)
        paths += sorted(folder.glob("additional_chat_templates/*.jinja"))
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.name} {content}\n".encode())
    return digest.hexdigest()


def digest_model(model: transformers.PreTrainedModel) -> str:
    """Return a digest of a model's class, settings and weights, as they are in memory."""
    torch, _ = require()
    digest = hashlib.sha256(type(model).__name__.encode())
    digest.update(_describe_settings(model).encode())
    for name, weight in sorted(model.state_dict().items()):
        digest.update(f"\n{name} {weight.dtype} {tuple(weight.shape)} ".encode())
        content = weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        for start in range(0, len(content), _CHUNK):
            digest.update(content[start : start + _CHUNK])
    return digest.hexdigest()


def describe_state(model: transformers.PreTrainedModel) -> object:
    """Return what differs once weights or settings of a model were changed, without reading all."""
    tensors = [*model.parameters(), *model.buffers()]
    versions = [
        # of what is made in inference torch counts no changes
        (tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version)  # noqa: SLF001 its count
        for tensor in tensors
    ]
    return versions, _describe_settings(model)


def _describe_settings(model: transformers.PreTrainedModel) -> str:
    """Return a model's settings as a text, those of how it writes answers included."""
    settings = model.config.to_dict()
    writes = getattr(model, "generation_config", None)
    settings["generation"] = writes.to_dict() if writes is not None else None
    for part in (settings, settings["generation"] or {}):
        for key in ("_name_or_path", "transformers_version"):
            part.pop(key, None)
    return json.dumps(settings, sort_keys=True, default=str)


def digest_tokenizer(tokenizer: transformers.PreTrainedTokenizerBase) -> str:
    """Return a digest of how a tokenizer cuts texts and renders chats."""
    if tokenizer.is_fast:
        settings = json.loads(tokenizer.backend_tokenizer.to_str())
        # these change as others use the tokenizer, and are not used here
        settings = {k: v for k, v in settings.items() if k not in ("padding", "truncation")}
    else:
        settings = {"vocabulary": tokenizer.get_vocab()}
    settings["chat_template"] = tokenizer.chat_template
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(f"{type(tokenizer).__name__} {text}".encode()).hexdigest()
