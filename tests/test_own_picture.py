"""The README's way to one's own picture: two commands, and five lines of Python."""

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
def place(tiny, workspace, monkeypatch):
    """A folder with a photograph, where the README's set is one of eight images."""
    (workspace / "data" / tiny).rename(workspace / "data" / "few")
    photo = np.random.default_rng(0).integers(0, 256, (30, 44, 3), np.uint8)
    Image.fromarray(photo).save(workspace / "my_horse.jpg")
    monkeypatch.chdir(workspace)
    yield workspace
    torch.use_deterministic_algorithms(False)


def quick(text: str) -> str:
    """The text at budget smoke, on the small set: the same commands in seconds."""
    text = text.replace("horse2zebra_drawn", "few").replace("--budget laptop", "--budget smoke")
    return text.replace("horse->zebra", "A->B")


def size(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def test_two_commands_and_five_lines_translate_a_picture(place):
    assert len(COMMANDS) == 2  # after `make setup`, which made what runs this test
    for line in COMMANDS:
        words = quick(line).removeprefix(".venv/bin/replicate ").split()
        assert CliRunner().invoke(app, words).exit_code == 0, line
    assert size(place / "translated" / "my_horse.png") == (44, 30)
    assert (place / "translated" / "grid.png").is_file()
    assert len([line for line in LINES.splitlines() if line]) <= 5
    exec(compile(quick(LINES), "README.md", "exec"), {})
    assert size(place / "my_zebra.png") == (44, 30)
