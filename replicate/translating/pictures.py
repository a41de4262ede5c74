"""Files and folders of pictures through a model: found, translated one by one, written as PNG."""

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from replicate import naming, paths
from replicate.errors import ReplicateError
from replicate.images import rgb
from replicate.translating.fitting import Made
from replicate.translating.model import Model, grey, pixels_of

TILE = 192  # px; a picture of the comparison fits into this square
ACROSS = 4  # pictures, each beside its translation, in a row of the comparison
MOST = 48  # pictures in the comparison
GAP = 6  # px
WORDS = 60  # letters of a sentence in the name of its picture
PATTERN = "*?["


@dataclass(frozen=True)
class Job:
    """An input and where its translation goes."""

    source: Path
    target: Path

    @property
    def attention(self) -> Path:
        """Where its attention map goes."""
        return self.target.with_name(f"{self.target.stem}-attention.png")


@dataclass(frozen=True)
class Done:
    """What became of a picture; `reason` is empty where it was translated."""

    job: Job
    reason: str = ""


def inputs(names: Sequence[str], subfolders: bool = False) -> list[Path]:
    """The pictures that are meant, each once, in the order in which they were named.

    Args:
        names: files, folders and patterns such as `photos/*.jpg`.
        subfolders: take those below folders, too.

    Raises:
        ReplicateError: a name that stands for nothing, or a folder without images.
    """
    files: list[Path] = []
    for name in names:
        path = Path(name).expanduser()
        if path.is_dir():
            inside = naming.image_files(path, subfolders)
            if not inside:
                raise ReplicateError(f"{path}: {naming.looked_for(path)}")
            files += inside
        elif path.exists() or not any(sign in name for sign in PATTERN):
            files.append(path)  # one that is missing is a failure of its own
        else:
            matching = sorted(map(Path, glob.glob(str(path), recursive=True)))
            if not (matching := [file for file in matching if file.is_file()]):
                raise ReplicateError(f"{name}: no file matches; expected pictures")
            files += matching
    return list(dict.fromkeys(files))


def plan(sources: Iterable[Path], out: Path) -> list[Job]:
    """Where each translation goes: `out/STEM.png`, with the ending or the folder where stems meet.

    Raises:
        ReplicateError: two translations would still be one file.
    """
    sources = list(sources)
    names = {source: source.stem for source in sources}
    for longer in (lambda s: s.name, lambda s: f"{s.parent.name}_{s.name}"):
        taken = Counter(name.casefold() for name in names.values())
        names = {s: longer(s) if taken[name.casefold()] > 1 else name for s, name in names.items()}
    taken = Counter(name.casefold() for name in names.values())
    if twice := [name for name in names.values() if taken[name.casefold()] > 1]:
        raise ReplicateError(
            f"several inputs would be translated to {twice[0]}.png; expected names that differ: "
            "translate them in two calls with another --out each"
        )
    return [Job(source, out / f"{name}.png") for source, name in names.items()]


def translate(
    model: Model,
    jobs: Sequence[Job],
    maps: bool = False,
    tell: Callable[[Done], None] = lambda done: None,
    **how: object,
) -> tuple[list[Done], list[tuple[np.ndarray, Made]]]:
    """Translates every picture; one that cannot be translated stops no other.

    Args:
        maps: write attention maps, too.
        tell: called after every picture.
        how: as of `Model.made`.

    Returns:
        What became of each; and the first pictures with their translations, for `comparison`.
    """
    made, shown = [], []
    known = {job.source.resolve() for job in jobs}
    for job in jobs:
        try:
            pixels, result = _one(model, job, known, maps, how)
            done = Done(job)
            if len(shown) < MOST:
                shown.append((pixels, result))
        except ReplicateError as error:
            done = Done(job, str(error))
        except OSError as error:
            done = Done(job, f"{job.source}: {error.strerror or error}")
        made.append(done)
        tell(done)
    return made, shown


def draw(
    model: Model, sentences: Iterable[str], out: Path, maps: bool = False, **how: object
) -> list[Path]:
    """Draws a picture of every sentence, `out/WORDS-OF-IT.png`; returns the files.

    Args:
        maps: write attention maps, too.
        how: as of `Model.made`.

    Raises:
        ReplicateError: a sentence without a letter.
    """
    written = []
    for i, sentence in enumerate(sentences, 1):
        made = model.made(sentence, **how)
        words = "-".join(re.findall(r"[a-z0-9]+", sentence.lower()))[:WORDS]
        target = paths.made(out) / f"{i:03d}-{words}.png"
        rgb(made.image).save(target)
        if maps and made.attention is not None:
            grey(made.attention).save(Job(Path(sentence), target).attention)
        written.append(target)
    return written


def _one(
    model: Model, job: Job, inputs: set[Path], maps: bool, how: dict
) -> tuple[np.ndarray, Made]:
    if not job.source.is_file():
        raise ReplicateError(f"{job.source} is no file; expected a picture")
    for target in (job.target, *([job.attention] if maps else [])):
        if target.resolve() in inputs:
            raise ReplicateError(
                f"{job.source}: its translation would overwrite the input {target}; name another "
                "folder with --out"
            )
    pixels = pixels_of(job.source)
    made = model.made(pixels, **how)
    paths.made(job.target.parent)
    rgb(made.image).save(job.target)
    if maps and made.attention is not None:
        grey(made.attention).save(job.attention)
    return pixels, made


def comparison(shown: Sequence[tuple[np.ndarray, Made]], maps: bool = False) -> Image.Image:
    """One picture: each input, its attention map where there is one, and its translation.

    Args:
        shown: inputs (H, W, 3) uint8 with what was made of them.
        maps: show maps.
    """
    cells = []
    for pixels, made in shown:
        parts = [pixels, made.image]
        if maps and made.attention is not None:
            parts.insert(1, np.asarray(rgb(np.asarray(grey(made.attention)))))
        cells.append([_thumbnail(part) for part in parts])
    parts = max(map(len, cells))
    across = min(ACROSS, len(cells))
    width = across * (parts * TILE + GAP) + GAP
    height = -(-len(cells) // across) * (TILE + GAP) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    for i, row in enumerate(cells):
        x = GAP + i % across * (parts * TILE + GAP)
        y = GAP + i // across * (TILE + GAP)
        for j, tile in enumerate(row):
            at = ((TILE - tile.width) // 2, (TILE - tile.height) // 2)
            sheet.paste(tile, (x + j * TILE + at[0], y + at[1]))
    return sheet


def _thumbnail(pixels: np.ndarray) -> Image.Image:
    """The picture at a scale at which its longer side fills a tile."""
    image = rgb(pixels)
    scale = TILE / max(image.size)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return image.resize(size, Image.Resampling.BICUBIC)
