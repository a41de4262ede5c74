"""What a preflight measures, how it is kept, and what it says of a whole run."""

import json
import resource
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from replicate import cli, devices, files, paths
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import make_run, memory, preflight, rehearsal
from replicate.lab.budget_grid import grid, image_counts, iterations
from replicate.lab.preflight import Estimate, estimate, place
from replicate.methods import METHODS

KNOWN = Estimate(
    name="x", dataset="d", size=256, budget="paper", device="cuda", device_name="a GPU",
    host="node7", threads=1, steps=2, seconds_per_step=0.5, processor_seconds_per_step=0.4,
    images_per_second=2.0, evaluation_images_per_second=4.0, peak_memory_mb=1000.0,
    host_memory_mb=900.0, nvidia_smi_mb=1500.0, checkpoint_mb=100.0,
    checkpoint_seconds=3.0, png_mb=0.5, made_up=True, iterations=7200, test_images=240,
)  # fmt: skip


@pytest.fixture(autouse=True)
def leave_torch_as_it_was():
    yield
    torch.use_deterministic_algorithms(False)


def rehearsed(name: str, dataset: str, steps: int = 2) -> dict:
    return rehearsal.rehearse(make_run(name, dataset, 0, "smoke"), torch.device("cpu"), steps, 8)


# The whole run


def test_the_hours_of_a_run_by_hand():
    # 7,200 steps of 0.5 s are one hour; 20 checkpoints of 3 s, 240 images at 4 a second: 2 min
    assert KNOWN.hours == pytest.approx(1 + 2 / 60)
    # a hundred times as long: a checkpoint every 300 s, 1200 of them
    assert replace(KNOWN, iterations=720_000).hours == pytest.approx(101 + 1 / 60)
    assert replace(KNOWN, iterations=None).hours is None
    # of one thread of a processor what it worked, 0.4 s: other work on the machine does not count
    assert replace(KNOWN, device="cpu").hours == pytest.approx(0.8 + 2 / 60)
    assert replace(KNOWN, device="cpu", threads=2).hours == KNOWN.hours
    assert KNOWN.disk_mb == 2 * 100 + 240 * 0.5


def test_the_text_says_what_was_measured_on_what():
    text = str(KNOWN)
    assert "2 steps on made-up images" in text and "1000 MB (1500 MB by nvidia-smi)" in text
    assert "900 MB of the host" in text and "1.03 h for 7,200 steps" in text
    assert "320 MB" in text
    assert "no source states how many images" in str(replace(KNOWN, iterations=None))
    assert "images of d" in str(replace(KNOWN, made_up=False))
    assert "on a GPU of node7, 1 threads" in text


@pytest.mark.parametrize(
    "name, dataset, train, test, steps",
    [
        ("cyclegan", "horse2zebra", 1334, 260, 200 * 1334),
        ("attentiongan", "horse2zebra", 1334, 260, 60 * 334),  # four images a step
        ("pix2pix", "facades", 400, 212, 200 * 400),  # pairs are counted once for training
        ("cyclegan", "photo2vangogh", 6287, 1151, 200 * 6287),
        ("dagan:digits", "mnist2usps", 60000, 12007, 200 * 7500),
        ("ugatit", "cat2dog", 0, 0, 1_000_000),  # nobody states the counts, nobody needs them
        ("cyclegan", "cat2dog", 0, 0, None),
    ],
)
def test_schedules_follow_from_the_counts_on_record(workspace, name, dataset, train, test, steps):
    assert image_counts(spec(dataset)) == {"train": train, "test": test}
    assert iterations(make_run(name, dataset, 0, "paper")) == steps


def test_images_that_are_here_are_counted_instead(tiny, workspace):
    assert image_counts(spec(tiny)) == {"train": 8, "test": 16}
    (workspace / "data" / tiny / "trainB" / "0.png").rename(
        workspace / "data" / tiny / "trainB" / "more.png"
    )
    (workspace / "data" / tiny / "trainA" / "0.png").unlink()
    assert image_counts(spec(tiny)) == {"train": 8, "test": 16}


# What is done


