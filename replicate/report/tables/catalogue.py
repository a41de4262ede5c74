"""How scores are named, ordered and rounded in every table and plot."""

import re
from dataclasses import dataclass

from replicate.methods import METHODS
from replicate.metrics.protocols import JPEG, PROTOCOLS

ABSENT = "-"
SHARE = "attention_share"  # derived here: attention_iou over attention_iou_ceiling, seed by seed
CEILING = "attention_iou_ceiling"  # shown through the share, never as a column
KNOWN_PROTOCOLS = tuple(PROTOCOLS)
# Their best value is not the smallest one: they reward an output that stays near the input.
NOT_A_RANKING = tuple(p.id for p in PROTOCOLS.values() if len(p.sides) > 1)

# The sets whose first test images stand in a picture of their own, `<dataset><FIRST>`, with their
# number: real photographs before synthetic ones.
FIRST_IMAGES = {"horse2zebra": 2, "horse2zebra_drawn": 1}
FIRST = "-first.png"


@dataclass(frozen=True)
class Metric:
    """The name of a metric in a table, its decimals, and which way is better ("" for neither)."""

    label: str
    digits: int
    better: str


METRICS = {
    "kid": Metric("KID", 4, "↓"),
    "fid": Metric("FID", 2, "↓"),
    "class_rate": Metric("taken for the target", 3, "↑"),
    "class_probability": Metric("probability of the target", 3, "↑"),
    "psnr": Metric("PSNR, dB", 1, "↑"),
    "ssim": Metric("SSIM", 3, "↑"),
    "background_psnr": Metric("background PSNR, dB", 1, "↑"),
    "foreground_error": Metric("foreground error", 3, "↓"),
    "attention_iou": Metric("attention IoU", 3, "↑"),
    SHARE: Metric("share of the IoU ceiling", 2, "↑"),
    "attention_auc": Metric("attention AUC", 3, "↑"),
    "attention_pointing": Metric("pointing game", 3, "↑"),
    "attention_mean": Metric("attention mean", 3, ""),
    "pixel_accuracy": Metric("pixel accuracy", 3, "↑"),
    "class_accuracy": Metric("class accuracy", 3, "↑"),
    "class_iou": Metric("class IoU", 3, "↑"),
    "class_kept": Metric("class kept, mean of classes", 3, "↑"),
    "sentence_shown": Metric("shows what its sentence names", 3, "↑"),
    "is": Metric("Inception score", 2, "↑"),
    "precision": Metric("precision", 3, "↑"),
    "recall": Metric("recall", 3, "↑"),
    "preference": Metric("preference, %", 2, "↑"),
}


def metric(name: str) -> Metric:
    """The entry of a metric; one that is not listed shows under its own name with 4 decimals."""
    return METRICS.get(name, Metric(name, 4, ""))


def column(name: str, protocol: str) -> str:
    """`KID ↓ (kid/standin)`: what heads the column of a metric under one protocol."""
    entry = metric(name)
    arrow = "" if protocol.removesuffix(JPEG) in NOT_A_RANKING else entry.better
    return " ".join(part for part in (entry.label, arrow, f"({protocol})") if part)


def column_order(cell: tuple[str, str]) -> tuple[int, int, str, str]:
    """Sorts (metric, protocol) pairs as the catalogue lists them, unknown ones last."""
    name, protocol = cell
    return (_place(KNOWN_PROTOCOLS, protocol), _place(tuple(METRICS), name), protocol, name)


def method_order(name: str) -> tuple[int, str, bool, str]:
    """Sorts methods by the year of their paper, so that the baselines come first."""
    method, *_ = re.split("[:+]", name)
    variant = name[len(method) :]
    year = re.search(r"\d{4}", METHODS[method].paper) if method in METHODS else None
    return (int(year.group()) if year else 9999, method, bool(variant), variant.lstrip(":"))


def number(value: float, digits: int) -> str:
    """Fixed decimals without a minus before zero; `-` for NaN, "identical" for infinity."""
    if value != value:
        return ABSENT
    if value == float("inf"):
        return "identical"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _place(known: tuple[str, ...], name: str) -> int:
    return known.index(name) if name in known else len(known)
