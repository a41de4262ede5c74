"""Photographs of the shelf beside the repository, which is not part of it: `shared/data/*.zip`."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from replicate import paths

SHELF = paths.ROOT.parent / "shared" / "data"


def photographs(name: str, folder: str, every: int = 1) -> list[np.ndarray]:
    """Every so many-th image of a folder of a set, in the order of their names, (H, W, 3) uint8.

    The test that asks is skipped, by the archive's name, where the shelf is not here.
    """
    archive = SHELF / f"{name}.zip"
    if not archive.is_file():
        pytest.skip(f"needs the shelf's photographs: {archive.name} is not in {SHELF}")
    with zipfile.ZipFile(archive) as opened:
        names = sorted(n for n in opened.namelist() if n.startswith(f"{name}/{folder}/"))
        names = [n for n in names if n.endswith(".jpg")][::every]
        return [np.asarray(Image.open(io.BytesIO(opened.read(n))).convert("RGB")) for n in names]