def test_a_real_preflight_in_a_process_of_its_own(tiny, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT))
    run = make_run("cyclegan", tiny, 0, "smoke")
    assert estimate(run) is None
    found = preflight.preflight(run)
    assert estimate(run) == found
    assert place(run, "cpu").is_relative_to(paths.results() / "preflight" / "smoke" / "cpu")
    assert (found.steps, found.iterations, found.test_images, found.made_up) == (2, 4, 16, False)
    # torch alone takes 200 MB; the networks of smoke runs next to nothing
    assert 200 < found.peak_memory_mb == found.host_memory_mb < 2000
    assert found.nvidia_smi_mb is None and found.hours > 0 and preflight.is_here(found)
    assert found.images_per_second == pytest.approx(1 / found.seconds_per_step)
    assert not run.folder.exists()  # no run was made, and nothing is left over
    assert {p.name for p in paths.results().iterdir()} == {"preflight", "logs"}
    changed = make_run("cyclegan", tiny, 0, "smoke", {"ngf": 8})
    assert estimate(changed) is None and estimate(run, "cuda") is None


@pytest.mark.parametrize(
    "name, dataset, steps",
    [
        ("attentiongan_multi:celeba", "celeba", 4),  # its G moves at the fifth, smoke has four
        ("dagan:digits", "mnist2usps", 2),
        ("spatial_guidance_paired", "cityscapes", 2),
    ],
)
def test_made_up_images_stand_for_a_set_that_is_not_here(workspace, name, dataset, steps):
    found = rehearsed(name, dataset)
    assert found["made_up"] and found["steps"] == steps
    assert found["seconds_per_step"] > 0 and found["checkpoint_mb"] > 0
    assert list(paths.results().iterdir()) == []


@pytest.mark.parametrize(
    "turn, asked, steps", [(1, 1, 2), (1, 2, 2), (1, 5, 5), (5, 2, 6), (5, 6, 6), (5, 7, 11)]
)
def test_every_network_moves_in_the_timed_steps(turn, asked, steps):
    for name, field in (("stargan", "n_critic"), ("ganimorph", "d_every"), ("drit", "d_iter")):
        assert rehearsal._steps(METHODS[name].Config(**{field: turn}), asked) == steps


