"""From finished runs to `results/published`, and from its records to tables, plots and README."""

import base64
import io
from pathlib import Path

import nbformat

from replicate import paths, plots, tables
from replicate.errors import ReplicateError
from replicate.experiment import classes, health
from replicate.experiment.publish import CLASSES, find_runs, publish
from replicate.experiment.run import read_record
from replicate.images import decode
from replicate.scrubbing import scrub


def publish_all(budget: str) -> list[Path]:
    """The files and folders that were written.

    Raises:
        ReplicateError: budget smoke, neither a finished run nor an executed notebook, or a record
            that cannot be published.
    """
    if budget == "smoke":
        raise ReplicateError(
            "smoke runs prove that the code executes; nothing of them is published"
        )
    root = paths.results()
    finished = [f for f in find_runs(root, budget) if read_record(f)["status"] == "finished"]
    finished = [f for f in finished if "+" not in read_record(f)["label"]]
    executed = _executed(root, budget)
    if not finished and not executed:
        raise ReplicateError(
            f"no finished {budget} run in {root}; `replicate all --budget {budget}` trains them"
        )
    if not finished:  # a notebook that trains nothing
        return _notebooks(executed, budget)
    written = []
    for folder in finished:
        plots.curves(folder).to_csv(folder / "curves.csv", index=False, float_format="%.5g")
        health.keep(folder)
        if not (folder / CLASSES).is_file():  # scored before scoring counted classes
            classes.count(folder, budget)
        written.append(publish(folder))
    return [*written, *_notebooks(executed, budget), *redraw(budget)]


def redraw(budget: str) -> list[Path]:
    """Writes all that follows from the published records alone; the same bytes from the same.

    A page or a plot of the budget that follows from none of them any more is removed.

    Returns:
        Tables, registers and plots in results/published, and the README.

    Raises:
        ReplicateError: nothing of the budget is published, or the budget is smoke.
    """
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
    written = health.keep_published(paths.results(), paths.published(), budget)
    written += classes.keep_published(paths.results(), paths.published(), budget)
    return written + tables.write(paths.published(), budget)


def _executed(root: Path, budget: str) -> list[Path]:
    found = sorted((root / "notebooks" / budget).glob("[0-9][0-9]_*.ipynb"))
    return [p for p in found if not p.name.endswith(".partial.ipynb")]


def _notebooks(executed: list[Path], budget: str) -> list[Path]:
    target = paths.published() / "notebooks" / budget
    target.mkdir(parents=True, exist_ok=True)
    return [_clean(p, target / p.name) for p in executed]


def _clean(executed: Path, target: Path) -> Path:
    """A copy that tells nothing of this machine.

    Its pictures have 256 colours, a third of their bytes: git keeps every version of a notebook.
    """
    notebook = scrub(nbformat.read(executed, as_version=4))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    for data in (output.get("data", {}) for output in outputs):
        if "image/png" in data:
            data["image/png"] = _in_256_colours(data["image/png"])
    nbformat.write(notebook, target)
    return target


def _in_256_colours(png: str) -> str:
    """A PNG in base64, and the same picture in the 256 colours that fit it best."""
    written = io.BytesIO()
    image = decode(io.BytesIO(base64.b64decode(png))).image
    image.quantize(256).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()
