"""What stands in results/published and in the README follows from the published records."""

import base64
import io

import nbformat
import numpy as np
import pandas as pd
import pytest
import skimage
from jupyter_client.kernelspec import get_kernel_spec
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from replicate import paths, records
from replicate.datasets.spec import spec
from replicate.lab.doctor import KERNEL
from replicate.lab.fingerprint import BY_LABEL
from replicate.lab.published import CLASSES, KEPT, MATRIX, find_runs
from replicate.lab.run import read_record
from replicate.lab.state import Today
from replicate.report import plots, publishing, tables
from replicate.report.tables.catalogue import FIRST_IMAGES

RECORDS = find_runs(paths.published())
FORMATS = (".md", ".tex", ".csv", ".json")
BUDGETS = sorted({read_record(folder)["budget"] for folder in RECORDS})


@pytest.fixture(scope="module")
def today() -> Today:
    return Today()


@pytest.mark.parametrize("budget", BUDGETS)
def test_tables_are_those_of_the_records(budget, tmp_path):
    (tmp_path / "runs").symlink_to(paths.published() / "runs")
    written = tables.write(tmp_path, budget)
    there = (paths.published() / "tables" / budget).iterdir()
    assert {file.name for file in there} == {file.name for file in written}
    for rebuilt in written:
        committed = paths.published() / rebuilt.relative_to(tmp_path)
        assert rebuilt.read_text() == committed.read_text(), f"{committed} was edited by hand"


def test_the_registers_are_those_of_the_code_and_of_the_data_files(tmp_path):
    written = tables.write_registers(tmp_path)
    assert {file.stem for file in written} == {"coverage", "deviations"}
    for rebuilt in written:
        committed = paths.published() / rebuilt.relative_to(tmp_path)
        assert rebuilt.read_text() == committed.read_text(), "run replicate tables --published"


def test_every_published_table_stands_there_in_four_formats():
    files = [file for file in (paths.published() / "tables").rglob("*") if file.is_file()]
    stems = {file.with_suffix("") for file in files}
    expected = {stem.with_name(stem.name + end) for stem in stems for end in FORMATS}
    assert len(stems) > 5 and set(files) == expected


def test_readme_shows_the_published_numbers_and_its_picture_is_there():
    blocks, text = tables.readme_blocks(paths.published()), (paths.ROOT / "README.md").read_text()
    assert all(f"begin -->\n{block}<!--" in text for block in blocks.values())
    assert "-first.png)" in blocks["picture"]


def test_plots_are_those_of_the_records(tmp_path):
    """The smaller ones; `replicate tables --published` and `git status` tell of all."""
    budget, root = "laptop", paths.published()
    every = plots.kept(root, budget)
    spent = tables.quality_and_cost(tables.scores(root, budget), root)
    drawn = {}
    for dataset in sorted({record.dataset for record in every}):
        own = [record for record in every if record.dataset == dataset]
        if dataset in FIRST_IMAGES:
            first = plots.strip(plots.writing.of_first(own), FIRST_IMAGES[dataset])
            drawn[f"{dataset}-first"] = first
            continue
        drawn[f"{dataset}-gallery"] = plots.gallery(own)
        drawn[f"{dataset}-cost"] = plots.cost(spent[spent["dataset"] == dataset])
    for name, picture in drawn.items():
        made = plots.save(picture, tmp_path / f"{name}.png")
        assert made.read_bytes() == (root / "plots" / budget / made.name).read_bytes(), name


def test_no_plot_stands_there_that_the_records_do_not_give(monkeypatch):
    for drawing in ("losses", "gallery", "points", "cost", "strip"):  # the names are enough
        monkeypatch.setattr(plots.writing, drawing, lambda *records: None)
    monkeypatch.setattr(plots.writing, "save", lambda picture, path: path)
    for budget in BUDGETS:
        there = (paths.published() / "plots" / budget).iterdir()
        assert set(plots.write(paths.published(), budget)) == set(there)


def test_what_no_record_gives_any_more_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "published", lambda: tmp_path)
    monkeypatch.setattr(tables, "update_readme", lambda readme, root: None)
    kept, old = ([tmp_path / kind / "laptop" / name for kind in ("tables", "plots")]
                 for name in ("new.md", "old.md"))  # fmt: skip
    other = tmp_path / "plots" / "paper" / "old.md"
    for file in (*kept, *old, other):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    for module, file in zip((tables, plots), kept, strict=True):
        monkeypatch.setattr(module, "write", lambda root, budget, file=file: [file])
    written = publishing.redraw("laptop")
    assert all(file.exists() for file in (*written, other)) and set(kept) <= set(written)
    assert not any(file.exists() for file in old)


