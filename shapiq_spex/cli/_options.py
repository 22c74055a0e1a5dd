"""The options of the commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 it has no other name

_INDICES = ("FBII", "FSII", "k-SII", "STII", "SII", "BII")
_UNITS = ("word", "sentence", "paragraph", "line", "token", "character")
_HIGHEST_SEED = 2**32 - 1


def add_demo(commands: Commands) -> None:
    """Add the command that shows what the package does."""
    demo = commands.add_parser(
        "demo",
        help="explain a real language model's reading of a film review",
        description=(
            "Ask a small language model on this machine (the extra demo) whether a film review is "
            "positive, with words left out in many ways; print which words act together, how "
            "faithful that is on masks it has not seen, and write a page that shows it."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--budget", type=_positive, default=300, help="prompts to ask")
    demo.add_argument(
        "--output",
        type=_page,
        default="shapiq-spex-demo.html",
        metavar="FILE",
        help="where the page goes",
    )
    demo.add_argument("--seed", type=_seed, default=0, help="fixes the masks")
    demo.add_argument("--index", choices=_INDICES, default="FBII", help="interaction index")
    demo.add_argument(
        "--max-order", type=_order, default=3, help="most words in an interaction, at least 2"
    )


def add_explain(commands: Commands) -> None:
    """Add the command that explains a prompt."""
    explain = commands.add_parser(
        "explain",
        help="explain what in a prompt drives a language model's answer",
        description=(
            "Mask words or other parts of a text in many ways, ask a language model each time, and "
            "print which parts act alone and together on its answer."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_prompt(explain)
    _add_model(explain)
    _add_target(explain)
    _add_approximator(explain)
    _add_limits(explain)
    _add_results(explain)


def _add_prompt(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("what is asked")
    text = group.add_mutually_exclusive_group(required=True)
    text.add_argument("--prompt", metavar="TEXT", help="the text to explain")
    text.add_argument("--prompt-file", type=Path, metavar="FILE", help="a file with that text")
    group.add_argument(
        "--template",
        default="{text}",
        help="what stands around the text, which is {text} in it; \\n for a new line",
    )
    group.add_argument("--segment", choices=_UNITS, default="word", help="what is masked")
    group.add_argument("--mask", default="", help="what stands for a masked part")
    group.add_argument(
        "--keep-length", action="store_true", help="repeat the mask to the length of the part"
    )


def _add_model(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("who is asked")
    group.add_argument(
        "--model",
        help=(
            "a GGUF file, a folder or name for transformers, or a name at an endpoint; by default "
            "the small model of the extra demo"
        ),
    )
    group.add_argument(
        "--url", help="an endpoint of OpenAI's protocol; its key in the variable OPENAI_API_KEY"
    )
    group.add_argument("--chat", action="store_true", help="send prompts as a user's messages")
    group.add_argument("--threads", type=_positive, metavar="N", help="threads for a GGUF file")
    group.add_argument(
        "--temperature", type=float, default=0.0, help="chance in the answers that it writes"
    )


def _add_target(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("what of the answer is explained")
    target = group.add_mutually_exclusive_group(required=True)
    target.add_argument("--labels", metavar="A,B", help="the log-odds of the first of these")
    target.add_argument(
        "--answer", metavar="TEXT", help="the log-probability of this, with the space before it"
    )
    target.add_argument(
        "--own-answer",
        action="store_true",
        help="the log-probability of the answer to the whole prompt",
    )
    target.add_argument(
        "--similarity",
        action="store_true",
        help="how like the answer to the whole prompt it is; needs no log-probabilities",
    )
    target.add_argument("--class-logit", metavar="CLASS", help="a classifier's logit of this class")
    group.add_argument(
        "--answer-tokens", type=_positive, default=32, metavar="N", help="length of its own answer"
    )


def _add_approximator(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("how it is explained")
    group.add_argument("--budget", type=_positive, default=500, help="prompts to ask")
    group.add_argument("--approximator", choices=("proxyspex", "spex"), default="proxyspex")
    group.add_argument("--index", choices=_INDICES, default="FBII", help="interaction index")
    group.add_argument("--max-order", type=_positive, default=3, help="parts in an interaction")
    group.add_argument("--seed", type=_seed, default=0, help="fixes the masks")
    group.add_argument(
        "--repeats",
        type=_positive,
        default=1,
        help="times to ask each prompt",
    )


def _add_limits(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("what it may take")
    group.add_argument(
        "--dry-run", action="store_true", help="say what it would take, from a few prompts"
    )
    group.add_argument(
        "--skip-failures", action="store_true", help="go on without prompts that keep failing"
    )
    group.add_argument("--max-calls", type=_positive, metavar="N", help="stop at so many prompts")
    group.add_argument("--max-tokens", type=_positive, metavar="N", help="stop at so many tokens")
    group.add_argument("--max-seconds", type=float, metavar="S", help="stop after this time")
    group.add_argument(
        "--store",
        type=_new_file,
        metavar="FILE",
        help="keep the answers for the next run",
    )


def _add_results(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("what is shown")
    group.add_argument("--top", type=_positive, default=10, help="interactions to print")
    group.add_argument("--html", type=_new_file, metavar="FILE", help="write a page that shows it")
    group.add_argument("--json", type=_new_file, metavar="FILE", help="write their values")
    group.add_argument("--csv", type=_new_file, metavar="FILE", help="write a table with words")


def _page(text: str) -> Path:
    """Check before the work that the page can be written after it."""
    if Path(text).suffix.lower() not in (".html", ".htm"):
        msg = f"'{text}' must end in .html"
        raise argparse.ArgumentTypeError(msg)
    return _new_file(text)


def _new_file(text: str) -> Path:
    """Check before the work that a file can be written after it."""
    path = Path(text)
    if not path.parent.is_dir():
        msg = f"there is no folder '{path.parent}'"
        raise argparse.ArgumentTypeError(msg)
    if path.is_dir():
        msg = f"'{text}' is a folder"
        raise argparse.ArgumentTypeError(msg)
    return path


def _seed(text: str) -> int:
    seed = _integer(text)
    if not 0 <= seed <= _HIGHEST_SEED:
        msg = f"must be between 0 and {_HIGHEST_SEED}, got {seed}"
        raise argparse.ArgumentTypeError(msg)
    return seed


def _order(text: str) -> int:
    order = _integer(text)
    if order < 2:  # noqa: PLR2004 - an interaction has two players or more
        msg = f"must be at least 2 to show interactions, got {order}"
        raise argparse.ArgumentTypeError(msg)
    return order


def _positive(text: str) -> int:
    number = _integer(text)
    if number < 1:
        msg = f"must be at least 1, got {number}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        msg = f"'{text}' is not a whole number"
        raise argparse.ArgumentTypeError(msg) from None
