"""The table of a budget: what stands in a cell, and what is refused."""

import json
from math import inf, nan
from pathlib import Path

import pandas as pd
import pytest

from replicate.errors import ReplicateError, UnknownName
from replicate.lab.run import make_run
from replicate.report import tables
from replicate.report.tables.catalogue import SHARE, column
from replicate.report.tables.frames import with_share

BOTH = ("horse->zebra", "zebra->horse")
KID = column("kid", "kid/standin")
IOU = column("attention_iou", "attention/iou-0.5")
BACKGROUND = column("background_psnr", "background/psnr")


def cell(table: pd.DataFrame, method: str, name: str, direction: str = BOTH[0]) -> str:
    heading = next(c for c in table.columns if c.startswith("method"))
    found = table[(table[heading] == method) & (table["direction"] == direction)]
    return found[name].item()


def test_a_cell_is_mean_sd_and_n(root: Path) -> None:
    table = tables.summary(tables.scores(root))
    # 0.50, 0.51, 0.52: mean 0.51, sample sd 0.01
    assert cell(table, "aggan", IOU) == "0.510 ± 0.010 (3)"
    assert cell(table, "aggan", column(SHARE, "attention/iou-0.5")) == "0.73 ± 0.01 (3)"  # / 0.7
    assert cell(table, "aggan:whole-image-d", IOU) == "0.350 (1 seed)"
    assert cell(table, "cyclegan", KID) == "0.0300 ± 0.0000 (3)"
    assert cell(table, "aggan", BACKGROUND) == "26.0 ± 1.0 (3)"
    assert cell(table, "cyclegan", IOU) == "-"
    assert cell(table, "cyclegan", column("kid", "kid/inception")) == "not computed"


def test_a_column_says_where_images_are_too_few(records) -> None:
    rows = [records.score("fid", "fid/standin", 1.0), *records.usual(0.03, None)]
    notes = {f"{d} fid/standin": "rank-deficient, n=132; floor: ..." for d in BOTH}
    records.add("cyclegan", 0, rows, notes=notes)
    table = tables.summary(tables.scores(records.root))
    assert "FID ↓ (fid/standin), rank-deficient, n=132" in table and KID in table


def test_every_cell_that_rests_on_pseudo_masks_says_so(records) -> None:
    notes = {f"{d} attention/iou-0.5": "pseudo masks, made by a segmenter" for d in BOTH}
    records.add("aggan", 0, records.usual(0.03, 0.5), dataset="horse2zebra", notes=notes)
    records.add("aggan", 0, records.usual(0.03, 0.5))
    table = tables.summary(tables.scores(records.root))
    (heading,) = (name for name in table if name.startswith(IOU))
    assert heading == f"{IOU}, pseudo masks, made by a segmenter"
    real = table["dataset"] == "horse2zebra"
    aggan = table["method"] == "aggan"
    assert set(table.loc[real & aggan, heading]) == {"0.500 (1 seed), pseudo masks"}
    assert set(table.loc[~real & aggan, heading]) == {"0.500 (1 seed)"}
    idle = table.loc[real & (table["method"] == "do nothing"), heading]
    assert set(idle) == {"0.140, pseudo masks"}
    assert not table[KID].str.contains("pseudo").any()
    spent = tables.cost(tables.scores(records.root), records.root)
    (share,) = (name for name in spent if name.startswith("share of the IoU ceiling"))
    said = spent.set_index("dataset")[share].str.endswith(", pseudo masks")
    assert said["horse2zebra"].all() and not said["horse2zebra_drawn"].any()


def test_references_stand_above_methods_in_the_order_of_their_papers(root: Path) -> None:
    table = tables.summary(tables.scores(root))
    methods = ["real vs real", "do nothing", "cyclegan", "aggan", "aggan:whole-image-d"]
    assert list(table["method"]) == methods * 2
    assert cell(table, "real vs real", KID) == "0.0001"
    assert cell(table, "do nothing", KID) == "0.0200"
    assert cell(table, "do nothing", BACKGROUND) == "identical"
    assert cell(table, "real vs real", IOU) == "-"
    assert cell(table, "do nothing", column(SHARE, "attention/iou-0.5")) == "0.20"  # 0.14 / 0.7


def test_infinite_psnr_is_identical(tmp_path: Path, records) -> None:
    for seed, value in enumerate([inf, inf, 30.0]):
        row = records.score("background_psnr", "background/psnr", value)
        records.at(tmp_path / "some").add("aggan", seed, [row])
        row = records.score("background_psnr", "background/psnr", inf)
        records.at(tmp_path / "all").add("aggan", seed, [row])
    some = tables.summary(tables.scores(tmp_path / "some"))
    assert cell(some, "aggan", BACKGROUND) == "30.0 (1 seed), identical in 2"
    assert cell(tables.summary(tables.scores(tmp_path / "all")), "aggan", BACKGROUND) == "identical"


def test_columns_can_be_chosen_but_not_mixed(root: Path) -> None:
    scores = tables.scores(root)
    chosen = tables.summary(scores, ["background_psnr", "kid/standin", SHARE])
    assert list(chosen.columns[3:]) == [BACKGROUND, KID, column(SHARE, "attention/iou-0.5")]
    with pytest.raises(ReplicateError, match="mixes protocols kid/standin and kid/inception"):
        tables.summary(scores, ["kid"])
    with pytest.raises(UnknownName, match="did you mean 'kid/standin'"):
        tables.summary(scores, ["kid/stand"])