def test_every_record_is_whole():
    assert RECORDS
    for folder in RECORDS:
        record = read_record(folder)
        kept = {*KEPT, *([MATRIX] if spec(record["dataset"]).labels else [])}
        assert {file.name for file in folder.iterdir()} - {CLASSES} == kept
        assert record["status"] == "finished" and not records.faults(folder, record)
        assert set(record["results"]) - {CLASSES} == kept - {"run.json"}
        assert record["budget"] != "smoke"


@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: "-".join(folder.parts[-3:]))
def test_no_record_is_stale_nor_scored_by_other_code(folder, today):
    record = read_record(folder)
    assert today.changed(record, images=False) == ()
    assert today.outdated(record) == []
    files = [folder / "scores.csv", *folder.glob(CLASSES)]
    made = pd.concat(map(pd.read_csv, files))
    by_label = {BY_LABEL} if spec(record["dataset"]).labels else set()
    scored = set(made.loc[made["value"].notna(), "protocol"])
    assert set(record["scoring"]) == scored | by_label
    # pairs that are drawn apart have the code that draws them, which `changed` compares
    assert set(record["fingerprint"]) - {"stream"} == {"code", "data", "images"}


def test_a_published_notebook_keeps_its_pictures_in_fewer_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "published", lambda: tmp_path / "published")
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    picture = io.BytesIO()
    Image.fromarray(noise).save(picture, "PNG")
    data = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": "a picture"}
    cell = new_code_cell(outputs=[new_output("display_data", data)], metadata={"papermill": {}})
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "02_one.ipynb")
    (published,) = publishing._notebooks([tmp_path / "02_one.ipynb"], "laptop")
    (cell,) = nbformat.read(published, as_version=4).cells
    kept = publishing._smaller(picture.getvalue())  # as PNG; noise takes still less as JPEG
    assert len(base64.b64decode(cell.outputs[0].data["image/jpeg"])) < len(kept)
    assert "papermill" not in cell.metadata and cell.outputs[0].data["text/plain"] == "a picture"
    assert len(kept) < len(picture.getvalue()) / 2
    shown = np.asarray(Image.open(io.BytesIO(kept)).convert("RGB"), np.float64)
    # eight halvings of a cube of noise leave sides of 32, 32 and 64; a quarter is the mean distance
    assert shown.shape == noise.shape and np.abs(shown - noise).mean() < 64 / 4


def test_photographs_in_a_published_notebook_are_jpeg_and_drawings_are_not(tmp_path):
    photo = Image.fromarray(skimage.data.astronaut())
    drawing = Image.new("RGB", (400, 300), "white")
    kinds = []
    for picture in (photo, drawing):
        png = io.BytesIO()
        picture.save(png, "PNG")
        data = {"image/png": base64.b64encode(png.getvalue()).decode(), "image/jpeg": "of Pillow"}
        cell = new_code_cell(outputs=[new_output("display_data", data)])
        nbformat.write(new_notebook(cells=[cell]), tmp_path / "one.ipynb")
        clean = nbformat.read(publishing._clean(tmp_path / "one.ipynb", tmp_path / "two.ipynb"), 4)
        (kind,) = clean.cells[0].outputs[0].data
        kinds.append(kind)
    assert kinds == ["image/jpeg", "image/png"]


def test_notebooks_name_their_kernel_as_jupyterlab_writes_it():
    assert get_kernel_spec("python3").display_name == KERNEL
    published = sorted((paths.published() / "notebooks").rglob("*.ipynb"))
    assert published
    for path in [*paths.notebooks().glob("*.ipynb"), *published]:
        spec = nbformat.read(path, as_version=4).metadata.kernelspec
        assert spec.display_name == KERNEL, path


def test_an_executed_notebook_is_small_and_shows_no_picture_twice():
    published = sorted((paths.published() / "notebooks").rglob("*.ipynb"))
    assert {path.stem for path in published} == {p.stem for p in paths.notebooks().glob("*.ipynb")}
    for path in published:
        assert path.stat().st_size < 1.5e6, path
        cells = nbformat.read(path, as_version=4).cells
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        pictures = [
            o.data[k] for o in outputs for k in publishing.PICTURES if k in o.get("data", {})
        ]
        assert pictures and len(set(pictures)) == len(pictures), path


def test_an_executed_notebook_is_of_the_source_that_stands_beside_it():
    for path in sorted((paths.published() / "notebooks").rglob("*.ipynb")):
        executed = nbformat.read(path, as_version=4).cells
        injected = "injected-parameters"
        cells = [cell for cell in executed if injected not in cell.metadata.get("tags", [])]
        source = nbformat.read(paths.notebooks() / path.name, as_version=4).cells
        assert [(c.id, c.source) for c in cells] == [(c.id, c.source) for c in source], path
        counts = [cell.execution_count for cell in executed if cell.cell_type == "code"]
        assert counts == list(range(1, len(counts) + 1)), f"{path} was not executed to its end"
