"""Tables as files, the README block, and the tables about runs, networks and data."""

from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.report import tables
from replicate.report.tables.catalogue import column
from replicate.report.tables.writing import command

BOTH = ("horse->zebra", "zebra->horse")
KID = column("kid", "kid/standin")
IOU = column("attention_iou", "attention/iou-0.5")
BACKGROUND = column("background_psnr", "background/psnr")


def test_files_are_the_same_bytes_twice(root: Path) -> None:
    files = tables.write(root, "laptop")
    page, latex, table, rows = files[:4]
    first = [file.read_bytes() for file in files]
    assert page == root / "tables" / "laptop" / "horse2zebra_drawn.md"
    assert [p.read_bytes() for p in tables.write(root, "laptop")] == first
    assert [p.suffix for p in (latex, rows)] == [".tex", ".json"]
    text = first[0].decode()
    assert "| aggan               | 0.0600 ± 0.0100 (3) |" in text
    assert "Not computed: `kid/inception` (Inception weights not found)." in text
    assert "/home" not in text and str(root) not in text
    assert "aaaaaaaaaa+" in text and "standin-v1@2ca402d6" in text
    repeat = "train aggan:whole-image-d --data horse2zebra_drawn --seed 0 --budget laptop"
    assert f"`replicate {repeat}`" in text
    cells = pd.read_csv(table).set_index(["direction", "method", "variant", "metric", "protocol"])
    row = cells.loc[(BOTH[0], "aggan", "paper", "attention_iou", "attention/iou-0.5")]
    assert row["value"] == pytest.approx(0.51) and row["sd"] == pytest.approx(0.01)
    assert row["n"] == 3


def test_a_missing_score_is_a_dash(root: Path) -> None:
    for folder in (root / "runs").glob("*/cyclegan/*"):
        lines = (folder / "scores.csv").read_text().splitlines(keepends=True)
        kept = [line for line in lines if ",background_psnr," not in line]
        (folder / "scores.csv").write_text("".join(kept))
    table = tables.summary(tables.scores(root), ["background_psnr"])
    assert set(table.loc[table["method"] == "cyclegan", BACKGROUND]) == {"-"}
    page = tables.write(root, "laptop")[0].read_text()
    row = next(line for line in page.splitlines() if line.startswith("| cyclegan "))
    assert "| 0 " not in row and "nan" not in page


def test_runs_table_shows_what_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked
) -> None:
    monkeypatch.setenv("REPLICATE_RESULTS", str(tmp_path))
    table = tables.runs_table(asked(methods=["aggan"], seeds=[0, 1]).runs())
    assert list(table["state"]) == ["missing", "missing"] and set(table["hours"]) == {"-"}


def test_networks_are_those_of_the_papers_and_of_the_budget(asked) -> None:
    counts = tables.networks(asked(methods=["aggan"], budget="smoke")).set_index("network")
    # papers/aggan.md 2.4, counted in the official code
    assert list(counts["paper"]) == ["104,001", "2,855,811", "2,766,657"]
    assert set(counts["method"]) == {"aggan"} and len(counts) == 3
    assert counts.loc["A", "smoke"] == "2,249"


def test_data_tells_what_is_known_of_a_set(monkeypatch: pytest.MonkeyPatch, asked) -> None:
    def load(name: str, split: str, size: int, **more: object) -> ImageSet:
        arrays = {"A": np.zeros((5, 2)), "B": np.zeros((4, 2))}
        if split == "test":
            arrays = {"A": np.zeros((2, 2)), "B": np.zeros((1, 2)), "A_mask": np.zeros((2, 2))}
        return ImageSet(name, split, size, ("horse", "zebra"), False, arrays, {}, {"size": size})

    monkeypatch.setattr(packed, "load", load)
    row = tables.data(asked(methods=["aggan", "cyclegan"], budget="smoke")).iloc[0]
    assert (row["A"], row["B"], row["paired"], row["size"]) == ("horse", "zebra", "no", "32 / 32")
    assert (row["train"], row["test"], row["truth"]) == ("5 + 4", "2 + 1", "A_mask")
    assert len(row["fingerprint"]) == 16 and "scikit-image" in row["source"]


def test_deviations_are_those_of_every_method_once_and_the_paper_s_own_come_first(asked) -> None:
    methods = ["cyclegan", "spatial_guidance", "spatial_guidance:tam", "spagan"]
    frame = tables.deviations(asked(methods=methods, paper="lin2021spatial"))
    assert list(frame.columns) == ["what", "paper", "official code", "here"]
    owners = [what.partition("/")[0] for what in frame["what"]]
    assert list(dict.fromkeys(owners)) == ["spatial_guidance", "cyclegan", "spagan"]
    assert frame["what"].is_unique and frame.map(bool).all(axis=None)
    shown = frame.set_index("what").loc["spatial_guidance/buffer-start"]
    assert (shown["paper"], shown["here"]) == ("not stated", "1")


def test_command_repeats_a_run() -> None:
    assert (
        command("aggan", "d", 1, "paper")
        == "replicate train aggan --data d --seed 1 --budget paper"
    )
    asked = command("aggan+lr=0.1,ngf=8", "d", 0, "laptop")
    assert asked.endswith("train aggan --data d --seed 0 --budget laptop --set lr=0.1 --set ngf=8")


def test_markdown_pads_escapes_and_dashes() -> None:
    frame = pd.DataFrame({"a|b": ["x", None], "value": [1.5, nan]})
    text = "| a\\|b | value |\n| ---- | ----- |\n| x    | 1.5   |\n| -    | -     |\n"
    assert tables.to_markdown(frame) == text
