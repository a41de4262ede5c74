"""Small image folders in the layouts of data sets."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (12, 10)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


def unpaired(folder: Path, counts=(3, 2, 2, 2)) -> Path:
    for k, (name, n) in enumerate(zip(("trainA", "trainB", "testA", "testB"), counts, strict=True)):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            picture(100 * k + i).save(folder / name / f"{i}.png")
    return folder


def paired(folder: Path) -> Path:
    for name in ("train", "test"):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            both = Image.new("RGB", (32, 16), (200, 0, 0))
            both.paste((0, 0, 10 + i), (16, 0, 32, 16))
            both.save(folder / name / f"{i}.png")
    return folder


def write_tiny(data: Path, name: str = "tiny", size: int = 32) -> str:
    """A set of eight random images a folder below `data`, the least that has every score."""
    rng = np.random.default_rng(0)
    for folder in ("trainA", "trainB", "testA", "testB"):
        (data / name / folder).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 256, (size, size, 3), np.uint8)
            Image.fromarray(pixels).save(data / name / folder / f"{i}.png")
    return name
