"""Figures from records alone: which tile stands where, which seed, the same bytes twice."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.evaluation import TILES
from replicate.lab.run import COLUMNS, make_run
from replicate.report import plots, tables
from replicate.report.plots.records import Kept, common_seed, gallery, is_as_printed, kept, strip
from replicate.report.tables.catalogue import FIRST_IMAGES

SIDE = 8  # px


def sheet_of(*greys: int) -> Image.Image:
    """A sheet whose rows have one grey each, its first tile one less than the others."""
    rows = np.full((len(greys), SIDE, TILES, SIDE, 3), 0, np.uint8)
    for row, grey in zip(rows, greys, strict=True):
        row[:] = grey
        row[:, 0] = grey - 1
    return Image.fromarray(rows.reshape(len(greys) * SIDE, TILES * SIDE, 3))


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CycleGAN without maps and AGGAN with them, seeds 0 and 1; AGGAN's seed 2, U-GAT-IT's 1."""
    arrays = {f"{X}_ideal": np.full((9, SIDE, SIDE, 3), 30, np.uint8) for X in "AB"}
    about = ("horse2zebra_drawn", "test", SIDE, ("horse", "zebra"), False, arrays, {}, {})
    monkeypatch.setattr(packed, "load", lambda *args, **more: packed.ImageSet(*about))
    for name, seed in [("cyclegan", 0), ("cyclegan", 1), ("aggan", 0), ("aggan", 1), ("aggan", 2),
                       ("ugatit", 1), ("aggan:whole-image-d", 1)]:  # fmt: skip
        add(tmp_path, name, seed)
    return tmp_path


def add(
    root: Path,
    name: str,
    seed: int,
    overrides: dict | None = None,
    dataset: str = "horse2zebra_drawn",
) -> None:
    run = make_run(name, dataset, seed, "laptop", overrides)
    folder = run.folder_in(root)
    folder.mkdir(parents=True)
    state = {"label": run.label, "hash": run.hash, "status": "finished", "hours": 0.1 + seed}
    state |= {"fingerprint": {"code": "", "data": ""}, "commit": "a" * 40, "dirty": False}
    state |= {"iterations": 2, "device": "cpu"}
    state |= {"precision": "fp32", "images_per_second": 4.0 + seed, "peak_memory_mb": 900 + seed}
    (folder / "run.json").write_text(json.dumps(run.identity() | state))
    greys = (10, 100, 50, 20, 200, 60) if name != "cyclegan" else (10, 70, 20, 80)
    sheet_of(*greys).save(folder / "translations.png")
    (folder / "curves.csv").write_text("iteration,adv_A\n1,2.0\n2,3.0\n")
    rows = [
        {"direction": d, "metric": "kid", "protocol": "kid/standin", "value": 0.01 * (seed + 1)}
        for d in ("horse->zebra", "zebra->horse")
    ]
    shared = dict.fromkeys(COLUMNS, "") | {"seed": seed, "iteration": 1, "n_fake": 9}
    shared |= {"method": run.method, "variant": run.label, "dataset": run.dataset}
    frame = pd.DataFrame([shared | {"budget": "laptop"} | row for row in rows])
    frame.to_csv(folder / "scores.csv", index=False)


def rows_of(picture: plots.picture.Picture) -> list[np.ndarray]:
    """The grey of each tile's first pixel, a row a line."""
    lines = []
    for axes in picture.axes:
        image = np.asarray(axes.images[0].get_array())
        side = image.shape[0] + 2  # the gap at its right
        lines.append(image[0, ::side, 0])
    return lines


def test_a_gallery_has_translations_and_maps_of_both_directions_in_a_row(records: Path) -> None:
    picture = gallery(kept(records, "laptop"), images=2)
    white = [255, 255]
    shown = [list(line) for line in rows_of(picture)]
    assert shown == [
        [9, 10, *white, 19, 20, *white],
        [30, 30, *white, 30, 30, *white],
        [69, 70, *white, 79, 80, *white],
        [49, 50, 99, 100, 59, 60, 199, 200],
        [49, 50, 99, 100, 59, 60, 199, 200],
        [49, 50, 99, 100, 59, 60, 199, 200],
    ]
    texts = [text.get_text() for text in picture.texts if text.get_text()]
    assert texts[:5] == ["seed 1", "horse->zebra", "attention", "zebra->horse", "attention"]
    assert texts[5:] == ["input", "ideal", "cyclegan", "aggan", "aggan:whole-image-d", "ugatit"]
    wide = [text.get_text() for text in gallery(kept(records, "laptop"), images=3).texts]
    assert "horse->zebra, seed 1" in wide and "seed 1" not in wide


