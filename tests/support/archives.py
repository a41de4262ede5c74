"""Archives of a small image set called `toys`, and whether it arrived whole."""

import functools
import io
import zipfile
from pathlib import Path

from PIL import Image

NAME = "toys"


@functools.cache
def png() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(buffer, "png")
    return buffer.getvalue()


def members(top: str = "toys/") -> dict[str, bytes]:
    folders = ("trainA", "trainB", "testA", "testB")
    return {f"{top}{folder}/{i}.png": png() for folder in folders for i in range(2)}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def is_complete(root: Path) -> bool:
    files = [p for p in (root / NAME).rglob("*") if p.is_file()]
    return len(files) == 8 and all(p.read_bytes() == png() for p in files)
