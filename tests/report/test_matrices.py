"""Between more than two domains: which picture stands where, of a run and of its record."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.lab.run import COLUMNS, make_run
from replicate.records import MATRIX, SHEET
from replicate.report import plots, tables
from replicate.report.plots import matrices
from replicate.report.plots.records import kept
from replicate.report.tables.frames import STATE

SIDE, DOMAINS = 4, ["horse", "zebra", "cat", "dog"]


def plain(grey: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), grey, np.uint8)


@pytest.fixture(params=[False, True], ids=["no maps", "maps"])
def run(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run on four domains; an input of domain k is 10 k, 10 k + t as the domain t."""
    halves = {"A": [0, 2, 2, 0], "B": [1, 3, 1, 3]}  # labels in the order of the files
    arrays = {X: np.stack([plain(10 * k) for k in labels]) for X, labels in halves.items()}
    arrays |= {f"{X}_label": np.array(labels) for X, labels in halves.items()}
    names = {X: [f"{X}{i}.jpg" for i in range(4)] for X in halves}
    test = packed.ImageSet("animals", "test", SIDE, ("horse", "zebra"), False, arrays, names, {})
    monkeypatch.setattr(packed, "load", lambda *args, **more: test)
    made = make_run("stargan", "animals", 0, "laptop")
    folder = made.folder_in(tmp_path)
    for X, labels in halves.items():
        for i, k in enumerate(labels):
            for t in set(range(4)) - {k}:
                place = folder / "outputs" / f"{DOMAINS[k]}2{DOMAINS[t]}"
                (place / "attention").mkdir(parents=True, exist_ok=True)
                Image.fromarray(plain(10 * k + t)).save(place / f"{X}{i}.png")
                Image.fromarray(plain(100 + t)).save(place / "attention" / f"{X}{i}.png")
                if not request.param:
                    (place / "attention" / f"{X}{i}.png").unlink()
                    (place / "attention").rmdir()
    Image.fromarray(np.zeros((4 * SIDE, 8 * SIDE, 3), np.uint8)).save(folder / SHEET)
    state = {
        "label": made.label,
        "hash": made.hash,
        "status": "finished",
        "hours": 0.1,
        "iterations": 2,
    }
    state |= {"fingerprint": {}, "commit": "a" * 40, "dirty": False, "device": "cpu"}
    (folder / "run.json").write_text(json.dumps(made.identity() | state | {"precision": "fp32"}))
    return folder


def test_a_record_shows_inputs_by_the_domain_they_become(run, monkeypatch):
    with_maps = any(run.rglob("attention"))
    (record,) = kept(run.parents[3], "laptop")
    heading, rows = matrices.of_record(record)
    assert heading == "animals, stargan, seed 0: input, as horse, as zebra, as cat, as dog"
    lines = [name for domain in DOMAINS for name in (domain, "  attention")[: 1 + with_maps]]
    assert [name for name, _ in rows] == lines
    for k, (_, tiles) in enumerate(rows[:: 1 + with_maps]):
        line = [10 * k, *(255 if t == k else 10 * k + t for t in range(4))]
        assert [tile.mean() for tile in tiles] == line * 2  # both inputs of the domain
    for k, (_, tiles) in enumerate(rows[1::2] if with_maps else []):
        line = [255, *(255 if t == k else 100 + t for t in range(4))]
        assert [tile.mean() for tile in tiles] == line * 2
    (run / MATRIX).write_bytes(matrices.drawn(run))
    monkeypatch.setattr(packed, "load", lambda *args, **more: pytest.fail("no image is needed"))
    again_heading, again = matrices.of_record(record)
    assert again_heading == heading
    for (name, tiles), (other, others) in zip(rows, again, strict=True):
        assert name == other and np.array_equal(tiles, others)
    assert plots.gallery([record]).texts[0].get_text() == heading


def test_without_its_images_a_run_is_shown_by_its_sheet(run, monkeypatch):
    def absent(*args, **more):
        raise ReplicateError("no such images")

    monkeypatch.setattr(packed, "load", absent)
    assert matrices.drawn(run) is None
    figure = plots.gallery(kept(run.parents[3], "laptop"))
    assert "horse->zebra, seed 0" in [text.get_text() for text in figure.texts]


def test_scores_stand_by_the_domain_that_inputs_become():
    ways = [(a, b) for a in range(4) for b in range(4) if a != b]
    rows = [
        {"method": "stargan", "variant": "", "dataset": "animals", "seed": 0, "value": 10 * a + b,
         "direction": f"{DOMAINS[a]}->{DOMAINS[b]}", "metric": "fid", "floor": b,
         "protocol": "fid/efficientnet-lite0", "budget": "laptop", "do_nothing": 40 + a + b,
         "extractor": "efficientnet-lite0", "n_real": 9, "n_fake": 9}
        for a, b in ways
    ]  # fmt: skip
    frame = pd.DataFrame(rows).reindex(columns=[*COLUMNS, *STATE], fill_value="")
    frame = frame.assign(name="stargan", note="", stale=False, settings="{}")
    (table,) = tables.main(frame)
    assert list(table.columns[2:]) == ["method", "input", *(f"to {name}" for name in DOMAINS)]
    lines = {(row[2], row[3]): list(row[4:]) for row in table.itertuples(index=False)}
    assert next(iter(lines)) == ("real vs real", "any") and len(lines) == 1 + 4 + 4
    assert lines["real vs real", "any"] == ["0.00", "1.00", "2.00", "3.00"]
    assert lines["do nothing", "cat"] == ["42.00", "43.00", "", "45.00"]
    assert lines["stargan", "zebra"] == [
        "10.00 (1 seed)", "", "12.00 (1 seed)", "13.00 (1 seed)",
    ]  # fmt: skip
