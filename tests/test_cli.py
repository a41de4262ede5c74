"""The command line: what each command prints, its JSON, and how it fails."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from replicate import cli, paths
from replicate.methods import METHODS
from replicate.metrics.protocols import PROTOCOLS


class Ended(NamedTuple):
    """How a command ended: what a shell sees."""

    status: int
    out: str
    err: str


@pytest.fixture
def replicate(workspace, capsys, monkeypatch) -> Callable[..., Ended]:
    """A function that runs a command line in this process, through the real entry point."""

    def call(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["replicate", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code, printed = ended.value.code, capsys.readouterr()
        if isinstance(code, str):  # as Python itself does at the end of a process
            return Ended(1, printed.out, f"{printed.err}{code}\n")
        return Ended(code or 0, printed.out, printed.err)

    yield call
    torch.use_deterministic_algorithms(False)


def folder_of_noise(path: Path, seed: int, size: int = 32) -> Path:
    path.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(8):
        pixels = rng.integers(0, 256, (size, size, 3), np.uint8)
        Image.fromarray(pixels).save(path / f"{i}.png")
    return path


@pytest.fixture
def tiny(workspace) -> str:
    """A set of one's own, eight random images a folder."""
    for seed, name in enumerate(("trainA", "trainB", "testA", "testB")):
        folder_of_noise(workspace / "data" / "tiny" / name, seed)
    return "tiny"


def test_methods_are_listed_with_variants_and_papers(replicate):
    listed = json.loads(replicate("methods", "--json").out)
    assert [each["method"] for each in listed] == list(METHODS)
    by_name = {each["method"]: each for each in listed}
    assert by_name["aggan"]["variants"] == ["paper", "whole-image-d", "summer2winter"]
    assert by_name["aggan"]["paper"] == "mejjati2018aggan"
    assert by_name["cyclegan"]["summary"].startswith("CycleGAN: Zhu, Park, Isola, Efros")
    text = replicate("methods").out
    assert re.search(r"aggan +AGGAN: .*\n +paper, whole-image-d, summer2winter", text)


@pytest.mark.parametrize(
    "method, variants, counts",
    [
        # the PyTorch code's ResNet of 9 blocks and 70 px PatchGAN
        ("cyclegan", ["paper"], {"G": 11_378_179, "D": 2_764_737}),
        # the released graph: convolutions and the affine instance norms
        (
            "aggan",
            ["paper", "whole-image-d", "summer2winter"],
            {"A": 103_361 + 640, "G": 2_850_563 + 5_248, "D": 2_764_737 + 1_920},
        ),
    ],
)
def test_parameters_to_the_unit(replicate, method, variants, counts):
    printed = json.loads(replicate("params", method, "--json").out)
    assert printed == {"method": method, "variants": dict.fromkeys(variants, counts)}


def test_data_sets_are_listed_made_and_audited(replicate, tiny):
    listed = {each["name"]: each for each in json.loads(replicate("data", "list", "--json").out)}
    assert listed["horse2zebra"]["counts"] == {
        "trainA": 1067, "trainB": 1334, "testA": 120, "testB": 140
    }  # fmt: skip
    assert {name: listed[name]["state"] for name in ("horse2zebra", "horse2zebra_drawn", tiny)} == {
        "horse2zebra": "missing", "horse2zebra_drawn": "synthetic", "tiny": "present"
    }  # fmt: skip
    assert re.search(r"horse2zebra +missing +cyclegan +horse/zebra", replicate("data", "list").out)
    made = replicate("data", "make", tiny, "--size", 16).out.splitlines()[-2:]
    assert made[0] == "tiny train at 16 px: A (8, 16, 16, 3), B (8, 16, 16, 3)"
    report = json.loads(replicate("data", "audit", tiny, "--json").out)
    assert report["folders"]["trainA"]["count"] == 8 and report["leaks"] == []
    assert "testB: 8 images; 8 RGB" in replicate("data", "audit", tiny).out


