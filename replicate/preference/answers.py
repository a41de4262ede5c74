"""The key of a study and the files that participants send, read and checked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from replicate.errors import ReplicateError, printable
from replicate.preference.modes import GENERATED, MODES, REAL
from replicate.preference.page import FORMAT

SHOWN = 60  # characters of a value in an error
LARGEST = 20_000_000  # bytes; a thousand trials answered ten times take 1 MB
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]  # an id of the page's
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


Schema = TypeVar("Schema", bound=_Strict)


class _Image(_Strict):
    role: str
    method: str
    file: str = ""


class _Trial(_Strict):
    input: str | None = None
    options: Annotated[list[Name], Field(min_length=1)]


class _Key(_Strict):
    """What a key holds; see `page`."""

    format: int
    study: Word
    mode: Literal[tuple(MODES)]
    protocol: str = ""
    methods: list[Name]
    target: str = ""
    sizes: dict[str, int] = {}
    seed: int = 0
    seconds: float | None = None
    repeats: Annotated[int, Field(ge=0)]
    trials: dict[str, _Trial]
    images: dict[str, _Image]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, trial in self.trials.items():
            for option in trial.options:
                if option not in self.images:
                    raise ValueError(f"trial {name!r} shows {option!r}, which is no image of it")
        for name, image in self.images.items():
            if image.method and image.method not in self.methods:
                raise ValueError(f"image {name!r} is of {image.method!r}, which is no method of it")
        return self


class _Given(_Strict):
    n: int = 0
    trial: Name
    showing: int
    shown: list[Name] = []
    choice: Name
    at: str = ""
    ms: float = 0


class _Answers(_Strict):
    """What the file of a participant holds."""

    format: int
    study: Word
    mode: str = ""
    participant: Word
    session: Word
    started: str = ""
    trials: Annotated[int, Field(ge=0)]
    answers: list[_Given]


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
    return _read(path, _Key, "a key", "give the .key.json that lies beside the page").model_dump()


def read_answers(paths: Iterable[Path], key: dict) -> tuple[list[Sheet], list[str]]:
    """One sheet for each participant, and notes on what a reader must know about the files.

    Of several files of one sitting the one with most answers counts, whatever participants they
    name.

    Raises:
        ReplicateError: a file that holds no answers or those of another study, a trial or choice
            that the study does not have, or two sittings under one participant name.
    """
    sittings: dict[str, tuple[Path, _Answers]] = {}  # by session
    notes = []
    for path in paths:
        sitting = _read(path, _Answers, "an answers file", "give what the page saved")
        if sitting.study != key["study"]:
            raise ReplicateError(
                f"{_shown(path)} answers study {sitting.study}, the key is of {key['study']}; "
                "leave the file out, or give the key of its study"
            )
        earlier, held = sittings.setdefault(sitting.session, (path, sitting))
        if held is sitting:
            continue
        if len(sitting.answers) > len(held.answers):
            sittings[sitting.session] = path, sitting
        names = " and ".join(dict.fromkeys((held.participant, sitting.participant)))
        counts = _shown(sittings[sitting.session][0])
        notes.append(
            f"{names}: {_shown(earlier)} and {_shown(path)} are one sitting; {counts} counts"
        )
    _check_names(list(sittings.values()))
    sheets = [_sheet(path, sitting, key) for path, sitting in sittings.values()]
    if not any(sheet.answers for sheet in sheets):
        raise ReplicateError("0 answers in the files given; give at least one that holds some")
    notes += [
        f"{s.participant} answered {len(s.answers)} of {s.asked} trials"
        for s in sheets
        if len(s.answers) < s.asked
    ]
    return sheets, notes


def _shown(path: Path) -> str:
    return printable(str(path))


def _read(path: Path, schema: type[Schema], what: str, way_out: str) -> Schema:
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ValueError(f"{size} bytes, expected at most {LARGEST}")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = printable(str(error))
        text = f"{_shown(path)} cannot be read as JSON ({reason}); {way_out}"
        raise ReplicateError(text) from error
    version = content.get("format") if isinstance(content, dict) else None
    if isinstance(version, int) and version != FORMAT:
        raise ReplicateError(
            f"{_shown(path)} has format {version}, expected {FORMAT}; score it with the version of "
            "replicate that made its page"
        )
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise ReplicateError(f"{_shown(path)} {_fault(error, what)}; {way_out}") from error


def _fault(error: ValidationError, what: str) -> str:
    """What is wrong with a file, in the words of who reads it."""
    faults = error.errors(include_url=False)
    lacking = [f["loc"][0] for f in faults if f["type"] == "missing" and len(f["loc"]) == 1]
    if lacking:
        return f"is not {what}: it lacks {', '.join(sorted(lacking))}"
    first = faults[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["loc"][:1] == ("answers",) and len(first["loc"]) > 1:
        where = f"answer {first['loc'][1] + 1}"
        if first["type"] == "missing":
            return f"is not {what}: {where} lacks {first['loc'][-1]!r}"
        where += "".join(f", {part}" for part in first["loc"][2:])
    value = repr(first["input"])
    value = value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
    reason = first["msg"].removeprefix("Value error, ")
    return f"is not {what}: {printable(f'{where}: ' if where else '')}{reason}, found {value}"


def _check_names(sittings: list[tuple[Path, _Answers]]) -> None:
    """Nothing, or the error for two people, or one person twice, under one name."""
    known: dict[str, Path] = {}
    for path, sitting in sittings:
        name = sitting.participant
        if (earlier := known.setdefault(name, path)) is not path:
            raise ReplicateError(
                f"{_shown(earlier)} and {_shown(path)} are two sittings of participant {name!r}, "
                'expected one; leave one out, or if they are two people change "participant" in '
                "one file"
            )


def _sheet(path: Path, sitting: _Answers, key: dict) -> Sheet:
    last = {}
    for number, a in enumerate(sitting.answers, 1):
        answer = Answer(a.trial, a.showing, a.choice)
        _check_answer(path, number, answer, key)
        last[answer.trial, answer.showing] = answer  # a correction comes after what it corrects
    return Sheet(sitting.participant, tuple(last.values()), len(key["trials"]) + key["repeats"])


def _check_answer(path: Path, number: int, answer: Answer, key: dict) -> None:
    place = f"{_shown(path)}: answer {number}"
    if answer.trial not in key["trials"] or answer.showing not in (0, 1):
        raise ReplicateError(
            f"{place} is about trial {answer.trial!r}, showing {answer.showing!r}, which study "
            f"{key['study']} does not have; the file was changed, ask for it again"
        )
    fool = key["mode"] == "fool"
    known = (REAL, GENERATED) if fool else tuple(key["trials"][answer.trial]["options"])
    if answer.choice not in known:
        raise ReplicateError(
            f"{place} chose {answer.choice!r}, expected one of {', '.join(known)}; the file "
            "was changed, ask for it again"
        )
