"""What the tests of the preference page share: small folders of images, studies, a browser."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pytest
from PIL import Image
from preference.browser import Browser

from replicate.preference.material import Material, folder_images
from replicate.preference.page import make_study, write

METHODS = ("zorblax", "quintor", "marvolo")  # names that no other text holds
SIDE = 16  # px
STEMS = [f"scene-{i:02d}" for i in range(12)]


class Made(NamedTuple):
    """A study on disk."""

    page: Path
    key_file: Path

    @property
    def key(self) -> dict:
        return json.loads(self.key_file.read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a folder of images of noise."""

    def make(name: str, stems: list[str] = STEMS, side: int = SIDE) -> Path:
        rng = np.random.default_rng(sum(map(ord, name)))
        made = tmp_path / "images" / name
        made.mkdir(parents=True)
        for stem in stems:
            pixels = rng.integers(0, 256, (side, side, 3), np.uint8)
            Image.fromarray(pixels).save(made / f"{stem}.png")
        return made

    return make


@pytest.fixture
def material(folder: Callable[..., Path]) -> Callable[..., Material]:
    """A function that gives the images of so many methods."""

    def make(methods: int = 2, side: int = SIDE) -> Material:
        names = METHODS[:methods]
        return Material(
            {name: folder_images(folder(name, side=side)) for name in names},
            folder_images(folder("inputs", side=side)),
            folder_images(folder("truth", [f"photo-{i:02d}" for i in range(12)], side)),
            "heron",
        )

    return make


@pytest.fixture
def study(
    material: Callable[..., Material], tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[..., Made]:
    """A function that writes a page and its key, another study in every test."""

    def make(mode: str, methods: int = 2, trials: int = 4, **choices: object) -> Made:
        seed = crc32(request.node.name.encode())
        made = make_study(mode, material(methods), trials, seed=seed, **choices)
        return Made(*write(made, tmp_path / "page.html"))

    return make


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests; each study has its own place in its storage."""
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.stop()
