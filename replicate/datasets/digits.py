"""Digits with their labels, as torchvision fetches and reads them: MNIST, SVHN and USPS.

The archives lie below `data/<set>/` where torchvision's own classes would put them, so that a
folder they filled serves as well. `get` and `read` hold every archive to torchvision's md5; only
archives are read, never what somebody unpacked from them.
"""

from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from replicate.datasets import hashes
from replicate.datasets.layouts import SPLITS, shown
from replicate.datasets.spec import Spec
from replicate.errors import ReplicateError

# torchvision is imported where it is needed, because it would slow every load and every listing


class Archive(NamedTuple):
    """One file of a set: its place below the set's folder, and what torchvision knows of it."""

    place: str
    md5: str
    urls: list[str]


def split_files(entry: Spec, split: str) -> dict[str, list[Path]]:
    """The archives of one split, by "A" and "B".

    Raises:
        ReplicateError: one of them is not there.
    """
    if gone := absent(entry, split):
        raise ReplicateError(
            f"{shown(entry.folder)} has no {', '.join(gone)}. Run `replicate data get "
            f"{entry.name}`, or put the files of torchvision there yourself"
        )
    return {
        key: [entry.folder / archive.place for archive in _archives(domain, split)]
        for key, domain in zip("AB", entry.domains, strict=True)
    }


def absent(entry: Spec, *splits: str) -> list[str]:
    """The archives that are not there, by their place below the set's folder."""
    places = [archive.place for archive in _all(entry, *splits)]
    return [place for place in places if not (entry.folder / place).is_file()]


def expected(entry: Spec) -> str:
    """`data/mnist2usps/{MNIST/raw/...,usps.bz2,usps.t.bz2}`: what the set's folder holds."""
    places = ",".join(archive.place for archive in _all(entry, *SPLITS))
    return f"{shown(entry.folder)}/{{{places}}}"


def get(entry: Spec) -> None:
    """Fetches through torchvision each archive that is missing or fails its md5.

    Raises:
        ReplicateError: none of an archive's addresses gave the file with this md5.
    """
    from torchvision.datasets.utils import download_url

    for archive in _all(entry, *SPLITS):
        path, failures = entry.folder / archive.place, []
        for url in archive.urls:
            try:
                download_url(url, path.parent, path.name, archive.md5)
                break
            except (OSError, RuntimeError, HTTPException) as error:
                failures.append(f"{error} at {url}")
        else:
            raise ReplicateError(
                f"{path.name}: {', '.join(failures)}. Put the file at {shown(path)} yourself "
                f"(md5 {archive.md5}) and run again"
            )


def read(entry: Spec, domain: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The digits of one domain and their labels, in the order of the archive.

    Args:
        domain: one of `layouts.DIGITS`.
        split: "train" or "test".

    Returns:
        images: uint8 (N, 28, 28) for MNIST, (N, 16, 16) for USPS, (N, 32, 32, 3) for SVHN; and
        labels: int64 (N,), 0 to 9.

    Raises:
        ReplicateError: an archive fails torchvision's md5.
    """
    from torchvision import datasets

    for archive in _archives(domain, split):
        _check(entry, archive)
    if domain == "mnist":
        return _read_mnist([entry.folder / archive.place for archive in _archives(domain, split)])
    if domain == "svhn":
        svhn = datasets.SVHN(entry.folder, split)
        return svhn.data.transpose(0, 2, 3, 1), svhn.labels
    usps = datasets.USPS(entry.folder, train=split == "train")
    return usps.data, np.array(usps.targets, np.int64)


def faults(entry: Spec) -> dict[str, str]:
    """What is wrong with the archives, by their place below the set's folder."""
    wrong = {}
    for archive in _all(entry, *SPLITS):
        path = entry.folder / archive.place
        reason = hashes.mismatch(path, md5=archive.md5) if path.is_file() else "missing"
        if reason:
            wrong[archive.place] = reason
    return wrong


def _read_mnist(packed: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """By the readers of torchvision's class, which itself would trust what was unpacked earlier."""
    from torchvision.datasets.mnist import read_image_file, read_label_file
    from torchvision.datasets.utils import extract_archive

    with TemporaryDirectory() as folder:
        images, labels = (Path(extract_archive(str(path), folder)) for path in packed)
        return read_image_file(images).numpy(), read_label_file(labels).numpy()


def _check(entry: Spec, archive: Archive) -> None:
    from torchvision.datasets.utils import calculate_md5

    path = entry.folder / archive.place
    if (md5 := calculate_md5(path)) != archive.md5:
        raise ReplicateError(
            f"{shown(path)}: md5 mismatch (found {md5}, torchvision expects {archive.md5}). "
            f"Run `replicate data get {entry.name}`: it fetches this file again"
        )


def _all(entry: Spec, *splits: str) -> list[Archive]:
    return [a for domain in entry.domains for split in splits for a in _archives(domain, split)]


def _archives(domain: str, split: str) -> list[Archive]:
    """What torchvision's class lists for a split; of MNIST the images, then the labels."""
    from torchvision.datasets import MNIST, SVHN, USPS

    if domain == "mnist":
        start = {"train": "train-", "test": "t10k-"}[split]
        return [
            Archive(f"MNIST/raw/{name}", md5, [mirror + name for mirror in MNIST.mirrors])
            for name, md5 in MNIST.resources
            if name.startswith(start)
        ]
    url, name, md5 = {"svhn": SVHN, "usps": USPS}[domain].split_list[split]
    return [Archive(name, md5, [url])]
