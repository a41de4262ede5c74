"""What `00_protocol` may be asked for."""

import pytest
import yaml

from replicate import lab
from replicate.errors import ReplicateError
from replicate.lab import workflow

NOTEBOOK = "00_protocol"


@pytest.mark.parametrize(
    "injected, text",
    [
        ("seeds: [0]", r"unknown parameter 'seeds'.*; known: budget, dataset, device, direction"),
        ("image: 8", r"unknown parameter 'image' \(did you mean 'images'\?\)"),
        ("budget: labtop", r"unknown budget 'labtop' \(did you mean 'laptop'\?\)"),
        ("device: gpu", r"unknown device 'gpu'"),
        ("dataset: horse2zebra_drwan", r"\(did you mean 'horse2zebra_drawn'\?\)"),
        ("direction: AA", r"unknown direction 'AA'.*; known: AB, BA"),
        ("direction: horse2zebras", r"unknown direction .* \(did you mean 'horse->zebra'\?\)"),
        ("references: [clean_fid]", r"unknown reference 'clean_fid' \(did you mean 'clean-fid'"),
        ("images: 3", r"images=3: expected 0 \(all\) or 4 and more"),
        ("standin_images: -1", r"standin_images=-1: expected 0 \(all\) or 4 and more"),
        ("size: big", r"size='big': expected int"),
    ],
)
def test_wrong_parameters_stop_the_notebook(workspace, injected, text):
    given = workflow.read_params(NOTEBOOK, "smoke") | yaml.safe_load(injected)
    with pytest.raises(ReplicateError, match=text):
        lab.parameters(given, NOTEBOOK)


@pytest.mark.parametrize("written", ["BA", "zebra->horse", "zebra2horse", "zebra → horse"])
def test_a_direction_may_be_given_in_words(workspace, written):
    given = workflow.read_params(NOTEBOOK, "smoke") | {"direction": written}
    assert lab.parameters(given, NOTEBOOK).direction == "BA"


def test_the_other_notebooks_have_other_parameters(workspace):
    given = workflow.read_params(NOTEBOOK, "smoke")
    with pytest.raises(ReplicateError, match=r"unknown parameter 'dataset' \(did you mean 'datas"):
        lab.parameters(given)
