"""Other orders, pairings and filters of training images, and memories as large as a set."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from replicate import lossy, repro, training
from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.evaluation import Outputs
from replicate.lab import ensure, fingerprint, make_run, state, streams
from replicate.metrics.protocols import find


@pytest.fixture
def pairs(workspace) -> str:
    """The name of a set of eight pairs of 32 px a split."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        folder = workspace / "data" / "pairs" / split
        folder.mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 256, (32, 64, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return "pairs"


def stream(run, iterations: int = 8) -> list[dict]:
    _, batches = streams.build(run, torch.device("cpu"))
    return [batches(i) for i in range(iterations)]


def test_serial_images_come_in_the_order_of_their_names(workspace, tiny):
    run = make_run("spatial_guidance:released", tiny, 0, "smoke")
    assert streams.is_special(run) and run.identity()["config"]["order"] == "serial"
    counts = {X: len(streams.training_set(run).arrays[X]) for X in "AB"}
    for i, batch in enumerate(stream(run)):
        assert [batch[f"{X}_index"].item() for X in "AB"] == [i % counts[X] for X in "AB"]
        assert batch["A_crop"][0, 2] == 0  # no flips


def test_halves_of_pairs_are_drawn_apart_for_a_method_that_needs_none(workspace, pairs):
    for method, apart in (("cyclegan", True), ("pix2pix", False)):
        run = make_run(method, pairs, 0, "smoke", {"load_size": "72"})
        assert streams.is_special(run) is apart
        batches = stream(run)
        for key in ("index", "crop"):
            same = all(torch.equal(b[f"A_{key}"], b[f"B_{key}"]) for b in batches)
            assert same is not apart


def test_a_method_has_the_filter_of_its_own_code(workspace, tiny):
    run = make_run("ugatit", tiny, 0, "smoke", {"load_size": "40"})
    assert run.config.resize == "bilinear" and streams.is_special(run)
    found = streams.training_set(run)
    entry = spec(tiny)
    with Image.open(entry.folder / "trainA" / found.names["A"][0]) as opened:
        image = opened.convert("RGB")
    wanted = {f: image.resize((40, 40), getattr(Image.Resampling, f.upper()))
              for f in ("bilinear", "bicubic")}  # fmt: skip
    assert (found.arrays["A"][0] == np.asarray(wanted["bilinear"])).all()
    usual = packed.load(tiny, "train", 40)
    assert (usual.arrays["A"][0] == np.asarray(wanted["bicubic"])).all()
    assert found.passport["resize"] == "bilinear" and "resize" not in usual.passport


@pytest.mark.parametrize("name", ["ugatit", "aggan", "attentiongan_multi"])
def test_at_laptop_all_have_the_filter_of_the_runs_on_record(workspace, name):
    run = make_run(name, "horse2zebra_drawn", 0, "laptop")
    assert not streams.is_special(run) and "resize" not in run.identity()["config"]
    assert make_run(name, "horse2zebra", 0, "paper").identity()["config"]["resize"] == "bilinear"


def test_a_run_with_a_stream_of_its_own_is_stale_when_that_code_changes(workspace, tiny):
    run = ensure(make_run("spatial_guidance:released", tiny, 0, "smoke"), offline=True)
    assert run.record()["fingerprint"]["stream"] == fingerprint.of_stream(True)["stream"]
    assert state.of(run).word == "scored"
    record = run.record()
    for changed in ({"stream": "another"}, {}):
        kept = {k: v for k, v in record["fingerprint"].items() if k != "stream"}
        assert state.Today().changed(record | {"fingerprint": kept | changed}) == ("stream",)


@pytest.mark.parametrize("name", ["spatial_guidance", "spatial_guidance:shuffled"])
def test_a_memory_grows_with_the_set(workspace, tiny, name):
    run = make_run(name, tiny, 0, "smoke", {"memory": "2"})
    most = max(len(streams.training_set(run).arrays[X]) for X in "AB")
    assert most > 2 and streams.sized(run).memory == most
    assert streams.sized(make_run(name, tiny, 0, "smoke")).memory == 3000
    ensure(run, offline=True)  # trained, and loaded again to be scored
    assert state.of(run).word == "scored" and run.record()["config"]["memory"] == 2


def test_full_precision_is_without_tf32_unless_it_is_named(workspace, tiny):
    before = torch.backends.cudnn.allow_tf32
    try:
        for precision, allowed in (("fp32", False), ("tf32", True)):
            run = make_run("cyclegan", tiny, 0, "smoke", {"precision": precision})
            ensure(run, offline=True)
            record = run.record()
            assert record["tf32"] is allowed and record["precision"] == precision
            assert not torch.backends.cuda.matmul.allow_tf32  # scores are always exact
    finally:
        repro.use_tf32(before)


def test_checkpoints_take_a_hundredth_of_the_time_and_fewer_bytes():
    assert training.pause(0.1, 40e6) == 300  # a small run: every five minutes
    assert training.pause(9.0, 40e6) == 900  # a slow disk
    assert training.pause(8.0, 8e9) == 2400  # U-GAT-IT: 8 GB


def test_jpeg_scores_are_of_files_as_the_official_test_wrote_them(tiny):
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(images[1]).save(file, "JPEG", quality=95, subsampling="4:2:0")
    with Image.open(file) as opened:
        assert (lossy.as_jpeg(images)[1] == np.asarray(opened)).all()
    test = packed.load(tiny, "test", 32)
    made = Outputs(np.asarray(test.arrays["A"]), None)
    (row,) = lossy.scores(made, "AB", test, test, None, offline=True)
    assert row.protocol == "kid/gm-mean098+jpeg" and "not computed" in row.note
    assert find(row.protocol).files.startswith("lossy")
    plain, of_files = map(fingerprint.scoring_fingerprint, ("kid/gm-mean098", row.protocol))
    assert plain != of_files
