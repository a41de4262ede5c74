"""Every file of a finished run, its packed set and its record: cut, emptied or with a bit flipped.

Each command then names the file or gives the true result: never a traceback, never another number.
"""

import io
import random
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch
from support.pictures import write_tiny

from replicate import cli, files, paths
from replicate.lab import ensure, make_run
from replicate.lab.forecast import by_method, forecast
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.report import publishing, tables

DAMAGES = ("cut", "emptied", "flipped")
CHANGING = ("train", "publish")  # which mend or replace other files, too
TIMES = re.compile(r" +\d+ (s|min)\b|took|\[.*?\]|\d+\.\d images/s")
NOT_READ = {"trainA", "trainB", "testA", "testB", "samples", "tables", "features"}
OF_OUTPUTS = ("A2B/1.png", "A2B/attention/2.png")
METHOD = "aggan"  # whose translations have maps


class Place:
    """A data and a results folder with one finished run and its record, as they were made."""

    def __init__(self, root: Path, run: Run) -> None:
        self.root, self.run, self.kept = root, run, root.with_name("kept")
        for name in ("status", "health"):  # which keep what they found out
            replicate(name)
        shutil.copytree(root, self.kept)

    def restore(self, path: Path | None = None) -> None:
        """Everything, or one file alone, as it was."""
        if path:
            shutil.copy2(self.kept / path.relative_to(self.root), path)
            return
        shutil.rmtree(self.root)
        shutil.copytree(self.kept, self.root)

    def files(self) -> list[Path]:
        """All of the run, its packed set and its record; one translation and one map."""
        every = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        some = [path for path in every if not NOT_READ & set(path.parts)]
        return [p for p in some if "outputs" not in p.parts or str(p).endswith(OF_OUTPUTS)]


def written(root: Path, budget: str) -> list[Path]:
    """What tables are made from, as files; the pages themselves take seconds."""
    made = {"scores": tables.scores, "health": tables.health, "cost": tables.costs}
    folder = root / "tables" / budget
    return [
        files.write(folder / f"{k}.csv", read(root, budget).to_csv()) for k, read in made.items()
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    root, patch = tmp_path_factory.mktemp("damage") / "here", pytest.MonkeyPatch()
    patch.setenv("REPLICATE_DATA", str(root / "data"))
    patch.setenv("REPLICATE_RESULTS", str(root / "results"))
    patch.setattr(paths, "published", lambda: root / "published")
    patch.setattr(METHODS[METHOD], "LAPTOP", METHODS[METHOD].SMOKE)
    patch.setattr(tables, "write", written)
    patch.setattr(publishing, "_redraw", lambda budget: written(paths.published(), budget))
    write_tiny(root / "data")
    run = ensure(make_run(METHOD, "tiny", 0, "laptop"))
    publishing.publish_all("laptop")
    yield Place(root, run)
    torch.use_deterministic_algorithms(False)
    patch.undo()


def replicate(*words: str) -> str:
    """The error of a command, or nothing; what it printed is in its streams."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["replicate", *words])
        cli.main()
    return "" if ended.value.code in (0, None) else str(ended.value.code)


def plan(run: Run) -> None:
    (seen,) = forecast([run], "cpu")
    total = by_method([seen])[-1] | {"disk_gb": "of the files that are there"}
    print(seen.seen.word, seen.seen.why, total)


def tables_of(folder: Path) -> str:
    """The CSV files below a folder."""
    files = sorted(folder.rglob("*.csv"))
    return "\n".join(f"{file}\n{file.read_text(errors='replace')}" for file in files)


TRAIN = ("train", METHOD, "--data", "tiny", "--budget", "laptop", "--offline-metrics")
COMMANDS: dict[str, Callable[[Place], str]] = {
    "status": lambda place: replicate("status"),
    "plan": lambda place: plan(place.run),
    "health": lambda place: replicate("health"),
    "tables": lambda place: replicate("tables") or tables_of(paths.results() / "tables"),
    "tables --published": lambda place: (
        replicate("tables", "--published") or tables_of(paths.published())
    ),
    "train": lambda place: replicate(*TRAIN) or tables_of(place.run.folder),
    "publish": lambda place: replicate("publish") or tables_of(paths.published()),
}


def answer(name: str, place: Place) -> str:
    """All that a command says, and the numbers that it leaves."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        left = COMMANDS[name](place)
    return "\n".join([said.getvalue(), *(str(each.message) for each in told), left or ""])


def damage(path: Path, how: str, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped" and content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content if how == "flipped" else content[: len(content) // 2 * (how == "cut")])


def numbers(said: str) -> str:
    """An answer without what differs from one moment to the next."""
    return TIMES.sub("", said)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_damage_is_named_or_changes_nothing(place: Place, name: str) -> None:
    draw, wrong = random.Random(name), []
    place.restore()
    true = numbers(answer(name, place))
    for path in place.files():
        how = draw.choice(DAMAGES)
        damage(path, how, draw)
        said = answer(name, place)
        named = str(path).removesuffix(".sha256")  # of a digest, what it is of
        if named not in said and numbers(said) != true:
            lines = set(numbers(said).splitlines()) - set(true.splitlines())
            wrong.append(f"{how} {path.relative_to(place.root)}: {sorted(lines)[:3]}")
        place.restore(None if name in CHANGING else path)
    if wrong:
        pytest.fail("\n".join(wrong))
