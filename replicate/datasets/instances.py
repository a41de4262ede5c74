"""Which pixel belongs to which instance: one map an image, for methods that take instances.

A map is uint8 (S, S): 0 where no instance is, else the number of one. Of instances that overlap the
smaller one lies on top, of drawn animals the nearer one. Drawn sets know theirs; of image files
they lie beside the set's masks, in `<data>/masks/<set>/`, for each folder of images such as
`trainA` in the first of these that is there:

- `trainA.json`: polygons in COCO's format; images without annotations have no instance;
- `trainA_instances/`: PNG files, for an image `x.jpg` either `x_0.png`, `x_1.png` ..., each white
  on one instance, or `x.png`, black where no instance is and of another colour for each instance;
- `trainA_mask/`: one `x.png` an image, white on the object: the image has one instance.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from replicate import paths
from replicate.datasets import drawn, drawn_herd, folders, hashes, masks, packing
from replicate.datasets.layouts import shown
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError
from replicate.images import colours, grey, unconverted

VERSION = 1  # raise when the same files or scenes give other maps
MOST = 255  # instances of an image
HALF = 128  # of 256 levels, as of `masks`

Read = Callable[[], Iterator[np.ndarray]]  # the maps of a domain, in the order of its images


def with_instances(images: ImageSet, needed: bool = True) -> ImageSet:
    """The set with "A_instances" and "B_instances", (N, S, S) uint8; kept beside its arrays.

    Args:
        images: a packed split. One without a passport is in memory alone: its masks are one
            instance each.
        needed: whether a domain without masks is an error; else it gets no maps.

    Raises:
        ReplicateError: a domain has no masks, masks are no masks of its images, or the disk is
            full.
    """
    digests = images.passport.get("arrays")
    sources = {X: _source(images, X) for X in "AB"}
    if needed and (lacking := [X for X, source in sources.items() if source is None]):
        X = lacking[0]
        raise ReplicateError(
            f"{images.name} has no masks of {images.domains['AB'.index(X)]} ({images.split}{X}); "
            f"expected {_places(images, X)}"
        )
    arrays = {}
    for X, source in sources.items():
        if source is not None:
            content, read = source
            key = f"{X}_instances"
            kept = digests is not None
            arrays[key] = _kept(images, key, content, read) if kept else np.stack(list(read()))
    return replace(images, arrays=images.arrays | arrays)


def _source(images: ImageSet, X: str) -> tuple[str, Read] | None:
    """What the maps of a domain are made from, as a hash, and how; None without masks."""
    digests = images.passport.get("arrays")
    entry = None if digests is None else spec(images.name)
    if images.name in DRAWN and entry:
        return packing.drawn_content(images.name), partial(_of_scenes, images, X)
    if entry and entry.layout == "cyclegan":
        return _of_files(entry, images, X)
    key = f"{X}_mask"  # of sets in memory, and of drawn ones with an object an image
    if key not in images.arrays:
        return None
    return digests[key] if digests else "", partial(iter, images.arrays[key])


def _kept(images: ImageSet, key: str, content: str, read: Read) -> np.ndarray:
    """An array from the disk, made there at the first call."""
    about = [VERSION, content, images.names[key[0]]]
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    name = f"{images.name}-{images.split}-{images.size}-{key}-{digest}"
    target = paths.derived("packed", name)
    shape = images.arrays[key[0]].shape[:3]

    def fill(folder: Path) -> dict:
        with packing.ArrayWriter(folder / f"{key}.npy", shape, np.dtype(np.uint8)) as writer:
            for made in read():
                writer.append(made[None])
        return {"version": VERSION, "arrays": {key: writer.sha256}}

    if not (target / "passport.json").is_file():
        packing.build(target, fill)
    return np.load(target / f"{key}.npy", mmap_mode="r")


# Drawn scenes


def _of_scenes(images: ImageSet, X: str) -> Iterator[np.ndarray]:
    one, domain = DRAWN[images.name], images.domains["AB".index(X)]
    for i in range(len(images.arrays[X])):
        yield one(images.split, domain, i, images.size)


def _one_animal(split: str, domain: str, index: int, size: int) -> np.ndarray:
    return drawn.draw_one(split, domain, index, size)["mask"]


def _herd(split: str, domain: str, index: int, size: int) -> np.ndarray:
    """The animals of a scene, numbered from the farthest on."""
    made, number = np.zeros((size, size), np.uint8), 0
    for thing in drawn_herd._scene(split, domain, index)[1]:
        if thing.kind == "animal":
            number += 1
            box = drawn._box(thing, size)
            inside, _ = drawn_herd._counts(thing, box, size)
            made[box][2 * inside >= drawn.SUPERSAMPLE**2] = number
    return made


DRAWN = {drawn.NAME: _one_animal, drawn_herd.NAME: _herd}


# Files


def _of_files(entry: Spec, images: ImageSet, X: str) -> tuple[str, Read] | None:
    place, files = _folder(entry, images.split, X)
    stems = [Path(name).stem for name in images.names[X]]
    polygons = place.with_name(f"{place.name}.json")
    many, one = (place.with_name(f"{place.name}_{end}") for end in ("instances", "mask"))
    how = {"size": images.size, "fit": entry.fit}
    if polygons.is_file():
        domain = images.domains["AB".index(X)]
        content = f"{hashes.sha256(polygons)} {domain} {entry.fit}"
        return content, partial(_of_polygons, polygons, files, domain, **how)
    if many.is_dir():
        groups = _by_stem(many, stems)
        form = f"{stems[0]}_0.png, {stems[0]}_1.png ..., or {stems[0]}.png of several colours"
    elif one.is_dir():
        groups = [[f] if (f := one / f"{stem}.png").is_file() else [] for stem in stems]
        form = f"{stems[0]}.png ..., white on the object"
    else:
        return None
    there = [file for group in groups for file in group]
    if not there:
        raise ReplicateError(
            f"{shown(many if many.is_dir() else one)} has no mask of any image of "
            f"{shown(files[0].parent)}; expected {form}"
        )
    coloured = [
        many.is_dir() and [file.stem for file in group] == [stem]
        for group, stem in zip(groups, stems, strict=True)
    ]
    return f"{_content(there)} {entry.fit}", partial(_of_groups, groups, coloured, **how)


def _of_groups(
    groups: list[list[Path]], coloured: list[bool], size: int, fit: str
) -> Iterator[np.ndarray]:
    """The maps of all images, of the files of each; an image without one has no instance.

    Args:
        coloured: for each image whether its one file has a colour for each instance.
    """
    for group, by_colour in zip(groups, coloured, strict=True):
        yield painted(_by_colour(group[0]) if by_colour else _by_file(group), size, fit)


def _folder(entry: Spec, split: str, X: str) -> tuple[Path, list[Path]]:
    """Where masks of a domain lie, without what the forms add to the name; and the image files."""
    files = folders.split_files(entry, split)
    name = list(files)["AB".index(X)]
    return masks.folder(entry) / name, files[name]


def _places(images: ImageSet, X: str) -> str:
    if images.passport.get("arrays") is None or spec(images.name).layout != "cyclegan":
        return "a set of image files with masks, or a drawn one (`replicate data list`)"
    place, _ = _folder(spec(images.name), images.split, X)
    return (
        f"{shown(place)}.json (COCO polygons), {shown(place)}_instances/ or {shown(place)}_mask/ "
        "(PNG files); see data/README.md"
    )


def _content(files: list[Path]) -> str:
    """A hash of the names and contents of files; an image that has none yet may get one."""
    known = [(file.name, hashes.sha256(file)) for file in files]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _by_stem(folder: Path, stems: list[str]) -> list[list[Path]]:
    """For each image `STEM_0.png`, `STEM_1.png` ... by their numbers, or `STEM.png`, or none."""
    numbered: dict[str, dict[int, Path]] = {}
    for file in folder.glob("*.png"):
        if match := re.fullmatch(r"(.+)_(\d+)", file.stem):
            numbered.setdefault(match[1], {})[int(match[2])] = file
    groups = []
    for stem in stems:
        single, several = folder / f"{stem}.png", numbered.get(stem, {})
        if several and single.is_file():
            raise ReplicateError(
                f"{shown(folder)} has {single.name} and {several[min(several)].name}: expected one "
                "file of several colours, or one for each instance; take one form away"
            )
        groups.append([several[i] for i in sorted(several)] or [single] * single.is_file())
    return groups


def _by_file(files: list[Path]) -> list[np.ndarray]:
    """(H, W) bool of the files of an image, each where it is white."""
    if len(files) > MOST:
        raise ReplicateError(
            f"{shown(files[0])} is one of {len(files)} instances; expected {MOST} or fewer"
        )
    whole = [grey(file) >= HALF / 255 for file in files]
    if len({mask.shape for mask in whole}) > 1:
        raise ReplicateError(
            f"{shown(files[0])} and the other masks of its image have several sizes; expected one"
        )
    return whole


def _by_colour(file: Path) -> list[np.ndarray]:
    """(H, W) bool of each colour of a file but black."""
    stored = unconverted(file).image
    pixels = np.asarray(colours(file) if stored.mode in ("P", "RGBA") else stored)
    values = pixels.astype(np.int64)
    if values.ndim == 3:
        values = values @ np.array([1 << 16, 1 << 8, 1])
    used = np.unique(values[values > 0])
    if len(used) > MOST:
        raise ReplicateError(
            f"{shown(file)} has {len(used)} colours besides black: expected one for each "
            f"instance, {MOST} or fewer; save it without smoothing and without JPEG"
        )
    return [values == colour for colour in used]


def painted(instances: list[np.ndarray], size: int, fit: str) -> np.ndarray:
    """The map of instances, brought to the size of their image; the smaller lie on top.

    Args:
        instances: (H, W) bool, at most `MOST`.
        size: side of the square, px.
        fit: as of `packing.fitted`.
    """
    made = np.zeros((size, size), np.uint8)
    squares = [_fitted(mask, size, fit) for mask in instances]
    for i in sorted(range(len(squares)), key=lambda i: -int(squares[i].sum())):
        made[squares[i]] = i + 1
    return made


def _fitted(mask: np.ndarray, size: int, fit: str) -> np.ndarray:
    """A mask as its image is fitted; inverted on the way, since what is added there is white."""
    image = ImageOps.invert(Image.fromarray(255 * mask.astype(np.uint8)))
    return np.asarray(packing.fitted(image, fit, size)) < HALF


def _of_polygons(
    file: Path, images: list[Path], domain: str, size: int, fit: str
) -> Iterator[np.ndarray]:
    """The maps of all images, of polygons in COCO's format."""
    polygons = read_polygons(file, domain)
    if not {image.name for image in images} & set(polygons):
        raise ReplicateError(
            f"{shown(file)} names none of the images of {shown(images[0].parent)}, such as "
            f"{images[0].name}; expected their names as file_name"
        )
    for image in images:
        instances = [_filled(*one) for one in polygons.get(image.name, [])]
        yield painted(instances, size, fit)


