"""From finished runs to `results/published`, and from its records to tables, plots and README."""

import base64
import getpass
import io
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from replicate import files, paths, records
from replicate.errors import ReplicateError
from replicate.images import decode
from replicate.lab import classes, health
from replicate.lab.published import STUDIES, check, check_alone, find_runs, place, publish
from replicate.lab.run import read_record
from replicate.records import CLASSES, CURVES, HEALTH, MATRIX
from replicate.report import plots, tables
from replicate.report.plots import matrices


def publish_all(budget: str) -> list[Path]:
    """The files and folders that were written, or that were so already.

    Records of other runs stay, whatever their budget or settings. All is checked before anything is
    written; a record is written whole or not at all.

    Raises:
        ReplicateError: budget smoke; neither a finished run nor an executed notebook; a run that
            cannot be published; two configurations of one name, here or already published.
    """
    if budget == "smoke":
        raise ReplicateError(
            "smoke runs prove that the code executes; nothing of them is published"
        )
    root = paths.results()
    here = {folder: read_record(folder) for folder in find_runs(root, budget)}
    finished = {
        folder: record
        for folder, record in here.items()
        if record["status"] == "finished" and "+" not in record["label"]
    }
    executed = _executed(root, budget)
    if not finished and not executed:
        raise ReplicateError(
            f"no finished {budget} run in {root}; `replicate all --budget {budget}` trains them"
        )
    with _alone():
        if not finished:  # notebooks that trained nothing
            return [*_studies(budget), *_notebooks(executed, budget)]
        stay = set(find_runs(paths.published(), budget)) - set(map(place, finished))
        check_alone([*finished.items(), *((f, read_record(f)) for f in sorted(stay))])
        made = {folder: _made(folder) for folder in finished}
        written = [publish(folder, content) for folder, content in made.items()]
        written += [*_studies(budget), *_notebooks(executed, budget)]
        return [*written, *_redraw(budget)]


