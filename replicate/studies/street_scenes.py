"""The supervised setting on street scenes, whose runs the grid of photographs lists."""

import pandas as pd

from replicate.lab.notebook_parameters import Parameters
from replicate.lab.recorded import here_or_recorded
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.report import plots, tables
from replicate.report.plots.picture import Picture
from replicate.report.tables.show import Album, Sentence, show
from replicate.studies.label_measurements import label_statistics
from replicate.studies.pixel_segmentation import segmentation
from replicate.studies.real_photographs import nothing, runs_on_photographs
from replicate.studies.results import of_runs

SET = "camvid"


def streets(params: Parameters) -> Album:
    """Scores, classes and pictures of the runs on street scenes that are here or published.

    Args:
        params: of a paper's notebook; its smoke run shows nothing.
    """
    if params.budget == "smoke":
        return Album("Smoke runs are on synthetic images; `budget: laptop` shows street scenes.")
    listed = [run for run in runs_on_photographs(params) if run.dataset == SET]
    runs = here_or_recorded(listed, partly=True)
    # the paper's own first: under its name a study is published
    runs.sort(key=lambda run: METHODS[run.method].paper != params.paper)
    if not runs:
        return Album(nothing(params.budget, "street scenes"))
    return Album(
        f"Runs on `{SET}` at budget {params.budget}:",
        show(tables.main(tables.of_runs(runs))),
        Sentence("Class by class:"),
        show(street_segmentation(runs)),
        street_statistics(runs),
        Sentence("Test images, under each translation the discriminator's map:"),
        plots.translations(runs),
    )


# Studies of names of their own, so that the published results of another set stay.


@of_runs
def street_segmentation(runs: list[Run]) -> pd.DataFrame:
    """`segmentation` of street scenes."""
    return segmentation(runs)


@of_runs
def street_statistics(runs: list[Run]) -> Picture:
    """`label_statistics` of street scenes."""
    return label_statistics(runs, SET)