def test_without_any_map_no_room_is_left_for_maps(records: Path) -> None:
    alone = [record for record in kept(records, "laptop") if record.method == "cyclegan"]
    assert [len(line) for line in rows_of(gallery(alone, images=3))] == [6, 6, 6]


def test_a_strip_has_a_column_a_method(records: Path) -> None:
    whole = [record for record in kept(records, "laptop") if record.name == record.method]
    rows = [list(line) for line in rows_of(strip(whole, images=2))]
    assert rows[0] == [9, 30, 69, 49, 49] and rows[2] == [10, 30, 70, 50, 50]
    assert rows[1] == [255, 255, 255, 99, 99] and rows[3] == [255, 255, 255, 100, 100]


def test_the_first_picture_leaves_out_what_was_tried_with_fewer_seeds(records: Path) -> None:
    plots.write(records, "laptop")
    peers = [record for record in kept(records, "laptop") if record.name in ("cyclegan", "aggan")]
    expected = plots.save(strip(peers), records / "expected.png").read_bytes()
    first = records / "plots" / "laptop" / "horse2zebra_drawn-first.png"
    assert first.read_bytes() == expected  # without U-GAT-IT, of which there is one seed


def test_photographs_have_a_picture_of_the_first_two_of_the_split(records: Path) -> None:
    for name in ("cyclegan", "aggan", "aggan:whole-image-d"):
        add(records, name, 0, dataset="horse2zebra")
    own = [record for record in kept(records, "laptop") if record.dataset == "horse2zebra"]
    whole = [record for record in own if is_as_printed(record)]
    picture = strip(whole, FIRST_IMAGES["horse2zebra"])
    assert [list(row) for row in rows_of(picture)] == [
        [9, 69, 49], [255, 255, 99], [10, 70, 50], [255, 255, 100],
    ]  # fmt: skip
    texts = [text.get_text() for text in picture.texts]
    assert texts[1:4] == ["input", "cyclegan", "aggan"]
    assert records / "plots/laptop/horse2zebra-first.png" in plots.write(records, "laptop")


def test_the_seed_shown_is_the_one_that_the_most_methods_have() -> None:
    def of(*seeds: int) -> list[Kept]:
        return [Kept(Path(), "aggan", "paper", "d", seed) for seed in seeds]

    assert common_seed(of(0, 1, 1, 2)) == 1 and common_seed(of(3, 2)) == 2
    with pytest.raises(ReplicateError, match="no record to show"):
        common_seed([])


def test_records_of_two_data_sets_are_no_gallery(records: Path) -> None:
    mixed = kept(records, "laptop")
    mixed.append(mixed[-1]._replace(dataset="facades", seed=1))
    with pytest.raises(ReplicateError, match="expected records of one"):
        gallery(mixed)


def test_runs_with_changed_settings_are_not_kept(records: Path) -> None:
    before = len(kept(records, "laptop"))
    add(records, "aggan", 3, {"lambda_cyc": 5.0})
    assert len(kept(records, "laptop")) == before == 7 and kept(records, "paper") == []


def test_cost_is_the_least_time_and_the_most_memory_over_seeds(records: Path) -> None:
    found = tables.costs(records, "laptop").set_index("name").loc["aggan"]
    assert (found["hours"], found["peak_memory_mb"], found["seeds"]) == (0.1, 902, 3)
    assert found["seconds_per_image"] == pytest.approx(1 / 6)  # the fastest: 4 + 2 images/s
    text = tables.cost(tables.scores(records), records).set_index(["direction", "method"])
    row = text.loc[("horse->zebra", "aggan")]
    assert row["hours"] == "0.10" and row["ms a training image"] == "167"
    assert row.iloc[1].startswith("0.0200 ± 0.0100 (3)")
    wide = tables.quality_and_cost(tables.scores(records), records).set_index(["direction", "name"])
    assert wide.loc[("zebra->horse", "aggan"), "kid/standin"] == pytest.approx(0.02)


