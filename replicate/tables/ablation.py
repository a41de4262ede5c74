"""The methods and variants of one paper side by side, each with what it changes."""

import sys
from collections.abc import Sequence

import pandas as pd

from replicate.errors import ReplicateError
from replicate.methods import METHODS
from replicate.tables.summary import summary

CHANGES = "what it is"


def ablation(
    scores: pd.DataFrame, paper: str, metrics: Sequence[str] | None = None, smoke: bool = False
) -> pd.DataFrame:
    """The `summary` of a paper's own methods, with what each variant changes.

    Args:
        scores: of `tables.scores` or `tables.of_runs`, all of one budget.
        paper: a key of `reported.keys()`; the methods registered for it are shown.
        metrics: as in `summary`.
        smoke: as in `summary`.

    Returns:
        The columns of `summary` and, after the method, `what it is`: the title of its file for a
        method, the changed settings for a variant.

    Raises:
        ReplicateError: none of the scores is of a method of the paper, or what `summary` raises.
    """
    own = [name for name in METHODS if METHODS[name].paper == paper]
    chosen = scores[scores["method"].isin(own)]
    if chosen.empty:
        raise ReplicateError(
            f"no scores of a method of {paper}; expected some of {', '.join(own) or 'none'}: "
            "add one to `methods`"
        )
    frame = summary(chosen, metrics, smoke)
    frame.insert(3, CHANGES, [_about(name) for name in frame.iloc[:, 2]])
    return frame


def _about(name: str) -> str:
    """`norm=in` of `ugatit:in`; the title of its file for a method; nothing for a reference row."""
    method, _, label = name.partition(":")
    if method not in METHODS:
        return ""
    variant, _, overrides = label.partition("+")
    changes = METHODS[method].VARIANTS[variant or "paper"]
    texts = [f"{key}={value}" for key, value in changes.items()]
    texts += [overrides] if overrides else []
    return ", ".join(texts) or _title(method)


def _title(method: str) -> str:
    """`AttentionGAN, scheme II`: the card's first words."""
    return sys.modules[METHODS[method].__module__].__doc__.partition(":")[0]
