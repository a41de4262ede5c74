"""`import replicate`: quick, lazy, and what docs/python.md says of it is true."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from support import weights

import replicate
from replicate import paths
from replicate.errors import ReplicateError

PAGE = (paths.ROOT / "docs" / "python.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
RNG = np.random.default_rng(0)


def test_the_ten_examples_run_in_their_order(tiny, workspace, monkeypatch):
    assert len(EXAMPLES) == 10 and "**10." in PAGE
    (workspace / "data" / tiny).rename(workspace / "data" / "mine")
    Image.fromarray(RNG.integers(0, 256, (40, 56, 3), np.uint8)).save(workspace / "photo.png")
    monkeypatch.chdir(workspace)
    here: dict[str, object] = {}
    try:
        for example in EXAMPLES:
            exec(compile(example, "docs/python.md", "exec"), here)
    finally:
        torch.use_deterministic_algorithms(False)
    assert (workspace / "translated.png").is_file()
    assert here["score"].protocol == "kid/standin" and here["score"].value is not None
    assert here["stronger"].label == "paper+lambda_cyc=20.0"


def test_importing_is_light():
    code = "import sys, replicate; print(*sys.modules); replicate.__version__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pandas"} & set(done.stdout.split())
    assert replicate.__version__.count(".") == 2 and "load" in dir(replicate)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        replicate.lode  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        replicate.networks.lode  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        replicate.metrics.lode  # noqa: B018


def test_weights_must_be_of_the_method_that_is_named(tmp_path):
    file = weights.write(tmp_path, "aggan")
    assert replicate.load("aggan", weights=file).card.method == "aggan"
    with pytest.raises(ReplicateError, match="holds weights of aggan, expected those of cyclegan"):
        replicate.load("cyclegan", weights=file)
    with pytest.raises(ReplicateError, match="aggan is a method without weights"):
        replicate.load("aggan")


def test_a_score_by_a_call_is_that_of_its_protocol():
    sets = [RNG.integers(0, 256, (6, 32, 32, 3), np.uint8) for _ in range(2)]
    score = replicate.metrics.kid(*sets, protocol="kid/standin")
    assert (score.n_fake, score.n_real, score.protocol) == (6, 6, "kid/standin")
    assert replicate.metrics.fid(*sets, protocol="fid/standin").value > 0
    with pytest.raises(ReplicateError, match="fid/standin is no protocol of kid"):
        replicate.metrics.kid(*sets, protocol="fid/standin")
    with pytest.raises(ReplicateError, match="kid/gm-mean098 needs source, too"):
        replicate.metrics.kid(*sets, protocol="kid/gm-mean098")