def _made(folder: Path) -> dict[str, str | bytes]:
    """What a record keeps that its run's folder has not, or not of all outputs."""
    check(folder, dict.fromkeys((CURVES, HEALTH), ""))
    made = {CURVES: plots.curves(folder).to_csv(index=False, float_format="%.5g")}
    made[HEALTH] = health.content(folder)
    made |= {MATRIX: picture} if (picture := matrices.drawn(folder)) else {}
    if CLASSES not in records.kept(folder, read_record(folder)):  # older than scoring of classes
        with suppress(ReplicateError):  # labels that nobody can learn
            made |= {CLASSES: text} if (text := classes.content(folder)) else {}
    return made


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time writes what git keeps; what a killed one left goes."""
    paths.needs_checkout("publishing")
    published = paths.published()
    with files.locked(published.with_name(f".{published.name}.lock"), waiting="publishing"):
        for folder in (paths.ROOT, published, *published.glob("**/")):
            files.sweep(folder)
        yield


def redraw(budget: str) -> list[Path]:
    """Writes all that follows from the published records alone; the same bytes from the same.

    A page or a plot of the budget that follows from none of them any more is removed.

    Returns:
        Tables, registers and plots in results/published, and the README.

    Raises:
        ReplicateError: nothing of the budget is published, or the budget is smoke.
    """
    with _alone():
        return _redraw(budget)


def _redraw(budget: str) -> list[Path]:
    root, readme = paths.published(), paths.ROOT / "README.md"
    made = [*tables.write(root, budget), *plots.write(root, budget)]
    for kind in ("tables", "plots"):
        for file in set((root / kind / budget).glob("*.*")).difference(made):
            file.unlink()
    registers = tables.write_registers(root)
    tables.update_readme(readme, root)
    return [*made, *registers, readme]


def publish_health(budget: str) -> list[Path]:
    """What outputs on this machine tell of published records: health and classes; the tables.

    A record without `health.csv` gets one from its own picture and curves.

    Raises:
        ReplicateError: no record of the budget.
    """
    with _alone():
        written = health.keep_published(paths.results(), paths.published(), budget)
        written += classes.keep_published(paths.results(), paths.published(), budget)
        return written + tables.write(paths.published(), budget)


def _executed(root: Path, budget: str) -> list[Path]:
    notebooks = sorted((root / "notebooks" / budget).glob("[0-9][0-9]_*.ipynb"))
    return [p for p in notebooks if not p.name.endswith(".partial.ipynb")]


def _notebooks(executed: list[Path], budget: str) -> list[Path]:
    target = paths.published() / "notebooks" / budget
    return [_clean(p, target / p.name) for p in executed]


def _studies(budget: str) -> list[Path]:
    """Copies of what studies made of the runs, their pictures in 256 colours."""
    made, target = paths.results() / STUDIES / budget, paths.published() / STUDIES / budget
    originals = sorted(path for path in made.glob("*.*") if path.suffix in (".json", ".png"))
    return [
        files.write(target / path.name, _smaller(path.read_bytes(), path.suffix == ".png"))
        for path in originals
    ]


JPEG_QUALITY = 60
FOLDED = {"parameters", "injected-parameters", "setup"}  # tags


def _clean(executed: Path, target: Path) -> Path:
    """A copy that tells nothing of this machine.

    Its pictures have 128 colours, a quarter of their bytes, or are JPEG where that takes still
    fewer, as of photographs, and a table stands as HTML alone: git keeps every version.
    Parameters and imports are folded, so that the verdict stands on the first screen.
    """
    notebook = scrub(nbformat.read(executed, as_version=4))
    for cell in notebook.cells:
        if FOLDED & set(cell.metadata.get("tags", ())):
            cell.metadata["jupyter"] = {"source_hidden": True}
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    for data in (output.get("data", {}) for output in outputs):
        if "text/html" in data:
            data.pop("text/plain", None)
        if "image/png" in data:
            data.pop("image/jpeg", None)  # Pillow shows both
            png = base64.b64decode(data.pop("image/png"))
            pictures = {"image/png": _smaller(png, colours=128), "image/jpeg": _as_jpeg(png)}
            kind = min(pictures, key=lambda name: len(pictures[name]))
            data[kind] = base64.b64encode(pictures[kind]).decode()
    return files.write(target, nbformat.writes(notebook).rstrip("\n") + "\n")


def _as_jpeg(content: bytes) -> bytes:
    written = io.BytesIO()
    image = decode(io.BytesIO(content)).image
    image.save(written, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return written.getvalue()


def _smaller(content: bytes, picture: bool = True, colours: int = 256) -> bytes:
    """A PNG in the colours that fit it best; what is no picture as it is."""
    if not picture:
        return content
    written = io.BytesIO()
    decode(io.BytesIO(content)).image.quantize(colours).save(written, "PNG", optimize=True)
    return written.getvalue()


# Two names at least, so that a lone "/" between words, a closing tag and an address are none.
PATH = re.compile(r"(?:(?<![\w.:/<~])|(?<=file://)|~)(?:/[^\s/<>\"'`|:;,)\\]+){2,}/?")
WINDOWS = re.compile(r"\b[A-Za-z]:\\+(?:[^\s\\<>\"'|]+\\+)*([^\s\\<>\"'|]*)")
HOST = re.compile(r"(\bon host )[^\s,;)]+|\b[\w.-]+@[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+")
EVERYBODYS = {"root", "user", "jovyan", "localhost"}  # names that tell nothing
PICTURES = ("image/png", "image/jpeg")  # base64
ELLIPSIS = "…"


def scrub(notebook: NotebookNode) -> NotebookNode:
    """The notebook, in place, without paths, user and host names of the machine in its outputs.

    What cells wrote to stderr goes whole: bars, times and warnings, which name files. In the rest
    of the text a path keeps its last part. The names of this machine and of its user go where they
    are words, unless the cells themselves hold them.
    """
    source = "\n".join(cell.source for cell in notebook.cells)
    names = [name for name in _names() if not re.search(_word(name), source)]
    for part in (notebook, *notebook.cells):
        part.metadata.pop("papermill", None)  # times, and folders of this machine
    for cell in notebook.cells:
        if "outputs" not in cell:
            continue
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        for output in cell.outputs:
            if "text" in output:
                output.text = _without(output.text, names)
            for kind, value in output.get("data", {}).items():
                if kind not in PICTURES and isinstance(value, str):
                    output.data[kind] = _without(value, names)
    return notebook


def _names() -> set[str]:
    """What this machine and its user are called, in full and in short."""
    names = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(KeyError, OSError):  # a user without a name, as in some containers
        names.add(getpass.getuser())
    return {name for name in names if len(name) > 2} - EVERYBODYS


def _word(name: str) -> str:
    return rf"(?<![\w-]){re.escape(name)}(?![\w-])"


def _without(text: str, names: list[str]) -> str:
    text = PATH.sub(lambda hit: f"{ELLIPSIS}/{hit[0].rstrip('/').rpartition('/')[2]}", text)
    text = WINDOWS.sub(rf"{ELLIPSIS}/\1", text)
    text = HOST.sub(lambda hit: f"{hit[1] or ''}{ELLIPSIS}", text)
    for name in names:
        text = re.sub(_word(name), ELLIPSIS, text)
    return text
