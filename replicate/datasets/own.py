"""A set from a user's own two folders: checked, split, written in the layout `cyclegan`."""

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from replicate.datasets import folders, layouts, splitting
from replicate.datasets.decoding import Undecodable, decode
from replicate.datasets.layouts import shown
from replicate.datasets.parallel import in_order
from replicate.datasets.placing import describe, holds_something, place
from replicate.datasets.progress import bar
from replicate.datasets.spec import NAME, RESERVED, Spec, can_name, registered, spec
from replicate.errors import ReplicateError

SOURCE = "own folders"
SHOWN = 20  # file names an error names


def new(
    name: str,
    folders_ab: tuple[Path, Path],
    domains: tuple[str, str] | None = None,
    test: float = 0.1,
    seed: int = 0,
    link: bool = False,
    progress: bool = True,
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

    Raises:
        ReplicateError: a name or a value that cannot be; a folder without images; images that
            cannot be decoded, each by name; or another set of this name. Nothing is left then.
    """
    check_name(name)
    if not 0 < test < 1:
        raise ReplicateError(f"test {test:g}: expected a share between 0 and 1, such as 0.1")
    given = [Path(folder).expanduser().resolve() for folder in folders_ab]
    if given[0] == given[1]:
        raise ReplicateError(f"{shown(given[0])} is given twice, expected two folders: A's and B's")
    images = {letter: _images(folder) for letter, folder in zip("AB", given, strict=True)}
    files = _placed(images, _contents(images, progress), test, seed)
    entry = _entry(name, domains or _default_domains(given), files)
    command = f"replicate data new {name} ... --test {test:g} --seed {seed}"
    if holds_something(entry.folder) or not place(
        entry.folder, lambda folder: _write(folder, entry, files, link, command)
    ):
        return _present(entry, files)
    counts = ", ".join(f"{folder} {n}" for folder, n in entry.counts.items())
    print(f"{name}: {'linked' if link else 'copied'} to {shown(entry.folder)} ({counts})")
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


def _images(folder: Path) -> list[Path]:
    files = layouts.image_files(folder) if folder.is_dir() else []
    if len(files) < 2:
        raise ReplicateError(
            f"{shown(folder)} has {len(files)} images (looked for {', '.join(layouts.SUFFIXES)}; "
            f"{layouts.contents(folder)}), expected at least 2 directly inside: one to train with "
            "and one to test"
        )
    layouts.check_stems([file.name for file in files], shown(folder))
    return files


def _contents(images: dict[str, list[Path]], progress: bool) -> dict[str, list[str]]:
    """The hash of every image's pixels; all files that have none are named together."""
    found: dict[str, list[str]] = {letter: [] for letter in images}
    broken = []
    with bar(sum(map(len, images.values())), "reading images", "image", progress) as steps:
        for letter, files in images.items():
            for file, content in zip(files, in_order(_content, files), strict=True):
                steps.update()
                if isinstance(content, Undecodable):
                    broken.append(f"{shown(file)} ({content.reason})")
                else:
                    found[letter].append(content)
    if broken:
        more = f" and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        raise ReplicateError(
            f"{len(broken)} files cannot be decoded: {', '.join(broken[:SHOWN])}{more}. Replace or "
            "delete them, and run again"
        )
    return found


def _content(file: Path) -> str | Undecodable:
    try:
        pixels = np.asarray(decode(file).image)
    except Undecodable as error:
        return error
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def _placed(
    images: dict[str, list[Path]], contents: dict[str, list[str]], share: float, seed: int
) -> dict[str, Path]:
    """Where each file goes, by `trainA/name`."""
    files = {}
    for letter, chosen in splitting.for_testing(contents, share, seed).items():
        if not any(chosen):
            raise ReplicateError(
                f"{shown(images[letter][0].parent)} has {len(chosen)} images, too few of them "
                "different to train with some and test with others; expected 2 different ones or "
                "more that are not in the other folder"
            )
        for file, tested in zip(images[letter], chosen, strict=True):
            files[f"{'test' if tested else 'train'}{letter}/{file.name}"] = file
    return files


def _default_domains(given: list[Path]) -> tuple[str, str]:
    names = tuple(folder.name for folder in given)
    return names if all(map(NAME.fullmatch, names)) and names[0] != names[1] else ("A", "B")


def _entry(name: str, domains: tuple[str, str], files: dict[str, Path]) -> Spec:
    if wrong := [domain for domain in domains if not NAME.fullmatch(domain)]:
        raise ReplicateError(
            f"domain {wrong[0]!r}: expected a word of letters, digits, '_', '-' and '.'"
        )
    parents = [target.split("/")[0] for target in files]
    counts = {f"{s}{X}": parents.count(f"{s}{X}") for s in layouts.SPLITS for X in "AB"}
    fields = {"layout": "cyclegan", "domains": domains, "source": SOURCE, "licence": ""}
    try:
        return Spec(name=name, counts=counts, **fields)
    except ValidationError as error:
        raise ReplicateError(f"{name}: {error.errors()[0]['msg']}") from error


def _write(folder: Path, entry: Spec, files: dict[str, Path], link: bool, command: str) -> None:
    for split in layouts.FOLDERS[entry.layout].values():
        for each in split:
            (folder / each).mkdir()
    for target, file in files.items():
        os.symlink(file, folder / target) if link else shutil.copyfile(file, folder / target)
    describe(folder, entry, command)


def _present(entry: Spec, files: dict[str, Path]) -> Spec:
    """The entry of the set that is there, if it is the one that was asked for."""
    found = {}
    for each in folders.counts(entry, entry.folder):
        folder = entry.folder / each
        for file in layouts.image_files(folder) if folder.is_dir() else []:
            found[f"{each}/{file.name}"] = file.stat().st_size
    same = found == {target: file.stat().st_size for target, file in files.items()}
    if not same or spec(entry.name) != entry:
        raise ReplicateError(
            f"{shown(entry.folder)} exists and is not this set (it holds {len(found)} images, "
            f"asked were {len(files)}, or it is split or named otherwise). Move it away, or choose "
            "another name"
        )
    print(f"{entry.name}: {shown(entry.folder)} is complete, nothing to do")
    return entry
