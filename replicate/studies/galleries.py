"""What attention methods look at: all masks and contents, heat maps, and how both come about.

Each gallery shows the runs that have what it is about and leaves the others out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from torch import Tensor

from replicate.datasets import directions, packed
from replicate.datasets.batches import in_order
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import in_words, to_uint8
from replicate.images import read
from replicate.lab.execute import load_method
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Method
from replicate.report.plots.images import Row, _known, _made, _of_seed, _tiles, iteration
from replicate.report.plots.picture import Picture, name_of, sheet

Block = tuple[str, list[Row]]
CPU = torch.device("cpu")
BELOW = 0.4  # of a heat map's picture is the image that it lies on
HEAT = {"G": "G, on the input", "D_local": "local D, on the output"}
HEAT |= {"D_global": "global D, on the output"}


def masks(runs: Iterable[Run], images: int = 1, seed: int | None = None) -> Picture:
    """All n attentions and the contents of AttentionGAN's generators for the first test images.

    Args:
        runs: those of `seed` whose method has `masks` are shown, a block for each direction and
            image: the n-th attention is the background's, the content below it the input, or
            the painted background where the method paints one. 0 is black, 1 white; several
            attentions of the foreground share a pixel, so they are made brighter by one factor,
            which stands beside them.
        images: test images for each direction.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no such run.

    Source: AttentionGAN's figures of masks and contents.
    """
    blocks = []
    for run in _having(runs, "masks", seed):
        method, test = _trained(run)
        for direction in DIRECTIONS:
            x, names = _first(test, direction, images)
            painting = _without_gradients(method, method.masks, x, direction)
            heading = (
                f"{name_of(run)} on {run.dataset}, {in_words(direction, test)}, seed {run.seed}"
            )
            for i, name in enumerate(names):
                attention, content = painting.attention[i], painting.content[i]
                rows = [("input, output", _images(torch.stack([x[i], painting.image[i]])))]
                rows += _masks_over_contents(attention, content, x[i])
                blocks.append((f"{heading}, {name}; at the right the background", rows))
    return sheet(blocks)


def evolution(runs: Iterable[Run], images: int = 1, seed: int | None = None) -> Picture:
    """The attention map of the first test images at every moment at which samples were saved.

    Args:
        runs: those of `seed` that saved samples with maps are shown, a block each. A map shows
            what is repainted: all attentions of AttentionGAN but the background's.
        images: test images for each direction, at most `evaluation.TILES`.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no such run.

    Source: AttentionGAN, figure 14.
    """
    blocks = []
    for run in _of_seed(runs, seed, "samples"):
        files = sorted((run.folder / "samples").glob("*.png"))
        moments = [_tiles(read(file)) for file in files]
        if moments[0].shape[1] == 3:  # input, map, translation; without a map two rows
            blocks.append(_evolved(run, files, moments, images))
    if not blocks:
        raise _none("attention maps among its samples", seed)
    return sheet(blocks)


def heat_maps(runs: Iterable[Run], columns: int = 4, seed: int | None = None) -> Picture:
    """Where generator and discriminators look: input, their heat maps, and the translation.

    Args:
        runs: those of `seed` whose method has `heat_maps`; one that has no CAM, in G or at all,
            shows what is left. A block for each data set and direction.
        columns: test images in a row, the first of the split.
        seed: one seed is shown; None: the first run's.

    Returns:
        G's map lies on the input, a discriminator's on the translation that it judges. Each map
        runs from dark blue (its lowest value) to red (its highest): only its order has a meaning.

    Raises:
        ReplicateError: no such run.

    Source: U-GAT-IT, figure 2.
    """
    shown = _having(runs, "heat_maps", seed)
    trained = {run: _trained(run) for run in shown}
    blocks = []
    for peers in _groups(shown, lambda run: (run.dataset, run.config.scored_size)):
        test = trained[peers[0]][1]
        for direction in DIRECTIONS:
            x, _ = _first(test, direction, columns)
            rows = [("input", _images(x))]
            for run in peers:
                rows += _heat(run, trained[run][0], x, direction)
            blocks.append(
                (f"{peers[0].dataset}, {in_words(direction, test)}, seed {peers[0].seed}", rows)
            )
    return sheet(blocks)


def normalisations(runs: Iterable[Run], columns: int = 4, seed: int | None = None) -> Picture:
    """The same test images through runs that differ in nothing but the decoder's norms.

    Args:
        runs: those of `seed` that are scored and whose configurations agree but for `norm`; a block
            for each data set and direction.
        columns: test images in a row, the first of the split.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no two runs differ in `norm` alone.

    Source: U-GAT-IT, figure 3.
    """
    normed = [run for run in _of_seed(runs, seed, "outputs") if hasattr(run.config, "norm")]
    blocks = []
    for peers in _groups(normed, _but_for_norm):
        if len(peers) == 1:
            continue
        test = packed.load(peers[0].dataset, "test", peers[0].config.scored_size)
        for direction in DIRECTIONS:
            rows = _known(test, direction[0], columns)
            for run in peers:
                _, tiles = _made(run, test, direction, columns)[0]
                rows.append((f"{name_of(run)} ({run.config.norm})", tiles))
            blocks.append(
                (f"{peers[0].dataset}, {in_words(direction, test)}, seed {peers[0].seed}", rows)
            )
    if not blocks:
        raise ReplicateError(
            f"no two runs{_of(seed)} differ in `norm` alone; expected a method and one of its "
            "variants of the norm"
        )
    return sheet(blocks)


def styles(
    runs: Iterable[Run], images: int = 1, columns: int = 6, seed: int | None = None
) -> Picture:
    """Several translations of the first test images, each by a random style of its own.

    Args:
        runs: the multimodal ones of `seed` are shown, a block for each and each direction.
        images: test images of a block, a row each.
        columns: translations in a row, by the styles of seeds 0, 1, ...; scores use 0.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no such run.
    """
    chosen = [run for run in _of_seed(runs, seed, "outputs") if METHODS[run.method].multimodal]
    if not chosen:
        raise _none("several translations of an input", seed)
    blocks = []
    for run in chosen:
        method, test = _trained(run)
        for direction in method.directions:
            x, names = _first(test, direction, images)
            ask = partial(_of_styles, method, count=columns)
            made = _without_gradients(method, ask, x, direction)
            rows = [
                (name, _images(torch.stack([one, *several])))
                for name, one, several in zip(names, x, zip(*made, strict=True), strict=True)
            ]
            heading = f"{name_of(run)} on {run.dataset}, {in_words(direction, test)}"
            blocks.append((f"{heading}, seed {run.seed}: input, then {columns} styles", rows))
    return sheet(blocks)


def _of_styles(method: Method, x: Tensor, direction: str, count: int) -> list[Tensor]:
    return [method.translate(x, direction, seed=seed).image for seed in range(count)]


def _having(runs: Iterable[Run], what: str, seed: int | None) -> list[Run]:
    """The finished runs of one seed whose method has `what`, in the order of tables."""
    chosen = [run for run in _of_seed(runs, seed, "outputs") if hasattr(METHODS[run.method], what)]
    if not chosen:
        raise _none(f"{what.replace('_', ' ')} in its method", seed)
    return chosen


def _none(what: str, seed: int | None) -> ReplicateError:
    return ReplicateError(
        f"no run{_of(seed)} has {what}, expected one: add a method that has them to `methods`"
    )


def _trained(run: Run) -> tuple[Method, ImageSet]:
    return load_method(run, CPU), packed.load(run.dataset, "test", run.config.scored_size)


def _first(test: ImageSet, direction: str, number: int) -> tuple[Tensor, list[str]]:
    """The first test images of a source domain, (N, 3, H, W) in [-1, 1], and their names."""
    x = next(in_order(test, direction[0], number))[direction[0]]
    return x, [Path(name).stem for name in test.names[direction[0]][:number]]


@torch.no_grad()
def _without_gradients(method: Method, ask: Callable, x: Tensor, direction: str) -> Any:
    """What a method answers, in the precision of its configuration, as it is scored."""
    with torch.autocast("cpu", torch.bfloat16, enabled=method.config.precision == "bf16"):
        return ask(x, direction)


def _groups(runs: Iterable[Run], key: Callable[[Run], object]) -> Iterator[list[Run]]:
    """The runs with one key together, in their order."""
    runs = list(runs)
    for one in dict.fromkeys(map(key, runs)):
        yield [run for run in runs if key(run) == one]


def _but_for_norm(run: Run) -> tuple:
    config = {k: v for k, v in asdict(run.config).items() if k != "norm"}
    return (run.method, run.dataset, *config.items())


def _images(x: Tensor) -> list[np.ndarray]:
    return list(to_uint8(x))


def _grey(maps: Tensor) -> list[np.ndarray]:
    """Tiles of (N, H, W) in [0, 1]."""
    return list((maps.float() * 255).round().clamp(0, 255).byte().numpy())


def _masks_over_contents(attention: Tensor, content: Tensor, x: Tensor) -> list[Row]:
    """The attentions (n, H, W), and below each the content that it weighs; `x` below the last."""
    foreground, label = attention[:-1], "attentions"
    if len(foreground) > 1:
        factor = 1 / foreground.max().clamp(min=1 / 255)
        foreground, label = foreground * factor, f"attentions (x {factor:.1f}),\nbackground"
    if len(content) < len(attention):
        content = torch.cat([content, x[None]])
    shown = torch.cat([foreground, attention[-1:]])
    return [(label, _grey(shown)), ("contents", _images(content))]


def _evolved(run: Run, files: list[Path], moments: list[np.ndarray], images: int) -> Block:
    """A translation and its map at every moment; the input comes first, white below it."""
    rows, domains = [], spec(run.dataset).domains
    for k, direction in enumerate(DIRECTIONS):
        for i in range(images):
            before = moments[0][k, 0, i]
            rows.append(
                (directions.in_words(direction, domains), [before, *(m[k, 2, i] for m in moments)])
            )
            white = np.full_like(before, 255)
            rows.append(("  attention", [white, *(m[k, 1, i] for m in moments)]))
    steps = ", ".join(str(iteration(file)) for file in files)
    return f"{run.title}: input, then iterations {steps}", rows


def _heat(run: Run, method: Method, x: Tensor, direction: str) -> list[Row]:
    """A run's heat maps, each on what its network sees, and its translation below them."""
    maps = _without_gradients(method, method.heat_maps, x, direction)
    image = _without_gradients(method, method.translate, x, direction).image
    rows = [(HEAT[name], _over(heat, x if name == "G" else image)) for name, heat in maps.items()]
    (label, tiles), *others = [*rows, ("output", _images(image))]
    return [(f"{name_of(run)}\n  {label}", tiles), *((f"  {name}", row) for name, row in others)]


def _over(heat: Tensor, image: Tensor) -> list[np.ndarray]:
    """Heat maps (N, 1, H, W) in [0, 1] as colours on (N, 3, H, W) images."""
    colours = colormaps["turbo"](heat.float()[:, 0].numpy())[..., :3] * 255
    below = to_uint8(image)
    return list((BELOW * below + (1 - BELOW) * colours).round().astype(np.uint8))


def _of(seed: int | None) -> str:
    return "" if seed is None else f" of seed {seed}"