def test_hours_beside_other_work_are_marked_and_what_nobody_can_tell_is_said(records) -> None:
    scores = tables.scores(records)
    (said,) = [
        part for part in tables.cost_page(scores, records).parts if "no processor" in str(part)
    ]
    assert said.startswith("Of all 7 runs no processor time is on record")
    for file in (records / "runs" / "horse2zebra_drawn" / "aggan").glob("paper-*/run.json"):
        record = json.loads(file.read_text())
        # seed 0, the quickest, took 0.1 h by the clock and half of it of the processor
        used = record["hours"] / (2.0 if record["seed"] == 0 else 1.0)
        file.write_text(json.dumps(record | {"threads": 1, "processor_hours": used}))
    text = tables.cost(scores, records).set_index(["direction", "method"])["hours"]
    assert text["horse->zebra", "aggan"] == "0.10 (busy)"
    assert "(" not in text["zebra->horse", "cyclegan"]
    (said,) = [
        part for part in tables.cost_page(scores, records).parts if "no processor" in str(part)
    ]
    assert "aggan on horse2zebra_drawn, 2.0 times. Of 4 of 7 runs" in said


def test_cost_takes_the_mean_over_the_directions_between_many_domains(records: Path) -> None:
    scores = tables.scores(records)
    way, other = sorted(scores["direction"].unique())
    third = scores[scores["direction"] == way].assign(direction="zebra->cat")
    third["value"] *= 4
    of_two = tables.quality_and_cost(scores, records).set_index(["direction", "name"])
    wide = tables.quality_and_cost(pd.concat([scores, third]), records).set_index("name")
    assert set(wide["direction"]) == {"mean of 3 directions"}
    value = of_two["kid/standin"]
    for name in wide.index:
        mean = (value[way, name] * 5 + value[other, name]) / 3
        assert wide.loc[name, "kid/standin"] == pytest.approx(mean)
    text = tables.cost(pd.concat([scores, third]), records)
    assert len(text) == len(wide) == len(text["method"].unique())


def test_cost_draws_both_directions_of_one_data_set(records: Path) -> None:
    frame = tables.quality_and_cost(tables.scores(records), records)
    picture = plots.cost(frame)
    hours, memory = picture.axes
    xs = sorted(x for point in hours.lines for x in point.get_xdata())
    assert xs == pytest.approx([0.1] * 4 + [1.1] * 4)  # U-GAT-IT and the variant have seed 1 alone
    assert hours.get_yscale() == "linear" and memory.get_xlabel() == "peak memory, MB"
    apart = frame.assign(**{"kid/standin": np.geomspace(0.01, 0.2, len(frame))})  # over a decade
    assert plots.cost(apart).axes[0].get_yscale() == "symlog"
    with pytest.raises(ReplicateError, match="in one figure"):
        plots.cost(pd.concat([frame, frame.assign(dataset="other")]))


def test_the_plots_of_a_budget_are_written_from_records_alone(records: Path) -> None:
    with pytest.raises(ReplicateError, match="no plot of them is kept"):
        plots.write(records, "smoke")
    assert plots.write(records / "empty", "laptop") == []
    files = plots.write(records, "laptop")
    folder = records / "plots" / "laptop"
    kinds = [f"{paper}-{kind}" for paper in ("mejjati2018aggan", "kim2020ugatit")
             for kind in ("losses", "translations")]  # fmt: skip
    kinds += ["gallery", "scores", "cost"]
    expected = [folder / f"horse2zebra_drawn-{kind}.png" for kind in kinds]
    assert files == [*expected, folder / "horse2zebra_drawn-first.png"]
    for file in files:
        with Image.open(file) as picture:
            assert picture.width <= 1600
    before = [file.read_bytes() for file in files]
    plots.write(records, "laptop")
    assert [file.read_bytes() for file in files] == before


def test_a_record_keeps_the_curves_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text("iteration,adv_A\n7,0.5\n14,\n")
    found = plots.curves(tmp_path)
    assert list(found["iteration"]) == [7, 14] and found["adv_A"].tolist()[0] == 0.5
    (tmp_path / "losses.csv").write_text("iteration,adv_A\n1,2.0\n")
    assert list(plots.curves(tmp_path)["adv_A"]) == [2.0]  # the log itself, where it is