class Outline(NamedTuple):
    """An instance by its polygons, each x, y, x, y ... in px of an image of this size."""

    polygons: list[list[float]]
    width: int
    height: int


def read_polygons(file: Path, domain: str) -> dict[str, list[Outline]]:
    """Every instance, by the name of its image.

    Args:
        file: JSON in COCO's format: images with id, file_name, width and height; annotations with
            image_id and segmentation, a list of polygons. Crowds are left out.
        domain: where a category has this name, only its instances count.

    Raises:
        ReplicateError: the file is no such JSON, a segmentation is no polygon, or an image has more
            than `MOST` of them.
    """
    try:
        stored = json.loads(file.read_text("utf-8"))
        about = {image["id"]: image for image in stored["images"]}
        wanted = {c["id"] for c in stored.get("categories", []) if c["name"] == domain}
        outlines: dict[str, list[Outline]] = {
            Path(image["file_name"]).name: [] for image in about.values()
        }
        for one in stored["annotations"]:
            if one.get("iscrowd") or (wanted and one["category_id"] not in wanted):
                continue
            image = about[one["image_id"]]
            polygons = [_numbers(polygon) for polygon in _list(one["segmentation"])]
            outline = Outline(polygons, int(image["width"]), int(image["height"]))
            outlines[Path(image["file_name"]).name].append(outline)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReplicateError(
            f"{shown(file)} is no list of polygons in COCO's format ({type(error).__name__}: "
            f"{error}); expected images with id, file_name, width and height, and annotations "
            "with image_id and segmentation, a list of polygons"
        ) from error
    if crowded := [name for name, some in outlines.items() if len(some) > MOST]:
        name = crowded[0]
        raise ReplicateError(
            f"{shown(file)}: {name} has {len(outlines[name])} instances; expected {MOST} or fewer"
        )
    return outlines


def _list(segmentation: object) -> list:
    if not isinstance(segmentation, list):
        raise TypeError("a segmentation is no list of polygons, but encoded by runs")
    return segmentation


def _numbers(polygon: list) -> list[float]:
    if len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"a polygon of {len(polygon)} numbers, expected 6, 8, 10 ...")
    return [float(number) for number in polygon]


def _filled(polygons: list[list[float]], width: int, height: int) -> np.ndarray:
    """(height, width) bool of an outline, its border included."""
    image = Image.new("L", (width, height))
    for polygon in polygons:
        ImageDraw.Draw(image).polygon(polygon, fill=255)
    return np.asarray(image) > 0
