"""The key of a study and the files that participants send, read and checked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.preference.modes import GENERATED, REAL
from replicate.preference.page import FORMAT

KEY_FIELDS = {"format", "study", "mode", "trials", "images", "methods", "repeats"}
ANSWER_FIELDS = {"format", "study", "participant", "session", "trials", "answers"}


@dataclass(frozen=True)
class Answer:
    """What a participant chose last in one showing of a trial.

    Attributes:
        trial: its id.
        showing: 0, or 1 where the trial was asked the second time.
        choice: the id of the chosen image; in `fool` "real" or "generated".
    """

    trial: str
    showing: int
    choice: str


@dataclass(frozen=True)
class Sheet:
    """The answers of one participant; `asked` is how many there would be in the end."""

    participant: str
    answers: tuple[Answer, ...]
    asked: int


def read_key(path: Path) -> dict:
    """The key that `make` wrote.

    Raises:
        ReplicateError: no such file, or not a key.
    """
    return _read(path, KEY_FIELDS, "a key", "give the .key.json that lies beside the page")


def read_answers(paths: Iterable[Path], key: dict) -> tuple[list[Sheet], list[str]]:
    """One sheet for each participant, and notes on what a reader must know about the files.

    Of several files of one sitting the one with most answers counts.

    Raises:
        ReplicateError: a file that holds no answers or those of another study, a trial or choice
            that the study does not have, or two sittings under one participant name.
    """
    sittings: dict[str, tuple[Path, dict]] = {}
    notes = []
    for path in paths:
        found = _read(path, ANSWER_FIELDS, "an answers file", "give what the page saved")
        if found["study"] != key["study"]:
            raise ReplicateError(
                f"{path} answers study {found['study']}, the key is of {key['study']}; leave the "
                "file out, or give the key of its study"
            )
        name = found["participant"]
        if name in sittings:
            earlier, held = sittings[name]
            _check_sitting(name, (earlier, held), (path, found))
            keep = (path, found) if len(found["answers"]) > len(held["answers"]) else sittings[name]
            notes.append(f"{name}: {earlier} and {path} are one sitting; {keep[0]} counts")
            sittings[name] = keep
        else:
            sittings[name] = path, found
    sheets = [_sheet(path, found, key) for path, found in sittings.values()]
    if not any(sheet.answers for sheet in sheets):
        raise ReplicateError("0 answers in the files given; give at least one that holds some")
    notes += [
        f"{s.participant} answered {len(s.answers)} of {s.asked} trials"
        for s in sheets
        if len(s.answers) < s.asked
    ]
    return sheets, notes


def _read(path: Path, fields: set[str], what: str, way_out: str) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReplicateError(f"{path} cannot be read as JSON ({error}); {way_out}") from error
    lacking = sorted(fields - set(found)) if isinstance(found, dict) else sorted(fields)
    if lacking:
        raise ReplicateError(f"{path} is not {what}: it lacks {', '.join(lacking)}; {way_out}")
    if found["format"] != FORMAT:
        raise ReplicateError(
            f"{path} has format {found['format']}, expected {FORMAT}; score it with the version of "
            "replicate that made its page"
        )
    return found


def _check_sitting(name: str, one: tuple[Path, dict], other: tuple[Path, dict]) -> None:
    """Nothing, or the error for two people, or one person twice, under one name."""
    if one[1]["session"] != other[1]["session"]:
        raise ReplicateError(
            f"{one[0]} and {other[0]} are two sittings of participant {name!r}, expected one; "
            'leave one out, or if they are two people change "participant" in one file'
        )


def _sheet(path: Path, found: dict, key: dict) -> Sheet:
    last = {}
    for number, given in enumerate(found["answers"], 1):
        answer = _answer(path, number, given)
        _check_answer(path, number, answer, key)
        last[answer.trial, answer.showing] = answer  # a correction comes after what it corrects
    return Sheet(found["participant"], tuple(last.values()), len(key["trials"]) + key["repeats"])


def _answer(path: Path, number: int, given: dict) -> Answer:
    try:
        return Answer(given["trial"], given["showing"], given["choice"])
    except (TypeError, KeyError) as error:
        raise ReplicateError(
            f"{path}: answer {number} lacks {error}; the file was changed, ask for it again"
        ) from error


def _check_answer(path: Path, number: int, answer: Answer, key: dict) -> None:
    if answer.trial not in key["trials"] or answer.showing not in (0, 1):
        raise ReplicateError(
            f"{path}: answer {number} is about trial {answer.trial!r}, showing {answer.showing!r}, "
            f"which study {key['study']} does not have; the file was changed, ask for it again"
        )
    fool = key["mode"] == "fool"
    known = (REAL, GENERATED) if fool else tuple(key["trials"][answer.trial]["options"])
    if answer.choice not in known:
        raise ReplicateError(
            f"{path}: answer {number} chose {answer.choice!r}, expected one of {', '.join(known)}; "
            "the file was changed, ask for it again"
        )
