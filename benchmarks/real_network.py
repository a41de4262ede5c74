"""What EfficientNet-Lite0 sees in photographs: KID, floors, and the classes that it names.

    python benchmarks/real_network.py [--every N]

Needs `replicate data get horse2zebra` and `replicate data get cats_dogs`. Prints Markdown tables:
doing nothing against the floor at several sizes, and the share of images whose first answer lies in
their domain's classes. `--every 4` takes every fourth image. Images of smaller sizes are squeezed
to them as training images are, and enlarged by the network's resize.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch

from replicate.datasets import packed
from replicate.datasets.spec import spec
from replicate.metrics.class_rate import answers
from replicate.metrics.efficientnet import EfficientNet
from replicate.metrics.inception import Features
from replicate.metrics.kid import kid
from replicate.report.tables import to_markdown

SETS = {"horse2zebra": (256, 128, 64), "cats_dogs": (256,)}  # px
FLOOR = 240  # training images against the test images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="take every N-th image")
    every = parser.parse_args().every
    torch.set_num_threads(1)
    network, distances, rates, spent, seen = EfficientNet(), [], [], 0.0, 0
    for name, sizes in SETS.items():
        for size in sizes:
            start = time.process_time()
            found = features(network, name, size, every)
            spent += time.process_time() - start
            seen += sum(len(each.pool) for each in found.values())
            distances.append(distance(name, size, found))
            rates += named(name, size, found)
    print(to_markdown(pd.DataFrame(distances)))
    print(to_markdown(pd.DataFrame(rates)))
    print(f"{seen} images, {1e3 * spent / seen:.0f} ms of processor time each, decoding included")


def features(network: EfficientNet, name: str, size: int, every: int) -> dict[str, Features]:
    """Of both domains of the test split, and of as many training images of B as the floor takes."""
    test, train = (packed.load(name, split, size) for split in ("test", "train"))
    target = train.arrays["B"]
    floor = target[np.arange(FLOOR) * len(target) // FLOOR]
    sets = {"A": test.arrays["A"], "B": test.arrays["B"], "train B": floor}
    return {key: network(np.asarray(images[::every])) for key, images in sets.items()}


def distance(name: str, size: int, found: dict[str, Features]) -> dict[str, str]:
    """A row of KID: doing nothing, and test against training images of the target."""
    idle, error = kid(found["A"].pool, found["B"].pool)
    floor, floor_error = kid(found["train B"].pool, found["B"].pool)
    return {
        "set": name,
        "px": str(size),
        "KID, doing nothing": f"{idle:.4f} ± {error:.4f}",
        "KID, floor": f"{floor:.4f} ± {floor_error:.4f}",
    }


def named(name: str, size: int, found: dict[str, Features]) -> list[dict[str, str]]:
    """Rows of class rates: how often each domain is taken for itself and for the other one."""
    entry, rows = spec(name), []
    for key, domain in zip("AB", entry.domains, strict=True):
        row = {"set": name, "px": str(size), "images": domain, "n": str(len(found[key].logits))}
        for target in entry.domains:
            share = answers(found[key].logits, entry.classes_of(target)).mean()
            which = "itself" if target == domain else "the other"
            row[f"taken for {which}"] = f"{100 * share:.1f} %"
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
