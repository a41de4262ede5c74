"""Other orders, pairings and filters of training images, and memories as large as a set."""

import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from replicate import lossy, repro, training
from replicate.datasets import labels, packed
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
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


@pytest.fixture
def four(workspace) -> str:
    """The name of a set of four domains as labels, of 3 to 6 plain images each in both halves."""
    colours = {0: 3, 1: 4, 2: 5, 3: 6}
    for name in ("trainA", "trainB", "testA", "testB"):
        folder = workspace / "data" / "four" / name
        folder.mkdir(parents=True)
        rows = {}
        for k, n in colours.items():
            for i in range(n):
                Image.new("RGB", (32, 32), (60 * k, 10 * i, 0)).save(folder / f"{k}_{i}.png")
                rows[f"{k}_{i}.png"] = (k,)
        labels.write(folder, ("label",), rows)
    return "four"


def test_a_batch_of_domain_pairs_shows_two_domains(workspace, four):
    run = make_run("combogan", four, 0, "smoke", {"c_dim": "4", "batch_size": "2"})
    assert streams.is_special(run)
    _, batches = streams.build(run, torch.device("cpu"))
    assert batches.iterations_per_epoch == 6  # twelve images of the largest domain, two a batch
    seen, shown = Counter(), set()
    for i in range(600):
        batch = batches(i)
        pair = []
        for X in "AB":
            red = ((batch[X][:, 0, 0, 0] + 1) * 127.5).round()
            assert (red == 60 * batch[f"{X}_label"]).all()  # images of the label that stands there
            (k,) = set(batch[f"{X}_label"].tolist())
            pair.append(k)
            shown |= {(X, k, int(i)) for i in batch[f"{X}_index"]}
        seen[tuple(pair)] += 1
    assert len(seen) == 12 and all(a != b for a, b in seen)
    # binomial, 600 draws of 1/12: mean 50, standard deviation 6.8
    assert min(seen.values()) > 20 and max(seen.values()) < 80
    assert {(k, i) for X, k, i in shown if X == "A"} == {
        (k, i) for k, n in enumerate((6, 8, 10, 12)) for i in range(n)
    }
    again = streams.build(run, torch.device("cpu"))[1](7)
    assert all(torch.equal(again[key], value) for key, value in batches(7).items())


def test_domain_pairs_need_two_domains(workspace, four):
    run = make_run("combogan", four, 0, "smoke", {"c_dim": "4"})
    images = streams.training_set(run)
    one = {X: np.zeros(len(images.arrays[X]), np.int64) for X in "AB"}
    for wrong in (one, {X: np.zeros((18, 2), np.int64) for X in "AB"}):
        arrays = images.arrays | {f"{X}_label": wrong[X] for X in "AB"}
        with pytest.raises(ReplicateError, match=r"images by class; expected at least one image"):
            streams.over(run, replace(images, arrays=arrays), torch.device("cpu"))
