"""A set from a user's own two folders: checked, split, written in a layout of its own.

Which images are for testing is on every machine the same, by a seed and what they show.
"""

import hashlib
import os
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from pydantic import ValidationError

from replicate import naming
from replicate.datasets import folders, layouts
from replicate.datasets.placing import describe, holds_something, place
from replicate.datasets.spec import NAME, RESERVED, Spec, can_name, registered, spec
from replicate.errors import ReplicateError, unknown
from replicate.images import Undecodable, decode, read
from replicate.parallel import in_order
from replicate.paths import shown
from replicate.progress import bar

SOURCE = "own folders"
SHOWN = 20  # file names an error names
Sources = tuple[Path, ...]  # what an image of the set is made of: a file, or A's and B's


class Content(NamedTuple):
    """What an image shows: (width, height) in px, and a hash of its pixels."""

    size: tuple[int, int]
    pixels: str


def new(
    name: str,
    folders_ab: tuple[Path, Path],
    domains: tuple[str, str] | None = None,
    test: float = 0.1,
    seed: int = 0,
    link: bool = False,
    progress: bool = True,
    paired: bool = False,
    fit: str = "squash",
    subfolders: bool = False,
) -> Spec:
    """The entry of a set made of two folders of images; asked again, nothing is done.

    Which images are for testing follows from the seed and the pixels (`splitting.for_testing`), so
    equal images are never on both sides, and file names and their order do not matter.

    Args:
        name: of the set to be, `data/NAME`.
        folders_ab: the images of A and of B, directly inside.
        domains: what A and B are called; None: the folders' names, or A and B where those are no
            two different words.
        test: share of the test images, 0 to 1.
        seed: of the split.
        link: whether the set holds links to the files, which must then stay where they are.
        progress: whether bars run.
        paired: whether images of one name (`naming.match`) show the same thing: each two of them
            become one PNG file, A on the left.
        fit: how images become squares, one of `layouts.FITS`.
        subfolders: whether the images below subfolders are taken, too.

    Raises:
        ReplicateError: a name or a value that cannot be; a folder without images; images that
            cannot be decoded, that lack a partner or differ from it in size, each by name; or
            another set of this name. Nothing is left then.
    """
    check_name(name)
    if not 0 < test < 1:
        raise ReplicateError(f"test {test:g}: expected a share between 0 and 1, such as 0.1")
    if fit not in layouts.FITS:
        raise unknown("fit", fit, layouts.FITS)
    if paired and link:
        raise ReplicateError("paired images are written side by side: expected no links to them")
    roots = tuple(Path(folder).expanduser().resolve() for folder in folders_ab)
    if roots[0] == roots[1]:
        raise ReplicateError(f"{shown(roots[0])} is given twice, expected two folders: A's and B's")
    images = {letter: _images(f, subfolders) for letter, f in zip("AB", roots, strict=True)}
    files = (_paired if paired else _unpaired)(images, roots, test, seed, progress)
    entry = _entry(name, domains or _default_domains(roots), files, paired, fit)
    options = "".join([" --paired" * paired, f" --fit {fit}" * (fit != "squash")])
    command = f"replicate data new {name} ... --test {test:g} --seed {seed}{options}"
    if holds_something(entry.folder) or not place(
        entry.folder, lambda folder: _write(folder, entry, files, link, command)
    ):
        _check_present(entry, files)
    else:
        counts = ", ".join(f"{folder} {n}" for folder, n in entry.counts.items())
        print(f"{name}: {'linked' if link else 'copied'} to {shown(entry.folder)} ({counts})")
    _say_left_out(roots, subfolders)
    return spec(name)


def check_name(name: str) -> None:
    """Nothing, or the error for a name that no new set can have."""
    if registered(name):
        raise ReplicateError(f"{name} is a set of data/datasets.yaml; expected a name of its own")
    if not can_name(name):
        raise ReplicateError(
            f"{name!r} cannot name a data set: expected letters, digits, '_', '-' and '.', and "
            f"none of {', '.join(RESERVED)}"
        )


def _images(folder: Path, subfolders: bool) -> dict[str, Path]:
    """The image files of a folder by the names that they get in the set."""
    files = naming.image_files(folder, subfolders) if folder.is_dir() else []
    if len(files) < 2:
        where = "below it" if subfolders else "directly inside"
        raise ReplicateError(
            f"{shown(folder)} has {len(files)} images ({naming.looked_for(folder)}), expected at "
            f"least 2 {where}: one to train with and one to test"
        )
    names = [naming.flat(file, folder) for file in files]
    naming.check_stems([folder / name for name in names])
    return dict(zip(names, files, strict=True))


