"""What stands in results/published and in the README follows from the published records."""

import pytest

from replicate import paths, tables
from replicate.experiment.publish import KEPT, find_runs
from replicate.experiment.run import read_record

RECORDS = find_runs(paths.published())
BUDGETS = sorted({read_record(folder)["budget"] for folder in RECORDS})


@pytest.mark.parametrize("budget", BUDGETS)
def test_tables_are_those_of_the_records(budget, tmp_path):
    (tmp_path / "runs").symlink_to(paths.published() / "runs")
    for rebuilt in tables.write(tmp_path, budget):
        committed = paths.published() / rebuilt.relative_to(tmp_path)
        assert rebuilt.read_text() == committed.read_text(), f"{committed} was edited by hand"


def test_readme_shows_the_published_numbers():
    assert tables.readme_block(paths.published()) in (paths.ROOT / "README.md").read_text()


def test_every_record_is_whole():
    assert RECORDS
    for folder in RECORDS:
        assert {file.name for file in folder.iterdir()} == set(KEPT)
        assert read_record(folder)["status"] == "finished"
        assert read_record(folder)["budget"] != "smoke"
