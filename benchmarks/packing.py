"""Packed images against decoding every time, and packing itself: `python benchmarks/packing.py`.

Random reads of one packed split against Pillow's open, decode, convert and resize of the same
files, in turns, seconds of CPU time, files and arrays in the page cache; a ratio is the median over
the rounds of Pillow's seconds divided by ours. Packing is timed on the wall, with one thread and
with one a core. Memory is the peak of a process of its own that packs a split and reads it through.
Sets: photographs made up here, and those of `cats_dogs` and `facades` that are in the data root.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from replicate import paths  # noqa: E402
from replicate.datasets import layouts, packed, parallel  # noqa: E402

SIZES = (64, 256)  # px
PHOTO = (500, 375)  # px
COUNT = 100  # made-up photographs in A, and reads a round
REAL = ("cats_dogs", "facades")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and images")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        return peak(given.peak[0], int(given.peak[1]))
    rounds, count = (1, COUNT // 4) if given.quick else (3, COUNT)
    here = {name: paths.data() / name for name in REAL}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["REPLICATE_DATA"] = folder
        made_up(Path(folder) / "made_up", count)
        for name, place in here.items():
            if place.is_dir():
                (Path(folder) / name).symlink_to(place)
        names = ["made_up", *(name for name, place in here.items() if place.is_dir())]
        for name in names:
            for size in SIZES:
                reads(name, size, rounds, count)
        for n in (2 * count, 8 * count):
            made_up(Path(folder) / f"made_up{n}", n)
            memory(f"made_up{n}")
        packing(f"made_up{n}")


def made_up(folder: Path, count: int) -> None:
    """A set of one's own: smooth colours with some noise, JPEG, `count` of them in A."""
    rng = np.random.default_rng(0)
    width, height = PHOTO
    for name in (name for split in layouts.FOLDERS["cyclegan"].values() for name in split):
        (folder / name).mkdir(parents=True)
    colours = rng.uniform(0, 255, (height // 25, width // 25, 3)).astype(np.uint8)
    smooth = Image.fromarray(colours).resize(PHOTO, Image.Resampling.BICUBIC)
    noisy = np.asarray(smooth) + rng.normal(0, 4, (height, width, 3))
    pixels = noisy.clip(0, 255).astype(np.uint8)
    for i in range(count):
        photo = Image.fromarray(np.roll(pixels, i, axis=1))
        photo.save(folder / "trainA" / f"{i:04}.jpg", quality=90)
    for name in ("trainB", "testA", "testB"):
        photo.save(folder / name / "0.jpg", quality=90)


def packing(name: str) -> None:
    """Wall seconds of packing with one thread and with one a core."""
    cores, seconds = parallel.cores(), []
    for threads in (1, cores):
        parallel.cores = lambda n=threads: n
        for old in (paths.data() / "packed").glob(f"{name}-train*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        start = time.perf_counter()
        packed.load(name, "train", SIZES[-1])
        seconds.append(time.perf_counter() - start)
    text = f"{seconds[0]:.2f} s with one thread, {seconds[1]:.2f} s with {cores}"
    print(f"packing {name}: {text}, ratio {seconds[0] / seconds[1]:.2f}")


def reads(name: str, size: int, rounds: int, count: int) -> None:
    """Random images of A (of a paired set A and B) as uint8, and as the batch of a training."""
    import torch  # here, because the memory of packing is that of a process without it

    from replicate.datasets.batches import Batches

    torch.set_num_threads(1)
    images = packed.load(name, "train", size)
    order = np.random.default_rng(0).permutation(len(images.names["A"]))[:count]
    folder = paths.data() / name / ("train" if images.paired else "trainA")
    letters = "AB" if images.paired else "A"
    files = [folder / images.names["A"][i] for i in order]
    batches = Batches(images, 1, size, flip=True, seed=0)

    def ours() -> None:
        for i in order:
            for letter in letters:
                np.array(images.arrays[letter][i])

    def theirs() -> None:
        for file in files:
            decoded(file, size, images.paired)

    def our_batches() -> None:
        for i in range(len(order)):
            batches(i)

    def their_batches() -> None:  # one image of A and one of B, as ours
        for file in files if images.paired else files * 2:
            for square in decoded(file, size, images.paired):
                tensor = torch.from_numpy(square).permute(2, 0, 1)[None].contiguous().float()
                tensor.div_(127.5).sub_(1.0)

    for what, pair in (("image", (theirs, ours)), ("batch", (their_batches, our_batches))):
        print(f"{name}, {size} px, {what}: {in_turns(*pair, rounds, len(order))}")


def decoded(file: Path, size: int, paired: bool) -> list[np.ndarray]:
    """What a loader without packed arrays does for every item."""
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    halves = [image.crop((x, 0, x + width // 2, height)) for x in (0, width // 2)]
    parts = halves if paired else [image]
    return [np.array(part.resize((size, size), Image.Resampling.BICUBIC)) for part in parts]


def in_turns(first: Callable[[], None], second: Callable[[], None], rounds: int, count: int) -> str:
    """What to print of Pillow's way and ours; the first round, which warms up, does not count."""
    times: list[list[float]] = []
    for _ in range(rounds + 1):
        times.append([])
        for way in (first, second):
            start = time.process_time()
            way()
            times[-1].append(time.process_time() - start)
    ratios = [theirs / ours for theirs, ours in times[1:]]
    theirs, ours = (1e6 * statistics.median(c) / count for c in zip(*times[1:], strict=True))
    spread = f"{min(ratios):.0f} to {max(ratios):.0f}"
    ratio = f"{statistics.median(ratios):.0f} ({spread})"
    return f"{ours:.0f} us, Pillow {theirs:.0f} us, ratio {ratio}"


def memory(name: str) -> None:
    """The peak memory of a process that packs a set and reads it."""
    command = [sys.executable, __file__, "--peak", name, str(SIZES[-1])]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(f"{name}: {found.strip()}")


def peak(name: str, size: int) -> None:
    start = used("VmHWM")
    images = packed.load(name, "train", size, progress=False)
    built = used("VmHWM")
    own = used("RssAnon")
    for i in np.random.default_rng(0).permutation(len(images.arrays["A"])):
        np.array(images.arrays["A"][i])
    grown = used("RssAnon") - own  # the pages of the file are the system's to take back
    size = images.arrays["A"].nbytes / 1e6
    print(
        f"{len(images.names['A'])} images, {size:.0f} MB packed: peak {built:.0f} MB "
        f"({start:.0f} MB before), random reads add {grown:.0f} MB"
    )


def used(what: str) -> float:
    """A line of the kernel's account of this process, MB."""
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 1e3


if __name__ == "__main__":
    main()
