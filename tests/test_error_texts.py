"""Every error text that users were promised, made by the real code: what, both values, way out."""

import functools
import http.server
import json
import re
import shutil
import threading
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from support.made_up_runs import record_of

from replicate import checkpoint, paths
from replicate.datasets import fetch, packed
from replicate.datasets import spec as specs
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run
from replicate.lab.doctor import KERNEL, source_problems
from replicate.lab.notebook_parameters import checked
from replicate.metrics.inception import Inception
from replicate.metrics.kid import kid_subsets

GOOD = {
    "paper": "mejjati2018aggan", "methods": ["aggan"], "datasets": ["horse2zebra_drawn"],
    "seeds": [0], "budget": "smoke",
}  # fmt: skip


def subset_larger_than_a_set(workspace: Path, monkeypatch) -> None:
    kid_subsets(np.zeros((140, 2)), np.zeros((120, 2)), subset_size=1000)


def weights_missing(workspace: Path, monkeypatch) -> None:
    Inception()


def trained_with_another_value(workspace: Path, monkeypatch) -> None:
    run = make_run("cyclegan", "mine", 1, "smoke")
    run.folder.mkdir(parents=True)
    config = run.identity()["config"] | {"lambda_idt": 0.5}
    (run.folder / "run.json").write_text(json.dumps(record_of(run, config=config)))
    ensure(run)