def _contents(files: list[Path], progress: bool) -> list[Content]:
    """What every image shows; all files that cannot be decoded are named together."""
    contents, broken = [], []
    with bar(len(files), "reading images", "image", progress) as steps:
        for file, content in zip(files, in_order(_content, files), strict=True):
            steps.update()
            if isinstance(content, Undecodable):
                broken.append(f"{shown(file)} ({content.reason})")
            else:
                contents.append(content)
    if broken:
        raise ReplicateError(
            f"{len(broken)} files cannot be decoded: {_listed(broken)}. Replace or delete them, "
            "and run again"
        )
    return contents


def _content(file: Path) -> Content | Undecodable:
    try:
        image = decode(file).image
    except Undecodable as error:
        return error
    pixels = np.asarray(image)
    content = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return Content(image.size, content)


def _unpaired(
    images: dict[str, dict[str, Path]],
    roots: tuple[Path, Path],
    share: float,
    seed: int,
    progress: bool,
) -> dict[str, Sources]:
    """What is written where: of each folder, by `trainA/name`."""
    both = [file for named in images.values() for file in named.values()]
    shows = dict(zip(both, (c.pixels for c in _contents(both, progress)), strict=True))
    contents = {X: [shows[file] for file in named.values()] for X, named in images.items()}
    files = {}
    for X, chosen in for_testing(contents, share, seed).items():
        _check_split(chosen, roots["AB".index(X)])
        for (name, file), tested in zip(images[X].items(), chosen, strict=True):
            files[f"{'test' if tested else 'train'}{X}/{name}"] = (file,)
    return files


def _paired(
    images: dict[str, dict[str, Path]],
    roots: tuple[Path, Path],
    share: float,
    seed: int,
    progress: bool,
) -> dict[str, Sources]:
    """What is written where: each two images of one name, by `train/name.png`."""
    names = [list(named) for named in images.values()]
    groups, rule = naming.match(names, [shown(folder) for folder in roots], "a paired set")
    lefts, rights = ([list(images[X].values())[g[i]] for g in groups] for i, X in enumerate("AB"))
    shows = _contents(lefts + rights, progress)
    half = len(groups)
    pairs = list(zip(shows[:half], shows[half:], strict=True))
    unequal = [
        f"{a.name} is {x.size[0]}x{x.size[1]}, {b.name} {y.size[0]}x{y.size[1]}"
        for a, b, (x, y) in zip(lefts, rights, pairs, strict=True)
        if x.size != y.size
    ]
    if unequal:
        raise ReplicateError(
            f"{len(unequal)} of {half} pairs differ in size: {_listed(unequal)}; expected the two "
            "images of a pair to be of one size: resize one of them"
        )
    print(f"{half} pairs, {rule}: {lefts[0].name} with {rights[0].name}, and so on")
    contents = {"pairs": [f"{x.pixels} {y.pixels}" for x, y in pairs]}
    chosen = for_testing(contents, share, seed)["pairs"]
    _check_split(chosen, roots[0])
    stems = [Path(names[0][group[0]]).stem for group in groups]
    return {
        f"{'test' if tested else 'train'}/{stem}.png": sources
        for stem, tested, sources in zip(
            stems, chosen, zip(lefts, rights, strict=True), strict=True
        )
    }


def _check_split(chosen: list[bool], folder: Path) -> None:
    if not any(chosen):
        raise ReplicateError(
            f"{shown(folder)} has {len(chosen)} images, too few of them different to train with "
            "some and test with others; expected 2 different ones or more that are not in the "
            "other folder"
        )


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def _say_left_out(roots: tuple[Path, Path], subfolders: bool) -> None:
    """A line for each folder of which something is not in the set."""
    for folder in roots:
        if left := naming.left_out(folder, subfolders):
            hint = "" if subfolders else "; --subfolders takes the images of folders, too"
            print(f"left out of {shown(folder)}: {left}{hint if ' folder (' in left else ''}")


def _default_domains(roots: tuple[Path, Path]) -> tuple[str, str]:
    names = tuple(folder.name for folder in roots)
    return names if all(map(NAME.fullmatch, names)) and names[0] != names[1] else ("A", "B")


