"""The sections that every paper's notebook has: photographs, and the authors' released weights."""

import shutil

import pytest

from replicate import paths, studies
from replicate.lab import workflow
from replicate.lab.notebook_parameters import checked
from replicate.metrics.power import NO_POWER
from replicate.report.plots.picture import Picture
from replicate.studies import results


def asked(notebook: str = "02_aggan", budget: str = "laptop"):
    return checked(workflow.read_params(notebook, budget), notebook)


def test_published_photographs_are_shown_and_what_has_no_power_is_said(workspace):
    album = studies.photographs(asked())
    assert "cats_dogs" in album.said
    texts = [repr(each) for each in album.shown]
    assert "cyclegan" in texts[0] and "real vs real" in texts[0]
    assert any(text.startswith(f"{NO_POWER}: kid/standin") for text in texts)
    assert isinstance(album.shown[-1], Picture)


def test_one_run_here_hides_no_published_one(workspace):
    for name in ("ugatit", "cyclegan/paper-1-*"):  # all that is published of it, and one seed
        (folder,) = (paths.published() / "runs" / "horse2zebra").glob(name)
        shutil.copytree(folder, paths.results() / folder.relative_to(paths.published()))
    texts = [repr(each) for each in studies.photographs(asked("04_ugatit")).shown]
    assert any("ugatit" in text and "horse2zebra" in text for text in texts)
    there = studies.real_photographs._scores(asked("04_ugatit"))
    roots = there[there["dataset"] == "horse2zebra"].groupby("name")["root"].first()
    assert roots["ugatit"] == paths.results() and roots["cyclegan"] == paths.published()
    assert any("cats_dogs" in text for text in texts)


def test_a_method_of_the_grid_of_photographs_alone_is_shown(workspace):
    there = studies.real_photographs._scores(asked("05_spatial_guidance"))
    of_horses = set(there.loc[there["dataset"] == "horse2zebra", "name"])
    assert of_horses == {"cyclegan", "spatial_guidance", "spagan"}  # U-GAT-IT is another paper's


def test_street_scenes_are_shown_from_published_records(workspace):
    album = studies.streets(asked("06_guidance_studies"))
    scores, _, classes, statistics, _, pictures = album.shown
    for name in ("gan", "pix2pix", "fal", "spatial_guidance_paired"):
        assert name in repr(scores) and name in repr(classes.shown[0])
    assert classes.said.startswith("Street segmentation, as it was published with the runs")
    assert isinstance(statistics.shown[0], results.Copy) and isinstance(pictures.shown[0], Picture)


def test_without_photographs_the_command_that_trains_on_them_is_named(workspace, monkeypatch):
    monkeypatch.setattr(paths, "published", lambda: workspace / "nothing")
    folder = "notebooks/params/laptop/photographs"
    assert f"replicate runs --budget laptop --params {folder}`" in studies.photographs(asked()).said
    assert not studies.photographs(asked(budget="smoke")).shown
    said = studies.streets(asked("06_guidance_studies")).said
    assert said.startswith("No run on street scenes") and f"--params {folder}`" in said
    assert not studies.streets(asked("06_guidance_studies", "smoke")).shown


@pytest.mark.parametrize(
    ("notebook", "words"),
    [
        ("02_aggan", ["aggan-released", "cyclegan-horse2zebra", "`replicate weights get NAME`"]),
        ("03_attentiongan", ["attentiongan-horse2zebra"]),
        ("01_dagan", ["No released weights of these methods are known"]),
    ],
)
def test_weights_that_are_not_here_are_named_with_the_command_that_fetches_them(
    workspace, notebook, words
):
    album = studies.released(asked(notebook))
    assert not album.shown and all(word in album.said for word in words)
    assert "style_monet" not in album.said  # no paper here prints that set
