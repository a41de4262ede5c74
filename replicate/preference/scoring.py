"""Percentages with intervals from the answers to a page."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from replicate.errors import printable
from replicate.preference import intervals
from replicate.preference.answers import Answer, Sheet, read_answers, read_key
from replicate.preference.modes import REAL, mode_of

REAL_ROW = "real images"
CAVEAT = (
    "compare within this study only; printed percentages (amt/attentiongan, pref/attentiongan, "
    "pref/ugatit) are of other people, images and conditions"
)


@dataclass(frozen=True)
class Share:
    """One percentage.

    Attributes:
        name: the method; "real images"; or "A over B".
        percent: of `answers`; None where nobody was asked.
        low, high: its 95 % interval, percent.
        count: answers that count for it.
        answers: answers to the trials in which it could be chosen.
        chance: what blind guessing gives, percent.
    """

    name: str
    percent: float | None
    low: float | None
    high: float | None
    count: int
    answers: int
    chance: float


@dataclass(frozen=True)
class Result:
    """What a study found.

    Attributes:
        shares: one for each method, or for each pair of methods.
        measure: what the percentages are shares of.
        interval: the kind of the intervals.
        answers: how many were scored, repeats left out.
        repeated: trials answered twice, and `alike` of them with the same choice.
        notes: what a reader must know beside the numbers.
    """

    study: str
    mode: str
    protocol: str
    measure: str
    participants: int
    answers: int
    shares: tuple[Share, ...]
    interval: str
    repeated: int
    alike: int
    notes: tuple[str, ...]


def score(key_file: Path, answer_files: Iterable[Path]) -> Result:
    """The percentages of a study.

    Only the first showing of a trial is scored, and of it the participant's last answer.

    Args:
        key_file: the key that `make` wrote beside the page.
        answer_files: what participants sent, at least one file.

    Raises:
        UnknownName: the key's mode is none.
        ReplicateError: see `answers.read_key` and `answers.read_answers`.
    """
    key = read_key(key_file)
    words = mode_of(key["mode"])
    sheets, notes = read_answers(answer_files, key)
    sheets = [sheet for sheet in sheets if sheet.answers]
    counts = [_counts(key, sheet) for sheet in sheets]
    chance = 100 / len(key["methods"]) if key["mode"] == "best-of-n" else 50.0
    repeated, alike = _consistency(sheets)
    return Result(
        study=key["study"],
        mode=key["mode"],
        protocol=words.protocol,
        measure=words.measure,
        participants=len(sheets),
        answers=sum(answer.showing == 0 for sheet in sheets for answer in sheet.answers),
        shares=tuple(_share(name, counts, chance) for name in _names(key)),
        interval=intervals.kind(len(sheets)),
        repeated=repeated,
        alike=alike,
        notes=(*notes, CAVEAT),
    )


def _names(key: dict) -> list[str]:
    """The rows of the result."""
    if key["mode"] == "fool":
        return [*key["methods"], REAL_ROW]
    if key["mode"] == "pair":
        return [_versus(*pair) for pair in combinations(key["methods"], 2)]
    return key["methods"]


def _versus(a: str, b: str) -> str:
    return f"{a} over {b}"


def _counts(key: dict, sheet: Sheet) -> dict[str, np.ndarray]:
    """Of one participant, for each row: (answers that count, answers)."""
    counts = defaultdict(lambda: np.zeros(2, int))
    for answer in sheet.answers:
        if answer.showing == 0:
            for name, counted in _outcome(key, answer).items():
                counts[name] += (counted, 1)
    return counts


def _outcome(key: dict, answer: Answer) -> dict[str, bool]:
    """The rows that an answer bears on, and whether it counts for them."""
    images, options = key["images"], key["trials"][answer.trial]["options"]
    if key["mode"] == "fool":
        return {images[options[0]]["method"] or REAL_ROW: answer.choice == REAL}
    chosen = images[answer.choice]["method"]
    methods = [images[option]["method"] for option in options]
    if key["mode"] == "pair":
        first, second = sorted(methods)
        return {_versus(first, second): chosen == first}
    return {method: method == chosen for method in methods}


def _share(name: str, counts: list[dict[str, np.ndarray]], chance: float) -> Share:
    tallies = np.array([by_row[name] for by_row in counts if name in by_row]).reshape(-1, 2)
    k, n = tallies.sum(axis=0).tolist()
    if not n:
        return Share(name, None, None, None, 0, 0, chance)
    low, high = intervals.share_interval(tallies[:, 0], tallies[:, 1])
    return Share(name, 100 * k / n, 100 * low, 100 * high, k, n, chance)


def _consistency(sheets: list[Sheet]) -> tuple[int, int]:
    """Trials that a participant answered twice, and those answered alike."""
    twice = alike = 0
    for sheet in sheets:
        choices = defaultdict(dict)
        for answer in sheet.answers:
            choices[answer.trial][answer.showing] = answer.choice
        pairs = [both for both in choices.values() if len(both) == 2]
        twice += len(pairs)
        alike += sum(both[0] == both[1] for both in pairs)
    return twice, alike


def _people(n: int) -> str:
    return f"{n} participant" + "s" * (n != 1)


def format_result(result: Result) -> str:
    """The result as lines of text."""
    width = max(len(share.name) for share in result.shares)
    lines = [
        f"{result.protocol}, study {result.study}: {result.answers} answers of "
        f"{_people(result.participants)}",
        f"{'':<{width}}  {result.measure}, %   95 % interval   answers",
    ]
    for s in result.shares:
        gap = len(result.measure) + 3
        if s.percent is None:
            lines.append(f"{s.name:<{width}}  {'no answer':>{gap}}")
            continue
        between = f"{s.low:.1f} to {s.high:.1f}"
        lines.append(f"{s.name:<{width}}  {s.percent:>{gap}.1f}   {between:<13}  {s.answers:>8}")
    lines += [f"chance: {result.shares[0].chance:.1f} %", f"interval: {result.interval}"]
    if result.repeated:
        lines.append(
            f"self-consistency: {result.alike} of {result.repeated} repeated trials answered alike "
            f"({100 * result.alike / result.repeated:.1f} %)"
        )
    return printable("\n".join(lines + [f"note: {note}" for note in result.notes]))