def test_made_up_images_have_what_a_method_may_ask_for():
    dagan = METHODS["dagan"].Config(n_classes=3)
    made = rehearsal.made_up_images(spec("shapes_drawn"), dagan, "train", 20, 8)
    assert made.arrays["A"].shape == (8, 20, 20, 3) and made.arrays["A"].std() > 50
    assert not np.array_equal(made.arrays["A"], made.arrays["B"])
    assert made.arrays["B_label"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert made.arrays["B_mask"].shape == (8, 20, 20)
    celeba = METHODS["attentiongan_multi"].Config(c_dim=5, attributes=True)
    made = rehearsal.made_up_images(spec("celeba"), celeba, "test", 16, 8)
    assert made.arrays["A_label"].shape == (8, 5) and "A_mask" not in made.arrays
    assert rehearsal.made_up_images(spec("facades"), celeba, "test", 16, 8).paired


# What is refused


def answer(**changes: object) -> dict:
    asked = {"name": "cyclegan", "dataset": "horse2zebra", "budget": "smoke", "device": "cpu"}
    return rehearsal.answer(asked | {"steps": 2, "images": 8} | changes)


def test_what_cannot_fit_is_refused_before_anything_starts(workspace, monkeypatch):
    monkeypatch.setattr(memory, "_free", lambda device: 1.0)
    assert "before the first image, expected at most" in answer()["error"]
    monkeypatch.setattr(memory, "_free", lambda device: float("inf"))

    def full(*asked: object) -> dict:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(rehearsal, "rehearse", full)
    text = answer()["error"]
    assert text.startswith("cyclegan on horse2zebra, seed 0 (smoke) does not fit into the memory (")
    assert "can't allocate memory); measure on a GPU" in text


def test_a_process_gets_no_more_memory_than_is_free(monkeypatch):
    limits = []
    monkeypatch.setattr(memory, "_free", lambda device: 2.0**40)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with rehearsal._limited(torch.device("cpu")):
        limits.append(resource.getrlimit(resource.RLIMIT_DATA)[0])
    assert limits == [2**40] and resource.getrlimit(resource.RLIMIT_DATA) == before
    with rehearsal._limited(torch.device("cuda")):
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_device_that_is_not_there_is_refused(workspace, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "device='cuda' is not on this machine" in answer(device="cuda")["error"]
    with pytest.raises(UnknownName, match="unknown device 'gpu'"):
        preflight.preflight(make_run("cyclegan", "horse2zebra", 0, "smoke"), "gpu")


def test_an_unpaired_set_is_refused_by_a_paired_method(tiny):
    error = answer(name="pix2pix", dataset=tiny)["error"]
    assert error.startswith("pix2pix needs paired images, tiny is unpaired")


@pytest.mark.parametrize("status, text", [(-9, "was killed by signal 9"), (1, "failed")])
def test_a_killed_preflight_is_told_and_keeps_nothing(workspace, monkeypatch, status, text):
    ended = subprocess.CompletedProcess([], status, stdout="")
    monkeypatch.setattr(subprocess, "run", lambda *asked, **how: ended)
    run = make_run("cyclegan", "horse2zebra", 0, "smoke")
    with pytest.raises(ReplicateError, match=text):
        preflight.preflight(run)
    assert estimate(run) is None
    with pytest.raises(UnknownName, match=r"did you mean 'horse2zebra'"):
        preflight.preflight(make_run("cyclegan", "horse2zebr", 0, "smoke"))


# The whole budget


@pytest.fixture
def measured(workspace, monkeypatch) -> list[str]:
    """The kinds that were measured; nothing is, but a made-up estimate is kept of each."""
    names = []
    monkeypatch.setattr(preflight, "_rehearsed", lambda asked, log: names.append(asked["name"]) or {
        field: value for field, value in asdict(KNOWN).items() if field not in asked
    } | {"device_name": devices.model(torch.device("cpu"))})  # fmt: skip
    return names


def test_each_kind_is_measured_once_and_again_on_another_machine(measured, monkeypatch):
    runs = [make_run(n, "horse2zebra", s, "smoke") for n in ("aggan", "cyclegan") for s in (0, 1)]
    assert [found.name for found in preflight.every(runs)] == ["aggan", "cyclegan"]
    assert preflight.every(runs, at_once=2) and measured == ["aggan:paper", "cyclegan:paper"]
    found = estimate(runs[0])
    assert preflight.is_here(found)
    monkeypatch.setattr(devices, "model", lambda device: "another processor")
    assert estimate(runs[0]) == found and not preflight.is_here(found)
    preflight.every(runs[:1])
    assert measured[2:] == ["aggan:paper"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not preflight.is_here(replace(found, device="cuda"))  # no GPU, so another machine's


def test_what_cannot_be_measured_is_told_and_the_others_are_kept(measured, monkeypatch):
    runs = [make_run(name, "horse2zebra", 0, "smoke") for name in ("aggan", "cyclegan")]
    works = preflight._rehearsed
    monkeypatch.setattr(
        preflight,
        "_rehearsed",
        lambda asked, log: (
            {"error": "does not fit"} if "agg" in asked["name"] else works(asked, log)
        ),
    )
    with pytest.raises(ReplicateError, match=r"^does not fit; the others are kept, and the same"):
        preflight.every(runs)
    assert estimate(runs[0]) is None and estimate(runs[1]).steps == 2


def test_what_earlier_versions_measured_with_activations_on_the_disk_does_not_count(measured):
    run = make_run("cyclegan", "horse2zebra", 0, "smoke")
    preflight.preflight(run)
    kept = json.loads(place(run, "cpu").read_text())
    del kept["checksum"]
    files.write_sealed(place(run, "cpu"), kept | {"on_disk": True})
    assert estimate(run) is None


def test_every_run_of_the_papers_can_be_rehearsed_on_its_set(workspace):
    jobs = grid("paper")
    assert len(jobs) > 200
    for job in jobs:
        entry, method = spec(job.run.dataset), METHODS[job.run.method]
        assert entry.paired or not method.paired, job.run.title
        config = job.run.config
        sizes = {"mnist2usps": 32, "mnist2svhn": 32}
        if entry.name in sizes:
            assert config.crop_size == sizes[entry.name]


def test_the_command_takes_the_set_of_the_notebooks(workspace, monkeypatch, capsys):
    told = []
    monkeypatch.setattr(preflight, "preflight", lambda run, *how: told.append((run, how)) or KNOWN)
    for words in (["dagan"], ["aggan", "--budget", "laptop", "--data", "cats_dogs", "--json"]):
        monkeypatch.setattr(sys, "argv", ["replicate", "preflight", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None)
    (first, how), (second, _) = told
    assert (first.dataset, first.budget, how) == ("shapes_drawn", "smoke", ("cpu", 0, 8))
    assert (second.dataset, second.budget) == ("cats_dogs", "laptop")
    out = capsys.readouterr().out
    assert out.startswith(str(KNOWN)) and json.loads(out[len(str(KNOWN)) :])["disk_mb"] == 320