def _entry(
    name: str, domains: tuple[str, str], files: dict[str, Sources], paired: bool, fit: str
) -> Spec:
    layout = "pix2pix" if paired else "cyclegan"
    parents = [target.split("/")[0] for target in files]
    places = [place for split in layouts.FOLDERS[layout].values() for place in split]
    fields = {"layout": layout, "domains": domains, "source": SOURCE, "licence": "", "fit": fit}
    counts = {place: parents.count(place) for place in places}
    try:
        return Spec(name=name, counts=counts, left=domains[0] if paired else None, **fields)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ReplicateError(f"{name}: {reason}") from error


def _write(folder: Path, entry: Spec, files: dict[str, Sources], link: bool, command: str) -> None:
    for split in layouts.FOLDERS[entry.layout].values():
        for place_ in split:
            (folder / place_).mkdir()
    for target, sources in files.items():
        if entry.paired:
            Image.fromarray(_side_by_side(sources)).save(folder / target)
        elif link:
            os.symlink(sources[0], folder / target)
        else:
            shutil.copyfile(sources[0], folder / target)
    describe(folder, entry, command)


def _side_by_side(sources: Sources) -> np.ndarray:
    return np.concatenate([read(file) for file in sources], axis=1)


def _check_present(entry: Spec, files: dict[str, Sources]) -> None:
    """Nothing, or the error where the set that is there is not the one that was asked for."""
    places = [entry.folder / place for place in folders.counts(entry, entry.folder)]
    there = [file for p in places if p.is_dir() for file in naming.image_files(p)]
    present = {file.relative_to(entry.folder).as_posix(): file for file in there}
    same = present.keys() == files.keys() and all(
        _is_made_of(present[target], sources) for target, sources in files.items()
    )
    if not same or spec(entry.name) != entry:
        raise ReplicateError(
            f"{shown(entry.folder)} exists and is not this set (it holds {len(present)} images, "
            f"asked were {len(files)}, or it is split or named otherwise). Move it away, or choose "
            "another name"
        )
    print(f"{entry.name}: {shown(entry.folder)} is complete, nothing to do")


def _is_made_of(file: Path, sources: Sources) -> bool:
    if len(sources) == 1:
        return file.stat().st_size == sources[0].stat().st_size
    return np.array_equal(read(file), _side_by_side(sources))


def rank(what: str, seed: int = 0) -> str:
    """A place in an order that is random, yet the same everywhere: sha256 of seed and `what`."""
    return hashlib.sha256(f"{seed} {what}".encode()).hexdigest()


def for_testing(contents: dict[str, list[str]], share: float, seed: int) -> dict[str, list[bool]]:
    """Whether each image is for testing.

    Images of equal content, of one folder or of both, are never divided between train and test.
    Contents are tried in the order of `rank`, and taken where they do not exceed the share.

    Args:
        contents: for each folder the hashes of its images.
        share: of the test images in a folder, 0 to 1; at least 1 image and not all.
        seed: of the order.

    Returns:
        The same folders, a truth for each image. A folder whose images are all equal has none that
        is True.
    """
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for folder, hashes in contents.items():
        for digest in hashes:
            members[digest][folder] += 1
    size = {folder: len(hashes) for folder, hashes in contents.items()}
    room = {folder: max(1, int(share * n + 0.5)) for folder, n in size.items()}
    order = sorted(members, key=lambda digest: rank(digest, seed))
    chosen = set(_that_fit(order, members, {f: min(n, size[f] - 1) for f, n in room.items()}))
    for folder in contents:  # where duplicates are so many that none fits, one group all the same
        if not any(members[digest][folder] for digest in chosen):
            rest = [digest for digest in order if members[digest][folder]]
            left = {f: n - 1 - sum(members[c][f] for c in chosen) for f, n in size.items()}
            chosen |= set(_that_fit(rest, members, left)[:1])
    return {folder: [digest in chosen for digest in hashes] for folder, hashes in contents.items()}


def _that_fit(
    order: list[str], members: dict[str, Counter[str]], room: dict[str, int]
) -> list[str]:
    """Those contents, in order, that still have room in every folder that holds them."""
    taken = []
    for digest in order:
        if all(n <= room[folder] for folder, n in members[digest].items()):
            room = {folder: n - members[digest][folder] for folder, n in room.items()}
            taken.append(digest)
    return taken