def test_a_run_from_the_command_line(replicate, tiny):
    words = ("train", "cyclegan", "--data", tiny, "--seed", 3, "--iterations", 2)
    ended = replicate(*words, "--set", "lambda_cyc=5", "flip=false", "--set", "lr=1e-3")
    folder = Path(ended.out.strip())
    assert ended.status == 0 and folder.is_relative_to(paths.results() / "runs" / tiny / "cyclegan")
    record = json.loads((folder / "run.json").read_text())
    changed = {"iterations": 2, "lambda_cyc": 5.0, "flip": False, "lr": 1e-3}
    assert {key: record["config"][key] for key in changed} == changed and record["seed"] == 3
    label = "cyclegan+flip=False,iterations=2,lambda_cyc=5.0,lr=0.001 on tiny, seed 3 (smoke)"
    assert replicate("status").out.split(maxsplit=5)[:2] == ["scored", "2/2"]
    (told,) = json.loads(replicate("status", "--json").out)
    assert (told["title"], told["state"]) == (label, "scored")
    assert (told["iteration"], told["iterations"], told["folder"]) == (2, 2, str(folder))
    again = replicate(*words, "lr=0.001", "flip=false", "lambda_cyc=5.0")
    assert again.err.startswith(f"{label}: complete at 2/2, nothing to do\n| direction")


def test_status_without_runs_tells_how_to_start_one(replicate):
    ended = replicate("status")
    assert f"no runs in {paths.results()}; `replicate train` starts one" in ended.out
    assert json.loads(replicate("status", "--json").out) == []


def test_a_folder_scored_against_itself(replicate, workspace):
    real = folder_of_noise(workspace / "real", 0)
    text = replicate("score", real, real).out
    cells = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert re.search(r"\| psnr +\| identical ", cells["psnr/skimage"])
    # float32 rounding of traces of order 100; exactly 0 on paper
    assert 0 <= float(cells["fid/efficientnet-lite0"].split("|")[3]) < 1e-2
    assert "class-rate/efficientnet-lite0" not in cells and "no class: " in text
    assert re.search(r"^kid/clean, .*fid/inception.*: not computed: Inception", text, re.MULTILINE)
    assert text.count("replicate data get inception-weights") == 1  # the reason, once for all rows
    assert "kid/aggan-mean" not in text  # needs the inputs
    named = replicate(
        "score", real, real, "--target", "zebra", "--protocol", "class-rate/efficientnet-lite0"
    ).out
    assert "ceiling" in named and "classes 340" in named
    with_inputs = replicate("score", real, real, "--source", real, "--offline-metrics").out
    assert "kid/aggan-mean" in with_inputs and "not computed: --offline-metrics" in with_inputs


def test_scores_as_json_hold_the_printed_number_and_the_protocols_version(replicate, workspace):
    real = folder_of_noise(workspace / "real", 0)
    words = ("score", real, real, "--protocol", "psnr/skimage", "ssim/skimage")
    first, second = json.loads(replicate(*words, "--json").out)
    assert first["value"] is None and "identical" in first["note"]  # JSON has no infinity
    assert second["value"] == second["printed"] == 1 and second["scale"] == second["version"] == 1
    assert second["n_fake"] == 8 and second["low"] == second["high"] == 1


def test_protocols_are_listed_with_what_they_compare_with(replicate):
    listed = {each["id"]: each for each in json.loads(replicate("protocols", "--json").out)}
    assert list(listed) == list(PROTOCOLS)
    assert listed["kid/gm-mean098"]["sides"] == [["real", 0.01], ["source", 0.49]]
    assert listed["kid/gm-mean098"]["compares_with"] == ["kid/ugatit-printed", "kid/ag-table4"]
    assert not listed["kid/ugatit-printed"]["computed"] and listed["fid/gm"]["scale"] == 0.01
    text = replicate("protocols").out
    assert re.search(r"^kid/gm-mean098 +\(0\.02 .*\n +compares with kid/ugatit-printed", text, re.M)
    page = replicate("protocols", "kid/torch-fidelity@60").out
    assert re.search(r"^settings +.*'subset_size': 60", page, re.M)
    assert re.search(r"^compares +with kid/gm-target: value, not its spread", page, re.M)


def test_the_doctor_names_what_is_missing(replicate):
    found = {each["what"]: each for each in json.loads(replicate("doctor", "--json").out)}
    assert found["python"]["ok"] and found["data"]["found"] == str(paths.data())
    assert not found["Inception weights"]["ok"] and "of 3" in found["data sets"]["found"]
    assert "-- " in replicate("doctor").out


