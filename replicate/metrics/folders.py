"""Scores of folders of images: the whole of `replicate score FAKE REAL`."""

from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from replicate import paths
from replicate.errors import ReplicateError
from replicate.metrics.compare import compare_all
from replicate.metrics.image import SSIM_WINDOW, pair_scores
from replicate.metrics.score import Score, joined

READ = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
LOSSY = (".jpg", ".jpeg", ".webp")


def read_folder(path: Path | str) -> tuple[np.ndarray, list[str]]:
    """All images of a folder as RGB, in the order of their names.

    Args:
        path: folder of images of one size; its subfolders and other files are not looked at.

    Returns:
        ((N, H, W, 3) uint8, the N file names), N >= 1.

    Raises:
        ReplicateError: no such folder, no image in it, a file that cannot be decoded, or two files
            that differ in size.
    """
    path = Path(path)
    if not path.is_dir():
        raise ReplicateError(f"{path} is not a folder; give one that holds the images")
    files = sorted(file for file in path.iterdir() if file.is_file())
    chosen = [file for file in files if file.suffix.lower() in READ]
    if not chosen:
        others = Counter(file.suffix or "without suffix" for file in files)
        found = ", ".join(f"{n} {suffix}" for suffix, n in sorted(others.items())) or "nothing"
        raise ReplicateError(
            f"{path} has 0 images (looked for {', '.join(s[1:] for s in READ)}; found {found})"
        )
    images = [_decoded(file) for file in chosen]
    for file, image in zip(chosen, images, strict=True):
        if image.shape != images[0].shape:
            raise ReplicateError(
                f"{path}: {chosen[0].name} is {_size(images[0])}, {file.name} is {_size(image)}; "
                "resize them to one size before scoring"
            )
    return np.stack(images), [file.name for file in chosen]


def score_folders(
    fake: Path | str, real: Path | str, source: Path | str | None = None, offline: bool = False
) -> list[Score]:
    """FID and KID rows of two folders, and PSNR and SSIM rows where their images form pairs.

    Images form pairs when both folders hold the same names, suffix aside, or else the same number
    of images; then the order of the names pairs them. Both need one size. The note of
    the row says which rule held, for a score of folders that are not aligned means nothing.

    Args:
        fake: folder of the translations.
        real: folder of real images of the target domain.
        source: folder of the inputs, for `do_nothing` and the scores that mix in the source.
        offline: skip Inception.

    Returns:
        The scores. A lossy file in any of the folders is named in the note of every row.
    """
    folders = {"fake": fake, "real": real} | ({} if source is None else {"source": source})
    read = {name: read_folder(folder) for name, folder in folders.items()}
    images = {name: array for name, (array, _) in read.items()}
    rows = compare_all(**images, cache=paths.data() / "features", offline=offline)
    rows += _paired(read["fake"], read["real"])
    lossy = joined(*(lossy_note(name, names) for name, (_, names) in read.items()))
    return [replace(row, note=joined(row.note, lossy)) for row in rows]


def lossy_note(folder: str, names: list[str]) -> str:
    """What to say about lossy files among the names; empty if there are none."""
    lossy = [name for name in names if name.lower().endswith(LOSSY)]
    if not lossy:
        return ""
    shown = ", ".join(lossy[:2]) + (", ..." if len(lossy) > 2 else "")
    return (
        f"LOSSY: {folder}/ holds {len(lossy)} lossy {'file' if len(lossy) == 1 else 'files'} "
        f"({shown}); metrics on JPEG differ from PNG. Re-export as PNG"
    )


def _paired(fake: tuple[np.ndarray, list[str]], real: tuple[np.ndarray, list[str]]) -> list[Score]:
    """The PSNR and SSIM rows, none where the images form no pairs."""
    (outputs, names), (truths, true_names) = fake, real
    if outputs.shape != truths.shape or min(outputs.shape[1:3]) < SSIM_WINDOW:
        return []
    by_stem = {PurePath(name).stem: i for i, name in enumerate(true_names)}
    stems = [PurePath(name).stem for name in names]
    if len(by_stem) == len(truths) and set(stems) == set(by_stem):
        truths, rule = truths[[by_stem[stem] for stem in stems]], "paired by file name"
    else:
        rule = "paired by order (names differ): only if the folders are aligned"
    return [replace(row, note=joined(row.note, rule)) for row in pair_scores(outputs, truths)]


def _decoded(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        raise ReplicateError(f"{file} cannot be decoded: {error}; replace or remove it") from error


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
