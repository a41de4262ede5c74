"""One function knows the devices, and every way in asks it."""

import pytest
import torch

from replicate import devices, paths
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import doctor, ensure, make_run, preflight
from replicate.lab.budget_grid import pages
from replicate.lab.engine import find_profile, snakemake_limits
from replicate.lab.forecast import forecast
from replicate.lab.notebook_parameters import checked
from replicate.lab.workflow import read_params
from replicate.metrics.folders import score_folders

RUN = make_run("cyclegan", "horse2zebra_drawn", 41, "smoke")
ASKED = {
    "train": lambda name: ensure(RUN, name),
    "preflight": lambda name: preflight.preflight(RUN, name),
    "preflight of a budget": lambda name: preflight.every([RUN], name),
    "score": lambda name: score_folders({"fake": "a", "real": "b"}, device=name),
    "a notebook": lambda name: checked(read_params("02_aggan", "smoke") | {"device": name}),
    "plan": lambda name: forecast([RUN], name),
}
FOREIGN = ("a notebook", "plan")  # may be about another machine


@pytest.fixture
def gpus(monkeypatch):
    """A function that pretends so many GPUs."""

    def pretend(number: int, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: f"GPU {i}")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    pretend(0)
    return pretend


@pytest.mark.parametrize("way", ASKED)
@pytest.mark.parametrize("name", ["gpu", "CPU", "", "cuda:", "cuda:-1", "cuda:x", "cuda:999"])
def test_a_name_that_is_none_is_refused_on_every_way(workspace, gpus, way, name):
    with pytest.raises(UnknownName, match=f"^unknown device '{name}'.*; known: cpu, cuda, mps$"):
        ASKED[way](name)
    assert not (workspace / "results").exists()


@pytest.mark.parametrize("way", ASKED)
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_here_is_refused_where_it_is_needed(workspace, gpus, way, name):
    if way in FOREIGN:
        ASKED[way](name)
        return
    with pytest.raises(ReplicateError, match=f"^device='{name}' is not on .* finds cpu$"):
        ASKED[way](name)
    gpus(1)
    assert devices.find("cuda") == torch.device("cuda")
    with pytest.raises(ReplicateError, match=r"^device='cuda:1' .* finds cpu, cuda, cuda:0$"):
        devices.find("cuda:1")


def test_the_closest_match_and_what_is_here_are_named(gpus):
    gpus(2, mps=True)
    assert devices.known() == ["cpu", "cuda", "cuda:0", "cuda:1", "mps"]
    assert devices.find("cuda:1") == torch.device("cuda:1")
    assert devices.find("mps") == torch.device("mps")
    with pytest.raises(
        UnknownName, match=r"'CUDA' \(did you mean 'cuda'\?\); known: cpu, cuda, cu"
    ):
        devices.check("CUDA")
    found = {line["what"]: line["found"] for line in doctor.examine()}
    assert found["gpu"] == "cuda:0 GPU 0, cuda:1 GPU 1, mps"


def test_a_grid_chooses_its_gpus_itself():
    (page,) = pages("smoke", ["02_aggan"])
    numbered = page._replace(params=page.params.model_copy(update={"device": "cuda:1"}))
    for profile in ("local", "slurm"):
        with pytest.raises(ReplicateError, match=r"^device='cuda:1': every run of a grid .*'cuda'"):
            snakemake_limits([numbered], find_profile(profile))


def test_preflights_of_two_devices_lie_apart(workspace):
    places = {preflight.place(RUN, name) for name in ("cpu", "cuda", "cuda:0")}
    assert len(places) == 3 and all(p.is_relative_to(paths.results()) for p in places)


def test_a_processor_and_a_gpu_have_the_name_of_their_model(gpus):
    gpus(2)
    assert devices.model(torch.device("cuda:1")).startswith("GPU")
    assert devices.model(torch.device("cpu")) not in ("", "cpu")