def test_budgets_do_not_mix_and_smoke_enters_no_table(root: Path, records) -> None:
    records.add("aggan", 0, records.usual(0.1, 0.1), budget="smoke")
    with pytest.raises(ReplicateError, match="budgets laptop and smoke in one table"):
        tables.summary(tables.scores(root))
    smoke = tables.scores(root, "smoke")
    with pytest.raises(ReplicateError, match="smoke runs prove that the code executes"):
        tables.summary(smoke)
    with pytest.raises(ReplicateError, match="smoke"):
        tables.write(root, "smoke")
    assert "method (smoke run: it executes, no result)" in tables.summary(smoke, smoke=True)
    assert len(tables.summary(tables.scores(root, "laptop"))) == 10
    with pytest.raises(ReplicateError, match="no finished run to show"):
        tables.summary(tables.scores(root, "paper"))


def test_extractors_do_not_mix(root: Path, records) -> None:
    other = [row | {"extractor": "standin-v2@0"} for row in records.usual(0.05, 0.5)[:1]]
    records.add("aggan", 3, other)
    with pytest.raises(ReplicateError, match=r"mixes the extractors standin-v1.* and standin-v2@0"):
        tables.summary(tables.scores(root))  # within one method


def test_extractors_do_not_mix_in_a_column(tmp_path: Path, records) -> None:
    row = records.score("kid", "kid/standin", 0.1)
    records.add("aggan", 0, [row])
    records.add("cyclegan", 0, [row | {"extractor": "standin-v2@0"}])
    with pytest.raises(ReplicateError, match=r"column KID ↓ \(kid/standin\) mixes the extractors"):
        tables.summary(tables.scores(tmp_path))


def test_rows_without_a_value_have_no_extractor_to_mix(tmp_path: Path, records) -> None:
    row = records.score("kid", "kid/standin", 0.1)
    empty = row | {"value": None, "extractor": "standin-v2@0"}
    records.add("aggan", 0, [row])
    records.add("aggan", 1, [empty])
    records.add("cyclegan", 0, [empty])
    assert "0.1000 (1 seed)" in tables.summary(tables.scores(tmp_path)).to_string()


def test_configurations_do_not_mix(root: Path, records) -> None:
    folder = records.add("aggan", 3, records.usual(0.05, 0.5))
    old = json.loads((folder / "run.json").read_text())
    old["config"]["lr"] = 0.5
    (folder / "run.json").write_text(json.dumps(old))
    with pytest.raises(ReplicateError, match=r"two configurations: lr=0.0004 and lr=0.5 \(runs"):
        tables.scores(root)


def test_overrides_are_a_row_of_their_own(root: Path, records) -> None:
    records.add("aggan", 0, records.usual(0.2, 0.2), overrides={"lambda_cyc": 5.0})
    table = tables.summary(tables.scores(root))
    assert cell(table, "aggan+lambda_cyc=5.0", KID) == "0.2000 (1 seed)"
    assert cell(table, "aggan", KID) == "0.0600 ± 0.0100 (3)"


def test_stale_runs_are_marked_and_unfinished_ones_left_out(root: Path, records) -> None:
    records.add("aggan", 3, records.usual(9, 9), status="running")
    aside = records.add("aggan", 4, records.usual(9, 9))
    aside.rename(aside.with_name(aside.name + ".stale-1700000000"))
    records.add("cyclegan", 3, records.usual(0.03, None), fingerprint={"code": "old", "data": ""})
    table = tables.summary(tables.scores(root))
    assert cell(table, "aggan", KID) == "0.0600 ± 0.0100 (3)"
    assert cell(table, "cyclegan", KID) == "0.0300 ± 0.0000 (4) (stale)"


def test_of_runs_reads_this_machines_results(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_RESULTS", str(root))
    runs = [make_run("aggan", "horse2zebra_drawn", seed, "laptop") for seed in (0, 7)]
    assert set(tables.of_runs(runs)["hash"]) == {runs[0].hash}
    everything = tables.scores(root)
    same = everything[everything["hash"] == runs[0].hash].reset_index(drop=True)
    pd.testing.assert_frame_equal(tables.of_runs(runs), same)


def test_share_divides_seed_by_seed() -> None:
    key = {"name": "a", "dataset": "d", "direction": "x->y", "protocol": "attention/iou-0.5"}
    rows = [
        key | {"seed": seed, "hash": str(seed), "metric": metric, "value": value, "floor": nan,
               "do_nothing": 0.1}
        for seed, iou, ceiling in ((0, 0.3, 0.6), (1, 0.6, 0.8))
        for metric, value in (("attention_iou", iou), ("attention_iou_ceiling", ceiling))
    ]  # fmt: skip
    shared = with_share(pd.DataFrame(rows))
    assert list(shared.loc[shared["metric"] == SHARE, "value"]) == pytest.approx([0.5, 0.75])
    assert "attention_iou_ceiling" not in set(shared["metric"])


def test_runs_of_two_sizes_on_one_set_stand_apart(tmp_path: Path, records) -> None:
    for name, kid in (("cyclegan", 0.1), ("spatial_guidance_paired", 0.2)):  # 256 and 128 px
        rows = [records.score("kid", "kid/standin", kid, floor=kid / 10)]
        records.add(name, 0, rows, "paper", "facades")
    table = tables.summary(tables.scores(tmp_path))
    shown = table[table["method"] == "real vs real"].set_index("dataset")[KID]
    assert set(shown.index) == {"facades at 256 px", "facades at 128 px"}
    assert set(shown.loc["facades at 128 px"]) == {"0.0200"}
