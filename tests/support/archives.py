"""Archives of a small image set called `toys`, and whether it arrived whole."""

import functools
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from support.server import Server

from replicate.datasets.spec import Mirror

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


def tarred(files: dict[str, bytes], mode: str = "w:gz", *special: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in special:
            archive.addfile(info)
    return buffer.getvalue()


def is_complete(root: Path) -> bool:
    files = [p for p in (root / NAME).rglob("*") if p.is_file()]
    return len(files) == 8 and all(p.read_bytes() == png() for p in files)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def served(server: Server, entry: Callable[..., None], content: bytes, **fields) -> bytes:
    """An entry whose one address serves `content`, with its checksum on record."""
    server.pages["/toys.zip"] = content
    entry((Mirror(url=f"{server.url}/toys.zip", sha256=sha(content)),), **fields)
    return content


def left_behind(root: Path) -> list[str]:
    """Everything below the data root but the lock."""
    return sorted(p.name for p in root.rglob("*") if p.suffix != ".lock" and p.name != ".fetch")
