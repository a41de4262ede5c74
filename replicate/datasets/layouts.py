"""The two folder layouts that users meet, and how a folder is told to be in one of them."""

from pathlib import Path
from typing import Literal, get_args

from replicate.paths import shown as shown

SPLITS = ("train", "test")
FOLDERS = {
    "cyclegan": {"train": ("trainA", "trainB"), "test": ("testA", "testB")},
    "pix2pix": {"train": ("train",), "test": ("test",)},
}
OTHERS = "testOthers"  # test images that are neither of A nor of B
# How an image becomes a square: all of it squeezed, its centre cut out, or white beside it.
Fit = Literal["squash", "crop", "pad"]
FITS = get_args(Fit)
DIGITS = ("mnist", "svhn", "usps")  # the domains of the layout `torchvision`, see `digits`


def expected(layout: str, folder: Path) -> str:
    """`data/maps/{trainA,trainB,testA,testB}`: what a folder in `layout` holds."""
    wanted = [name for split in SPLITS for name in FOLDERS[layout][split]]
    return f"{shown(folder)}/{{{','.join(wanted)}}}"


def layout_of(folder: Path) -> str | None:
    """The layout in which `folder` is, or None; one split of it is enough to tell."""
    for layout, splits in FOLDERS.items():
        if any((folder / name).is_dir() for names in splits.values() for name in names):
            return layout
    return None


def nested(folder: Path) -> Path | None:
    """The first subfolder, at most three levels down, that is in a known layout, or None.

    Archives often hold one more top folder than their name says.
    """
    level = [folder]
    for _ in range(3):
        level = [d for parent in level for d in sorted(parent.iterdir()) if _is_plain_dir(d)]
        matches = [d for d in level if layout_of(d)]
        if matches:
            return matches[0]
    return None


def hint(folder: Path) -> str:
    """` Did you mean data/maps/maps/?` where a nested folder is in a known layout, else nothing."""
    inside = nested(folder) if folder.is_dir() else None
    return f" Did you mean {shown(inside)}/?" if inside else ""


def _is_plain_dir(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith((".", "__MACOSX"))