def disk_full(workspace: Path, monkeypatch) -> None:
    checkpoint.save(workspace, {"weight": torch.zeros(9)}, 40000)
    disk = shutil.disk_usage(workspace)._replace(free=112_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    state = {"weight": torch.zeros(107_500_000, device="meta")}  # 430 MB that nobody allocates
    checkpoint.save(workspace, state, 50000)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def no_mirror_works(workspace: Path, monkeypatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    (workspace / "served").mkdir()
    with zipfile.ZipFile(workspace / "served" / "mine.zip", "w") as archive:
        archive.writestr("other", b"content")
    handler = functools.partial(Quiet, directory=workspace / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        mirrors = [{"url": f"{url}/gone.zip"}, {"url": f"{url}/mine.zip", "sha256": "5" * 64}]
        entry = specs.Spec(
            name="mine", layout="cyclegan", domains=("a", "b"), source="", licence="",
            archive="mine.zip", sha256="5" * 64, urls=mirrors,
        )  # fmt: skip
        monkeypatch.setattr(specs, "_entries", lambda: {"mine": entry})
        try:
            fetch.get("mine", progress=False)
        finally:
            server.shutdown()


def empty_folder(workspace: Path, monkeypatch) -> None:
    (workspace / "data" / "maps" / "trainA").mkdir(parents=True)
    (workspace / "data" / "maps" / "maps" / "trainA").mkdir(parents=True)
    for i in range(3):
        (workspace / "data" / "maps" / "trainA" / f"{i}.txt").touch()
    packed.load("maps", "train", 16)


def truncated_image(workspace: Path, monkeypatch) -> None:
    for name in ("trainA", "trainB"):
        folder = workspace / "data" / "mine" / name
        folder.mkdir(parents=True)
        Image.effect_noise((128, 128), 50).convert("RGB").save(folder / "n02391049_77.jpg")
    whole = (folder / "n02391049_77.jpg").read_bytes()
    (folder / "n02391049_77.jpg").write_bytes(whole[:4000])
    packed.load("mine", "train", 16)


def unknown_parameter(workspace: Path, monkeypatch) -> None:
    checked(GOOD | {"dataset": ["horse2zebra_drawn"]})


def parameter_of_the_wrong_type(workspace: Path, monkeypatch) -> None:
    checked(GOOD | {"seeds": "abc"})


def misspelt_setting(workspace: Path, monkeypatch) -> None:
    make_run("cyclegan", "mine", 0, "smoke", {"poolsize": 3})


def notebook_with_outputs(workspace: Path, monkeypatch) -> None:
    monkeypatch.setattr(paths, "ROOT", workspace)
    cell = {"cell_type": "code", "metadata": {}, "outputs": [{}], "execution_count": 1}
    notebook = {
        "cells": [cell],
        "metadata": {"kernelspec": {"name": "python3", "display_name": KERNEL}},
    }
    path = workspace / "notebooks" / "03_train.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook))
    raise ReplicateError("\n".join(source_problems(path)))


class Promise(NamedTuple):
    """What goes wrong, and the whole text that must come of it."""

    trigger: object
    text: str


# Ids are those of the requirements; the words are this project's.
PROMISES = {
    "R-A3b": Promise(
        subset_larger_than_a_set,
        r"KID subset 1000 > smallest set \(real: 120\)\. Use subset <= 120; default here is "
        r"min\(n\)/2 = 60\.",
    ),
    "R-A4": Promise(
        weights_missing,
        r"Inception weights not found at \S+/weights/\S+\.pth; download https://\S+ "
        r"\(sha256 6726825d\.\.\.\) with 'replicate data get inception-weights', or pass "
        r"--offline-metrics to skip FID/KID with Inception\.",
    ),
    "R-B1b": Promise(
        trained_with_another_value,
        r"\S+/runs/mine/cyclegan/paper-1-\w{8} was trained with lambda_idt=0\.5, you asked "
        r"lambda_idt=5\.0; a changed configuration is a run of its own: move this folder away and "
        r"run again",
    ),
    "R-B2": Promise(
        disk_full,
        r"no space: a checkpoint needs 430\.0 MB, 112\.0 MB free in \S+ \(kept last good: "
        r"iteration 40000\)\. Free some space, or move results with REPLICATE_RESULTS, and run "
        r"again",
    ),
    "R-B4b": Promise(
        misspelt_setting,
        r"unknown setting 'poolsize' \(did you mean 'pool_size'\?\); known: .*",
    ),
    "R-C1": Promise(
        no_mirror_works,
        r"mine\.zip: 404 at http://\S+/gone\.zip, sha256 mismatch \(found \w{64}, expected "
        r"5{64}\) at http://\S+/mine\.zip\. Put the archive at \S+/data/mine\.zip yourself "
        r"\(sha256 5{64}\) and run again, or name it: `replicate data get mine --from "
        r"PATH/mine\.zip`",
    ),
    "R-C2": Promise(
        empty_folder,
        r"\S+/data/maps/trainA has 0 images \(looked for png, apng, jpg, jpeg, [a-z, ]*; "
        r"found 3 \.txt\)\. Expected \S+/data/maps/\{trainA,trainB,testA,testB\}\. "
        r"Did you mean \S+/data/maps/maps/\?",
    ),
    "R-C3": Promise(
        truncated_image,
        r"\S+/trainB/n02391049_77\.jpg cannot be decoded \(truncated at 4 kB\)\. Replace or delete "
        r"it; `replicate data audit mine` lists every such file of the set\.",
    ),
    "R-E1 name": Promise(
        unknown_parameter,
        r"unknown parameter 'dataset' \(did you mean 'datasets'\?\); known: also, budget, "
        r"datasets, device, five_seeds, methods, one_seed, overrides, paper, seeds, train",
    ),
    "R-E1 type": Promise(
        parameter_of_the_wrong_type,
        r"seeds='abc': expected list\[int\] \(input should be a valid list\)",
    ),
    "R-E5": Promise(
        notebook_with_outputs, r"notebooks/03_train\.ipynb holds outputs; run 'make strip'\."
    ),
}  # fmt: skip


@pytest.mark.parametrize("trigger, text", PROMISES.values(), ids=PROMISES)
def test_the_text_is_the_promised_one(workspace, monkeypatch, trigger, text):
    with pytest.raises(ReplicateError) as caught:
        trigger(workspace, monkeypatch)
    assert re.fullmatch(text, str(caught.value)), str(caught.value)  # one line: no . matches \n


def test_a_damaged_checkpoint_is_told_and_the_one_before_taken(tmp_path):
    for iteration in (100, 200):
        path = checkpoint.save(tmp_path, {"iteration": iteration}, iteration)
    path.write_bytes(path.read_bytes()[:-1])
    text = (
        r"checkpoint-00000200\.pt is damaged \(its sha256 does not match\); falling back to the "
        r"one before\. The damaged file is kept as checkpoint-00000200\.pt\.damaged"
    )
    with pytest.warns(RuntimeWarning, match=text):
        assert checkpoint.load(tmp_path, torch.device("cpu")) == {"iteration": 100}


def test_the_same_errors_are_value_errors_for_who_imports_the_library():
    assert issubclass(ReplicateError, ValueError)
    with pytest.raises(KeyError, match="unknown method"):  # and a registry is a mapping
        make_run("nothing", "mine", 0, "smoke")
