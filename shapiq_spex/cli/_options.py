"""The options of the commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapiq_spex.comparison import METHODS
from shapiq_spex.comparison._methods import as_methods
from shapiq_spex.comparison.compare import DEFAULT_METHODS

from ._files import describe_obstacle

if TYPE_CHECKING:
    from collections.abc import Callable

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
        type=_file(".html", ".htm"),
        default="shapiq-spex-demo.html",
        metavar="FILE",
        help="where the page goes",
    )
    _add_seed(demo)
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
    limits = _add_limits(explain)
    limits.add_argument(
        "--skip-failures", action="store_true", help="go on without prompts that keep failing"
    )
    _add_results(explain)


def add_compare(commands: Commands) -> None:
    """Add the command that compares methods on a prompt."""
    compare = commands.add_parser(
        "compare",
        help="compare how well methods explain a prompt, at the same budgets",
        description=(
            "Explain a prompt as explain does, by several methods and with several budgets, and "
            "print how well each predicts the model's answers to prompts that it has not asked for "
            "(R²). No prompt is asked twice, whichever methods need it."
        ),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_prompt(compare)
    _add_model(compare)
    _add_target(compare)
    _add_methods(compare)
    _add_limits(compare)
    _add_table(compare)


def _add_prompt(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("what is asked")
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


def _add_model(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("who is asked")
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


def _add_target(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("what of the answer is explained")
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
    _add_seed(group)
    group.add_argument(
        "--repeats",
        "--asks",
        dest="asks",
        type=_positive,
        default=1,
        help="times to ask each prompt",
    )


def _add_methods(compare: argparse.ArgumentParser) -> None:
    group = compare.add_argument_group("what is compared")
    group.add_argument(
        "--methods",
        type=_methods,
        default=",".join(DEFAULT_METHODS),
        metavar="A,B",
        help="methods, by their names",
    )
    group.add_argument(
        "--list-methods", action=_ListMethods, nargs=0, help="say which there are, and do no more"
    )
    group.add_argument(
        "--budgets",
        type=_budgets,
        default="100,300,1000",
        metavar="M,N",
        help="prompts that each method may ask",
    )
    group.add_argument(
        "--repeats",
        type=_positive,
        default=1,
        metavar="N",
        help="times to run each method with each budget, by other masks",
    )
    group.add_argument(
        "--test-masks",
        type=_several,
        default=1000,
        metavar="N",
        help="fresh prompts to test on; all there are, where there are no more",
    )
    group.add_argument(
        "--reference",
        type=_positive,
        metavar="N",
        help=(
            "also compare the largest terms with those of ProxySPEX with so many times the largest "
            "budget, the column recall in the files"
        ),
    )
    _add_seed(group)
    group.add_argument(
        "--asks", type=_positive, default=1, metavar="N", help="times to ask each prompt"
    )


def _add_seed(group: argparse._ActionsContainer) -> None:
    group.add_argument("--seed", "--random-state", type=_seed, default=0, help="fixes the masks")


def _add_limits(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = command.add_argument_group("what it may take")
    group.add_argument(
        "--dry-run", action="store_true", help="say what it would take, from a few prompts"
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
    return group


def _add_results(explain: argparse.ArgumentParser) -> None:
    group = explain.add_argument_group("what is shown")
    group.add_argument("--top", type=_positive, default=10, help="interactions to print")
    group.add_argument(
        "--html", type=_file(".html", ".htm"), metavar="FILE", help="write a page that shows it"
    )
    group.add_argument("--json", type=_file(".json"), metavar="FILE", help="write their values")
    group.add_argument("--csv", type=_file(".csv"), metavar="FILE", help="write a table with words")


def _add_table(compare: argparse.ArgumentParser) -> None:
    group = compare.add_argument_group("what is shown")
    group.add_argument(
        "--json", type=_file(".json"), metavar="FILE", help="write the table with all columns"
    )
    group.add_argument("--csv", type=_file(".csv"), metavar="FILE", help="write the same as CSV")
    group.add_argument(
        "--plot",
        type=_file(".png", ".svg", ".pdf"),
        metavar="FILE",
        help="draw R² against the budget, as .png, .svg or .pdf",
    )


class _ListMethods(argparse.Action):
    """Print the methods and end, whatever else is missing; as --version does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:  # noqa: ANN401 argparse's
        """Print them."""
        width = max(map(len, METHODS))
        lines = [f"{name.ljust(width)}  {what}\n" for name, what in METHODS.items()]
        sys.stdout.write("".join(lines))  # where argparse would say it on stderr
        parser.exit()


def _methods(text: str) -> list[str]:
    """Check the names of methods before anything is paid for."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if names.count(name) > 1:
            msg = f"'{name}' comes twice"
            raise argparse.ArgumentTypeError(msg)
    try:
        as_methods(names, n=1)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return names


def _budgets(text: str) -> list[int]:
    return sorted({_positive(part) for part in text.split(",")})


def _file(*endings: str) -> Callable[[str], Path]:
    """Return what checks before the work that a file of some kind can be written after it."""

    def check(text: str) -> Path:
        path = _new_file(text)
        if path.suffix.lower() not in endings:
            msg = f"'{text}' must end in {' or '.join(endings)}"
            raise argparse.ArgumentTypeError(msg)
        return path

    return check


def _new_file(text: str) -> Path:
    """Check before the work that a file can be written after it."""
    path = Path(text)
    if (obstacle := describe_obstacle(path)) is not None:
        raise argparse.ArgumentTypeError(obstacle)
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


def _several(text: str) -> int:
    number = _integer(text)
    if number < 2:  # noqa: PLR2004 - R² compares prompts with each other
        msg = f"must be at least 2, got {number}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        msg = f"'{text}' is not a whole number"
        raise argparse.ArgumentTypeError(msg) from None
