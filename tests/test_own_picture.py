"""The README's way to one's own picture: a command, and five lines of Python."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from replicate import paths
from replicate.cli import app

TEXT = (paths.ROOT / "README.md").read_text("utf-8").partition("## Translate your own picture")[2]
COMMANDS = re.findall(r"^ {4}(\S.*)$", TEXT.partition("```")[0], re.M)
LINES = re.search(r"```python\n(.*?)```", TEXT, re.S)[1]


@pytest.fixture
def place(workspace, monkeypatch):
    """A folder with a photograph, of somebody who has trained nothing."""
    photo = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)
    Image.fromarray(photo).save(workspace / "my_horse.jpg")
    monkeypatch.chdir(workspace)
    yield workspace
    torch.use_deterministic_algorithms(False)


def size(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def test_a_command_and_five_lines_translate_a_picture_by_weights_of_the_repository(place):
    (line,) = COMMANDS  # after `make setup`, which made what runs this test
    words = line.removeprefix(".venv/bin/replicate ").split()
    assert CliRunner().invoke(app, words).exit_code == 0, line
    assert size(place / "translated" / "my_horse.png") == (44, 30)
    assert (place / "translated" / "grid.png").is_file()
    assert len([line for line in LINES.splitlines() if line]) <= 5
    exec(compile(LINES, "README.md", "exec"), {})
    assert size(place / "my_zebra.png") == (44, 30)
