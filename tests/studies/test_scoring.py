"""Translations by their classes: real images reach the ceiling, one class everywhere the floor."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from support import originals
from support.houses import LABEL_COLOURS, PHOTO_COLOURS, SIDE, drawn_classes

from replicate import checkpoint, paths, studies
from replicate.datasets import palettes
from replicate.datasets.recipes.preparing import prepare
from replicate.errors import ReplicateError
from replicate.lab.run import make_run
from replicate.metrics.segmentation import CLASSES, IGNORED, PALETTE
from replicate.studies import pixel_segmentation as segmenters
from replicate.studies.pixel_classes import absent, photographs, truth
from replicate.studies.pixel_segmentation import (
    FLOOR,
    LABELS,
    PHOTOGRAPHS,
    Settings,
    measured,
    of_run,
    references,
    segment,
    segmenter,
)

QUICK = {"iterations": 2, "batch_size": 4, "lr": 1e-2, "width": 4}
SCORES = ["pixel accuracy ↑", "class accuracy ↑", "class IoU ↑"]


def quick(houses: str, **changes: object) -> Settings:
    return Settings(houses, SIDE, **QUICK | changes)


def test_the_truth_is_what_was_drawn(houses: str) -> None:
    classes = drawn_classes("test")
    assert (truth(houses, "test") == classes).all()  # rectangles of 12 px and more are solid
    half = truth(houses, "test", SIDE // 2)
    assert (half == classes[:, 1::2, 1::2]).all()  # of 2 px, the one whose centre is sampled
    assert (photographs(houses, "test", SIDE) == PHOTO_COLOURS[classes]).all()


def test_the_network_learns_what_colours_mean(houses: str) -> None:
    network, _ = segmenter(quick(houses, iterations=60))
    found = segment(network, photographs(houses, "test", SIDE))
    # every pixel's colour tells its class; one that learnt nothing has the wall's 0.82
    assert (found == drawn_classes("test")).mean() > 0.95


def test_the_same_settings_give_the_same_weights(
    houses: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, record = segmenter(quick(houses))
    monkeypatch.setenv("REPLICATE_RESULTS", str(workspace / "elsewhere"))
    torch.manual_seed(7)
    state = torch.get_rng_state()
    assert segmenter(quick(houses))[1]["sha256"] == record["sha256"]  # trained anew, bit for bit
    assert torch.equal(torch.get_rng_state(), state)
    assert segmenter(quick(houses, seed=1))[1]["sha256"] != record["sha256"]


def test_a_trained_network_is_kept_and_checked(
    houses: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = quick(houses)
    _, record = segmenter(settings)
    monkeypatch.setattr(segmenters, "_trained", None)  # training again would fail
    network, again = segmenter(settings)
    assert again == record
    assert checkpoint.weights_sha256(network.state_dict()) == record["sha256"]
    (file,) = workspace.rglob("record.json")
    file.write_text(json.dumps(record | {"sha256": "0" * 64}))
    with pytest.raises(ReplicateError, match=r"weights.pt is damaged .* expected 0000.* Delete "):
        segmenter(settings)


def test_scores_by_hand() -> None:
    true = np.array([[[0, 0, 0, 1], [1, IGNORED, 0, 0]]], np.uint8)
    found = np.array([[[0, 0, 1, 1], [0, 1, 0, 0]]], np.uint8)
    # 7 px count: class 0 has 5, of which 4 are found; class 1 has 2, of which 1; 1e-12 in the
    # denominators
    scores = measured(true, found, 2)[:3]
    assert scores == pytest.approx((5 / 7, (4 / 5 + 1 / 2) / 2, (4 / 6 + 1 / 3) / 2), rel=1e-9)


def test_real_images_reach_the_ceiling_and_one_class_the_floor(houses: str, scored) -> None:
    settings, classes = quick(houses), drawn_classes("test")
    beside = references(settings)
    wall = (classes == 0).mean()
    # 1e-12 in the denominators
    assert beside["A"][FLOOR][:2] == pytest.approx((wall, 1 / 3), rel=1e-9)
    assert beside["B"][LABELS][:3] == pytest.approx((1, 1, 1), rel=1e-9)
    real = of_run(scored(PHOTO_COLOURS[classes], LABEL_COLOURS[classes]), settings)
    assert real["B->A"][:3] == beside["A"][PHOTOGRAPHS][:3]
    assert real["A->B"][:3] == beside["B"][LABELS][:3]
    blank = np.broadcast_to(LABEL_COLOURS[0], (8, SIDE, SIDE, 3))
    flat = of_run(scored(PHOTO_COLOURS[classes], blank, seed=1), settings)
    assert flat["A->B"][:3] == beside["B"][FLOOR][:3]
    assert flat["A->B"].pixel_accuracy < real["A->B"].pixel_accuracy


def test_the_table_has_methods_between_their_references(scored) -> None:
    classes = drawn_classes("test")
    photos, labels = PHOTO_COLOURS[classes], LABEL_COLOURS[classes]
    blank = np.broadcast_to(LABEL_COLOURS[0], labels.shape)
    runs = [scored(photos, labels), scored(photos, blank, seed=1)]
    frame = studies.segmentation([*runs, make_run("aggan", "horse2zebra_drawn", 0, "smoke")])
    read = frame[frame["direction"] == "A->B"].iloc[:, 2:].to_numpy()
    assert read[:, 0].tolist() == [FLOOR, LABELS, "pix2pix"]
    wall = (classes == 0).mean()
    assert read[:, 1].tolist() == [
        f"{wall:.3f}",
        "1.000",
        f"{(1 + wall) / 2:.3f} ± {(1 - wall) / 2**0.5:.3f} (2)",
    ]
    assert frame.columns[2].startswith("method (smoke run") and list(frame.columns[3:]) == SCORES
    assert set(frame["direction"]) == {"A->B", "B->A"}


def test_without_a_labelled_run_the_table_is_empty(houses: str) -> None:
    frame = studies.segmentation([make_run("pix2pix", houses, 0, "smoke")])  # not scored
    assert frame.empty and list(frame.columns[2:]) == ["method", *SCORES]


def test_a_translation_that_is_missing_is_named(scored) -> None:
    classes = drawn_classes("test")
    run = scored(PHOTO_COLOURS[classes], LABEL_COLOURS[classes])
    (run.folder / "outputs" / "A2B" / "3.png").unlink()
    with pytest.raises(ReplicateError, match=r"1 of 8 images .* expected 3\.png"):
        studies.segmentation([run])


def test_bars_are_the_statistics_of_labels_and_maps(houses: str, scored) -> None:
    classes = drawn_classes("test")
    run = scored(PHOTO_COLOURS[classes], LABEL_COLOURS[classes], grey=204)  # 0.8 everywhere
    figure = studies.label_statistics([run], houses)
    widths = [[bar.get_width() for bar in axes.patches] for axes in figure.axes]
    assert len(widths) == 9  # labels, and each direction
    train = drawn_classes("train")
    shares = [(train == k).mean() for k in range(3)]
    assert widths[0] == [1, 1, 1] and widths[1] == pytest.approx(shares)  # float64 rounding
    assert widths[4] == widths[5] == [1, 1, 1]  # all pixels are crucial, so every class is aware
    assert len(studies.label_statistics([], houses).axes) == 3


def test_where_the_set_is_not_here_a_sentence_says_how_to_get_it(workspace: Path) -> None:
    assert "Run `replicate data get facades`" in absent([])
    assert (
        absent([make_run("pix2pix", "facades", 0, "smoke")]) == ""
    )  # its error is the one to tell
    (workspace / "data" / "facades").mkdir(parents=True)
    assert absent([]) == ""


def test_the_classes_of_cityscapes_are_those_of_its_label_ids(workspace, tmp_path, monkeypatch):
    """Stripes of 8 px of road, car and void, 64 x 32 px, at 256 px and at 32 px."""
    entry = palettes.load("cityscapes")
    assert entry.names == CLASSES and (entry.colours == PALETTE).all()
    prepare("cityscapes", originals.cityscapes(tmp_path / "originals"), "mini")
    monkeypatch.setattr(palettes, "_folder", lambda: tmp_path)
    text = (paths.ROOT / "data" / "palettes" / "cityscapes.toml").read_text()
    (tmp_path / "mini.toml").write_text(text)
    for side in (None, 32):
        found = truth("mini", "test", side)
        assert found.shape == (2, side or 256, side or 256)
        rows = [(0, 13, IGNORED)[(y // 3 + 1) % 3] for y in range(32)]  # road, car, void
        wanted = np.repeat(rows, (side or 256) // 32)
        assert (found[1] == wanted[:, None]).all()
    (workspace / "data" / "mini" / "labelIds" / "test" / "0001.png").unlink()
    with pytest.raises(ReplicateError, match=r"1 of 2 labelIds are not there .*0001\.png"):
        truth("mini", "test")
