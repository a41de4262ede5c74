"""Cityscapes into pairs: photo left and label colours right, 512x256.

Deviations from the script of CUT (datasets/prepare_cityscapes_dataset.py:18-66 @b3ac297): labels
are resized by NEAREST, which Pillow did by default before version 7, since BICUBIC mixes colours
into those of no class; pairs are PNG, since JPEG does so too; numbers have four digits. Names that
the FCN scorer needs are kept in `names.csv`, the labelIds under the name of their pair.
"""

from pathlib import Path

from PIL import Image

from replicate.datasets.recipes.planning import Picture, Plan, colours, find, lacking, photo
from replicate.errors import ReplicateError
from replicate.naming import contents
from replicate.paths import shown

OPTIONS = ()
DOMAINS = ("photo", "label")
SIDE = 256  # px, of each half
SPLITS = {"train": "train", "test": "val"}  # pix2pix and CycleGAN test on Cityscapes' val
PHOTO, COLOUR, IDS = "_leftImg8bit.png", "_gtFine_color.png", "_gtFine_labelIds.png"
ARCHIVES = {"leftImg8bit": "leftImg8bit_trainvaltest.zip", "gtFine": "gtFine_trainvaltest.zip"}


def source() -> str:
    """What the set is, in words."""
    return "Cityscapes (leftImg8bit, gtFine), pairs of 256 px halves, photo BICUBIC, label NEAREST"


def plan(folder: Path) -> Plan:
    """Pairs of `train` and, as test, of `val`; in the order of the original names.

    Args:
        folder: holds `leftImg8bit/{train,val}/CITY/` and `gtFine/{train,val}/CITY/`.

    Raises:
        ReplicateError: a folder is missing, or a photo or label has no partner.
    """
    roots = {name: find(folder, name, archive) for name, archive in ARCHIVES.items()}
    pictures, copies, names = [], {}, [("file", "original")]
    for split, original in SPLITS.items():
        for i, (stem, files) in enumerate(_files(roots, original).items()):
            target = f"{split}/{i:04d}.png"
            pictures.append(Picture(target, files[:2]))
            if len(files) == 3:
                copies[f"labelIds/{target}"] = files[2]
            names.append((target, stem))
    lacks = () if copies else (f"no *{IDS}, which the segmentation scores need",)
    tables = {"names.csv": names}
    return Plan(
        "pix2pix", DOMAINS, pictures, _pair, "photo", copies=copies, tables=tables, remarks=lacks
    )


def _files(roots: dict[str, Path], split: str) -> dict[str, tuple[Path, ...]]:
    """Photo, colours and, if there are any, labelIds by name, such as `aachen_000000_000019`."""
    photos, labels = (roots[name] / split for name in ARCHIVES)
    stems = {p.name.removesuffix(PHOTO): p for p in photos.glob(f"*/*{PHOTO}")}
    labelled = {p.name.removesuffix(COLOUR): p for p in labels.glob(f"*/*{COLOUR}")}
    if not stems and not labelled:
        raise ReplicateError(
            f"{shown(photos)} has no CITY/*{PHOTO} ({contents(photos)}). {_way_out('leftImg8bit')}"
        )
    if alone := sorted(set(labelled) - set(stems)):
        gone = [photos / labelled[s].parent.name / f"{s}{PHOTO}" for s in alone]
        raise lacking("photos are missing", gone, len(labelled), _way_out("leftImg8bit"))
    endings = (COLOUR, IDS) if any(labels.glob(f"*/*{IDS}")) else (COLOUR,)
    by_stem = {}
    for stem, file in sorted(stems.items()):
        beside = labels / file.parent.name
        by_stem[stem] = (file, *(beside / f"{stem}{ending}" for ending in endings))
    if gone := [file for files in by_stem.values() for file in files[1:] if not file.is_file()]:
        total = len(endings) * len(by_stem)
        raise lacking("label files are missing", gone, total, _way_out("gtFine"))
    return by_stem


def _way_out(name: str) -> str:
    return f"They come with {ARCHIVES[name]} of Cityscapes: unpack it there, and run again"


def _pair(picture: Picture) -> Image.Image:
    size = (SIDE, SIDE)
    left = photo(picture.files[0]).resize(size, Image.Resampling.BICUBIC)
    right = colours(picture.files[1]).resize(size, Image.Resampling.NEAREST)
    both = Image.new("RGB", (2 * SIDE, SIDE))
    both.paste(left, (0, 0))
    both.paste(right, (SIDE, 0))
    return both