UNKNOWN = {
    "a method": (("train", "agggan"), r"unknown method 'agggan' \(did you mean 'aggan'\?\)"),
    "a variant": (("train", "aggan:whole-image"), r"\(did you mean 'whole-image-d'\?\)"),
    "a counted variant": (("params", "ugatit:lite"), r"\(did you mean 'light'\?\)"),
    "a setting": (("train", "aggan", "--set", "lamda_cyc=1"), r"\(did you mean 'lambda_cyc'\?\)"),
    "no equals sign": (("train", "aggan", "--set", "lr"), "--set 'lr': expected KEY=VALUE"),
    "a value": (("train", "aggan", "lr=fast"), r"lr='fast': expected float, e\.g\. lr="),
    "a data set": (
        ("train", "aggan", "--data", "horse2zebra_drwan"),
        r"\(did you mean 'horse2zebra_drawn'\?\).* Own images go to",
    ),
    "a budget": (("train", "aggan", "--budget", "labtop"), r"\(did you mean 'laptop'\?\)"),
    "a method's parameters": (("params", "ciclegan"), r"\(did you mean 'cyclegan'\?\)"),
    "a set to get": (("data", "get", "horse2zebr"), r"\(did you mean 'horse2zebra'\?\)"),
    "a notebook": (("all", "--notebook", "02_agan"), r"\(did you mean '02_aggan'\?\)"),
    "a budget of a notebook": (("all", "--budget", "labtop"), r"\(did you mean 'laptop'\?\)"),
    "a seed of a notebook": (("all", "--seeds", "0,x"), r"seeds\.1='x': expected int"),
    "a protocol": (("protocols", "kid/gm-tagret"), r"\(did you mean 'kid/gm-target'\?\)"),
    "an id without its option": (("score", ".", ".", "fid/gm"), "unexpected 'fid/gm': ids of"),
    "a folder to score": (("score", "nowhere", "nowhere"), "nowhere is not a folder"),
    "smoke to publish": (("publish", "--budget", "smoke"), "smoke runs prove"),
    "nothing to publish": (("publish",), "no finished laptop run in"),
}


@pytest.mark.parametrize("words, text", UNKNOWN.values(), ids=UNKNOWN)
def test_bad_input_ends_with_one_line_and_status_1(replicate, words, text):
    ended = replicate(*words)
    assert (ended.status, ended.out) == (1, "")
    assert re.fullmatch(rf"error: .*{text}.*\n", ended.err), ended.err


def test_a_broken_archive_leaves_nothing(replicate, workspace):
    archive = workspace / "broken.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("horse2zebra/trainA/0.png", b"x" * 1000)
    archive.write_bytes(archive.read_bytes()[:500])
    ended = replicate("data", "get", "horse2zebra", "--from", archive)
    assert ended.status == 1
    assert re.search(rf"error: {archive} is no zip or tar archive, or a truncated", ended.err)
    left = [p for p in (workspace / "data").rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert left == [] and not (workspace / "data" / "horse2zebra").exists()


def test_a_wrong_file_of_weights_is_not_kept(replicate, workspace):
    wrong = workspace / "weights.pth"
    wrong.write_bytes(b"something else")
    ended = replicate("data", "get", "inception-weights", "--from", wrong)
    assert ended.status == 1 and "6726825d" in ended.err
    left = [p for p in (workspace / "data").rglob("*") if p.is_file()]
    assert [p for p in left if p.suffix != ".lock"] == []


COMMANDS = ["methods", "params", "train", "status", "all", "tables", "publish", "doctor"]
COMMANDS += ["preflight", "plan", "report"]
COMMANDS += ["score", "diversity", "protocols"]
COMMANDS += ["preference make", "preference attributes", "preference score"]
COMMANDS += [f"data {name}" for name in ("list", "make", "get", "audit")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_what_it_does(replicate, command):
    ended = replicate(*command.split(), "--help")
    assert ended.status == 0 and re.search(rf"Usage: .*{command} ", ended.out)


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, replicate.cli; print([m for m in ('torch', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_shell_sees_one_line_no_traceback_and_a_status(workspace):
    command = [sys.executable, "-m", "replicate.cli", "data", "get", "facade"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=workspace)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"error: unknown data set 'facade' \(did you mean 'facades'\?\); .*\n", done.stderr
    )
