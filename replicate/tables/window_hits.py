"""Whether the windows of a method that has some find the object, beside windows placed blindly."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch

from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.experiment import windows as placing
from replicate.experiment.execute import load_method
from replicate.experiment.run import Run, method_name
from replicate.methods.base import DIRECTIONS
from replicate.tables.catalogue import method_order, number
from replicate.tables.frames import one_budget
from replicate.tables.summary import SMOKE

LEAST, MARGIN = 0.8, 0.2  # of the test images, and above both blind windows: what counts as found
KEY = ["dataset", "direction", "name"]
SHARES = {
    "hit": "centre on object",
    "hit_random": "centre, random window",
    "hit_middle": "centre, middle window",
    "inside": "object inside",
    "inside_random": "inside, random window",
    "inside_middle": "inside, middle window",
}
FOUND = f"found: {LEAST:.0%} or more, {100 * MARGIN:.0f} points above both"


def windows(runs: Iterable[Run]) -> pd.DataFrame:
    """How often windows lie on the object of a test image, as shares, mean ± sd over seeds.

    Args:
        runs: the finished ones whose method has windows, on sets whose masks are known.

    Returns:
        One row for each (data set, direction, method), as text: `centre on object`, the share
        of the windows whose centre is a pixel of the true mask; `object inside`, the share of the
        mask's pixels that windows cover; beside each what a window gives at a place drawn at random
        (its exact mean over all places where it is inside the image) and at the image's middle; and
        `found`, "yes", or what is missed.

    Raises:
        ReplicateError: no such run, or runs of several budgets.
    """
    rows = [row for run in runs if _has_truth(run) for row in _measured(run)]
    if not rows:
        raise ReplicateError(
            "no finished run has windows and a test set with masks, expected one: add a method "
            "that looks through windows, and a set with true masks such as shapes_drawn"
        )
    frame = pd.DataFrame(rows)
    heading = SMOKE if one_budget(frame) == "smoke" else "method"
    groups = sorted(frame.groupby(KEY), key=lambda item: (*item[0][:2], method_order(item[0][2])))
    shown = [
        dict(zip([*KEY[:2], heading], key, strict=True)) | _texts(group) for key, group in groups
    ]
    return pd.DataFrame(shown)


def _has_truth(run: Run) -> bool:
    if run.record().get("status") != "finished" or not placing.has_windows(run.config):
        return False
    return "A_mask" in packed.load(run.dataset, "test", run.config.crop_size).arrays


def _measured(run: Run) -> list[dict[str, object]]:
    """The six shares of each direction, means over the test images."""
    method = load_method(run, torch.device("cpu"))
    test = packed.load(run.dataset, "test", run.config.crop_size)
    rows = []
    for direction in DIRECTIONS:
        placed = placing.place(method, test, direction)
        mask = np.asarray(test.arrays[f"{direction[0]}_mask"])
        centre = np.full_like(placed.centres[:, :1], mask.shape[-1] / 2)
        middle = placing.Placed(centre, placed.half)
        shares = {
            "hit": placing.hits(placed, mask),
            "hit_random": placing.expected_hits(placed.half, mask),
            "hit_middle": placing.hits(middle, mask),
            "inside": placing.inside(placed, mask),
            "inside_random": placing.expected_inside(placed.half, mask, placed.centres.shape[1]),
            "inside_middle": placing.inside(middle, mask),
        }
        place = (run.dataset, in_words(direction, test), method_name(run.method, run.label))
        rows.append(
            dict(zip(KEY, place, strict=True))
            | {"budget": run.budget}
            | {name: float(values.mean()) for name, values in shares.items()}
        )
    return rows


def _texts(group: pd.DataFrame) -> dict[str, str]:
    mean = group[list(SHARES)].mean()
    texts = {SHARES[name]: number(mean[name], 2) for name in SHARES}
    for name in ("hit", "inside"):
        texts[SHARES[name]] = with_spread(group[name])
    return texts | {FOUND: _verdict(mean)}


def _verdict(mean: pd.Series) -> str:
    """`yes`, or by how much which of the conditions is missed."""
    blind = max(mean["hit_random"], mean["hit_middle"])
    short = []
    if mean["hit"] < LEAST:
        short.append(f"{mean['hit']:.2f} < {LEAST}")
    if mean["hit"] - blind < MARGIN:
        short.append(f"{100 * (mean['hit'] - blind):.0f} points above blind")
    return f"no: {', '.join(short)}" if short else "yes"


def with_spread(values: pd.Series) -> str:
    """`0.85 ± 0.02 (3)`: mean, standard deviation and number of seeds; `0.85 (1 seed)` of one."""
    if len(values) == 1:
        return f"{number(values.iloc[0], 2)} (1 seed)"
    return f"{number(values.mean(), 2)} ± {number(values.std(ddof=1), 2)} ({len(values)})"
