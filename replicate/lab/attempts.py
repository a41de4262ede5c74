"""The tries of a job: each has its number, its log and how it ended, a notebook's what it drew."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

ENDS = "attempts.jsonl"  # a line at the start and one at the end of each try
LATEST = ("latest.log", "latest.ipynb")


def folder(results: Path, kind: str, key: str) -> Path:
    """Where all that is written about a job lies: `<results>/logs/<kind>/<key>`."""
    return results / "logs" / kind / key


def begin(place: Path, about: dict, names: Sequence[str] = LATEST) -> int:
    """The number of a new try, from 1; its log is made, and `latest` names it.

    Args:
        place: the job's folder.
        about: what is known at the start: pid, host, Slurm's job.
        names: which of `LATEST` the try will have.
    """
    place.mkdir(parents=True, exist_ok=True)
    number = 1 + max((_number(p) for p in place.glob("attempt-*.log")), default=0)
    while True:
        try:
            log(place, number).touch(exist_ok=False)
            break
        except FileExistsError:  # another process was faster
            number += 1
    for name in set(LATEST) - set(names):
        (place / name).unlink(missing_ok=True)
    for name in names:
        link = place / f".{name}.{number}"
        link.unlink(missing_ok=True)
        link.symlink_to(f"attempt-{number}{Path(name).suffix}")
        os.replace(link, place / name)
    note(place, {"attempt": number, **about})
    return number


def _number(path: Path) -> int:
    return int(re.sub(r"\D", "", path.stem) or 0)


def log(place: Path, number: int) -> Path:
    """What a try printed."""
    return place / f"attempt-{number}.log"


def notebook(place: Path, number: int) -> Path:
    """What a try executed; kept when it fails, the best evidence there is."""
    return place / f"attempt-{number}.ipynb"


def drawn_file(executed: Path) -> Path:
    """Where the digest of what a whole notebook was drawn from is kept."""
    return executed.with_name(f".{executed.name}.digest")


def note(place: Path, line: dict) -> None:
    """One more line about a try."""
    with (place / ENDS).open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read(place: Path) -> list[dict]:
    """Every try in order, what was noted at its start and end in one dict.

    One without "ended" is at work, or was killed.
    """
    path, tries = place / ENDS, {}
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        try:
            noted = json.loads(line)
        except ValueError:  # cut off by a full disk
            continue
        if isinstance(noted, dict) and isinstance(noted.get("attempt"), int):
            tries.setdefault(noted["attempt"], {}).update(noted)
    return [tries[number] for number in sorted(tries)]
