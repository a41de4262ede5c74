"""The report: one HTML file that holds tables, plots and records, and needs nothing else."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from preference import browser
from support.made_up_runs import make_up

from replicate import paths
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import make_run
from replicate.report import mailing

TABLE = "# tiny_set, budget laptop\n\n| method | KID |\n|---|---|\n| <b>aggan</b> | 0.0123 |\n"
LARGEST = 5e6  # bytes with next to nothing inside; Snakemake's own page is about 3 MB


@pytest.fixture
def results(workspace):
    """A results folder with one table, two plots and two runs, one of which failed."""
    for kind in ("tables", "plots"):
        (paths.results() / kind / "laptop").mkdir(parents=True)
    (paths.results() / "tables" / "laptop" / "tiny_set.md").write_text(TABLE)
    noise = np.random.default_rng(0).integers(0, 256, (40, 2000, 3), np.uint8)
    for name in ("tiny_set-mejjati2018aggan-losses", "tiny_set-scores"):
        Image.fromarray(noise).save(paths.results() / "plots" / "laptop" / f"{name}.png")
    about = {"commit": "c0ffee" * 7, "dirty": True, "hash": "1234abcd"}
    for seed, status in enumerate(("finished", "failed")):
        run = make_run("aggan", "horse2zebra", seed, "laptop")
        make_up(run, status, **about, reason="no <space>" if seed else "")
    return paths.results()


def test_the_report_is_one_file_with_everything_in_it(results, tmp_path):
    file = mailing.report("laptop")
    assert file == results / "report-laptop.html" and file.stat().st_size < LARGEST
    text = file.read_text()
    for part in (
        "Replications of five papers", "Tables", "Plots", "Records", "mejjati2018aggan losses",
        "Losses of mejjati2018aggan on tiny_set", "Scores on tiny_set",
    ):  # fmt: skip
        assert part in text, part
    if not browser.PROGRAM:
        pytest.skip("no browser here; the content was checked")
    opened = browser.Browser(tmp_path)
    try:
        page = opened.open(file)
        page.until("document.body.innerText.includes('Replications of five papers')")
        words = page.text("body")
        assert all(word in words for word in ("Tables", "Plots", "Records"))
        assert browser.foreign(page.requests) == []
    finally:
        opened.stop()


def test_pages_hold_the_numbers_and_the_records(results, tmp_path):
    folders = mailing.find_runs(results, "laptop")
    mailing._write_pages(results, "laptop", folders, tmp_path / "pages")
    table = (tmp_path / "pages" / "tables" / "tiny_set.html").read_text()
    assert table.startswith("<!DOCTYPE html>") and "<td>0.0123</td>" in table
    records = (tmp_path / "pages" / "runs.html").read_text()
    assert "2 runs" in records and "aggan on horse2zebra, seed 1 (laptop)" in records
    assert "failed no &lt;space&gt;" in records and "c0ffeec0ff + changes" in records
    with Image.open(tmp_path / "pages" / "plots" / "tiny_set-scores.jpg") as small:
        assert small.size == (1600, 32)  # of 2000 x 40
    about = json.loads((tmp_path / "pages" / "about.json").read_text())
    assert about["tiny_set-mejjati2018aggan-losses"]["kind"] == "mejjati2018aggan losses"
    assert re.search("^Scores on tiny_set", about["tiny_set-scores"]["about"])


def test_nothing_to_report_is_told(workspace):
    with pytest.raises(ReplicateError, match=r"no run of budget paper in .*--published takes"):
        mailing.report("paper")
    with pytest.raises(UnknownName, match="did you mean 'laptop'"):
        mailing.report("labtop")
