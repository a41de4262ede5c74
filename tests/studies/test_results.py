"""What a study made is published beside the records and shown where no run is on the machine."""

import json
from pathlib import Path

import pandas as pd
import pytest

from replicate import paths, records, studies
from replicate.errors import ReplicateError
from replicate.lab.published import find_runs
from replicate.lab.recorded import here_or_recorded
from replicate.lab.run import make_run, read_record
from replicate.report import publishing
from replicate.report.plots.picture import sheet
from replicate.studies import results

DATASET = "horse2zebra_drawn"


def measured(runs) -> pd.DataFrame:
    return pd.DataFrame({"method": [run.method for run in runs], "value": [0.5] * len(runs)})


def drawn(runs):
    return sheet([("one", [("row", [records_of_grey()])])])


def records_of_grey():
    import numpy as np

    return np.full((8, 8, 3), 99, np.uint8)


@pytest.fixture
def run(workspace: Path):
    """A run of this machine, by the published record of another one."""
    made = make_run("aggan", DATASET, 0, "laptop")
    (there,) = [
        folder
        for folder in find_runs(paths.published(), "laptop")
        if folder.parts[-3:-1] == (DATASET, "aggan") and folder.name.startswith("paper-0-")
    ]
    records.write(made.folder, read_record(there))
    return made


def test_a_study_is_written_published_and_shown_of_the_same_runs(run, tmp_path, monkeypatch):
    for study in (measured, drawn):
        results.of_runs(study)([run])
    published = tmp_path / "published"
    published.mkdir()
    (published / "runs").symlink_to(paths.published() / "runs")
    monkeypatch.setattr(paths, "published", lambda: published)
    files = publishing._studies("laptop")
    assert {file.name.partition("-")[0] for file in files} == {"measured", "drawn"}
    shown = here_or_recorded([make_run("aggan", DATASET, 0, "laptop")])
    album = results.of_runs(measured)(shown)
    assert "as it was published" in album.said and "aggan | 0.5" in repr(album.shown[0])
    picture = results.of_runs(drawn)(shown).shown[0]
    assert picture._repr_png_() == next(f for f in files if f.suffix == ".png").read_bytes()
    file = next(f for f in files if f.name.startswith("measured"))
    about = json.loads(file.read_text())
    about["runs"][0]["commit"] = "another"
    file.write_text(json.dumps(about))
    assert "of other runs" in results.of_runs(measured)(shown).said


def test_what_was_not_published_says_what_it_needs(workspace):
    runs = here_or_recorded([make_run("aggan", DATASET, 0, "laptop")])
    album = results.of_runs(measured)(runs)
    assert "needs the outputs of runs" in album.said and not album.shown
    assert "`replicate train aggan --data horse2zebra_drawn --seed 0" in album.said


def test_smoke_runs_leave_no_result_and_errors_stay_errors(finished):
    results.of_runs(measured)([finished])
    assert not (paths.results() / "studies").exists()

    def failing(runs):
        raise ReplicateError("no such run")

    with pytest.raises(ReplicateError, match="no such run"):
        results.of_runs(failing)([finished])
    assert (
        results.of_runs(failing, lambda runs: "get the images")([finished]).said == "get the images"
    )


def test_a_study_that_is_about_none_of_the_runs_says_so(workspace):
    text = [make_run("dagan_text", "shapes_captioned", 0, "smoke")]  # with windows, on no image
    images = [make_run("dagan", "shapes_drawn", 0, "smoke")]
    for study in (studies.window_outlines, studies.correspondences, studies.window_hits):
        assert study(text).said == "No method here looks at images through windows."
        with pytest.raises(ReplicateError, match=r"no (finished )?run"):  # some, not trained yet
            study(images)
    assert "laptop/01_dagan.yaml" in studies.named_and_shown(images).said
    with pytest.raises(ReplicateError, match="no finished run"):
        studies.named_and_shown(text)


def test_every_published_study_is_of_runs_on_record():
    files = sorted((paths.published() / "studies").rglob("*.json"))
    assert files
    for file in files:
        about = json.loads(file.read_text())
        assert results._are_current(about["runs"]), file
        assert ("rows" in about) != file.with_suffix(".png").is_file()
        name = file.stem.rpartition("-")[0]
        assert hasattr(studies, name), f"{file} is of no study"
