"""The table of known faults, from records that were never trained."""

from math import nan
from pathlib import Path

import pandas as pd
import pytest

from replicate.lab.health import COLUMNS
from replicate.lab.published import HEALTH
from replicate.report import tables
from replicate.report.tables.health import health_page
from replicate.report.tables.pages import Table, write_page


def add(folder: Path, *rows: tuple) -> None:
    """Rows of (iteration, direction, fault, value), of 132 images each."""
    frame = pd.DataFrame([(*row, 132) for row in rows], columns=COLUMNS)
    frame.to_csv(folder / HEALTH, index=False)


@pytest.fixture
def examined(root: Path) -> Path:
    """Seed 1 of AGGAN copies at its end, seed 0 did so before; a variant inverts colours."""
    way = "horse->zebra"
    at = {p.name.rsplit("-", 1)[0]: p for p in (root / "runs").glob("*/aggan/*")}
    add(at["paper-0"], (500, way, "copy", 0.0), (4000, way, "copy", 12.0))
    add(at["paper-1"], (4000, way, "copy", 1.0), (4000, way, "full_attention", 0.004))
    add(at["whole-image-d-0"], (4000, way, "colour_inversion", -0.9))
    return root


def test_every_number_of_the_last_iteration(examined: Path) -> None:
    frame = tables.health(examined, "laptop")
    found = frame[["method", "seed", "fault", "value", "found"]].values.tolist()
    assert found == [
        ["aggan", 0, "copy", 12.0, False],
        ["aggan", 1, "copy", 1.0, True],
        ["aggan", 1, "full_attention", 0.004, True],
        ["aggan:whole-image-d", 0, "colour_inversion", -0.9, True],
    ]
    assert set(frame["images"]) == {132} and set(frame["dataset"]) == {"horse2zebra_drawn"}
    assert tables.health(examined, "paper").empty


def test_the_page_names_the_faulty_seeds_and_the_rules(examined: Path) -> None:
    (health,) = health_page(examined, "laptop")
    files = {p.name: p for p in write_page(health, examined / "health")}
    assert set(files) == {"health.md", "health.tex", "health.csv", "health.json"}
    page, table = files["health.md"], files["health.csv"]
    text = page.read_text()
    assert "2 of 3 runs have one." in text
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines()]
    place = ["horse2zebra_drawn", "horse->zebra"]
    assert [*place, "aggan", "copy of the input", "1", "1"] in lines
    assert [*place, "aggan:whole-image-d", "colour inversion", "0", "-0.9"] in lines
    # the mean of 12 and 1, marked because one of both is a fault
    numbers = ["-", "-", "6.5 (fault)", "-", "0.004 (fault)", "-", "-", "-"]
    assert [*place, "aggan", "2", *numbers, "132"] in lines
    assert "a fault below 2 " in text and "a fault above 0.8 " in text
    assert pd.read_csv(table)["found"].tolist() == [False, True, True, True]


def test_healthy_runs_have_no_list_of_faults(root: Path) -> None:
    (folder,) = (root / "runs").glob("*/aggan/whole-image-d-0-*")
    add(folder, (4000, "horse->zebra", "copy", 12.0), (4000, "zebra->horse", "copy", nan))
    (page,) = health_page(root, "laptop")
    assert "0 of 1 runs have one." in page.parts
    assert not any("worst number" in part.frame for part in page.parts if isinstance(part, Table))


def test_there_is_no_page_without_numbers(root: Path) -> None:
    assert health_page(root, "laptop") == []
    assert tables.health(root).empty


def test_faults_are_listed_by_method_and_direction(examined: Path) -> None:
    found = tables.faults(examined, "laptop")
    assert found[["method", "fault", "seeds"]].values.tolist() == [
        ["aggan", "copy of the input", "1"],
        ["aggan", "full or empty attention", "1"],
        ["aggan:whole-image-d", "colour inversion", "0"],
    ]


def test_without_faults_the_list_is_empty(root: Path) -> None:
    assert tables.faults(root, "laptop").empty
