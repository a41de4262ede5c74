"""A made-up claim and made-up scores of its arms."""

from replicate.report.claims import Claim, parse

BOTH = ("horse->zebra", "zebra->horse")
CLAIM = {
    "paper": "mejjati2018aggan", "id": "background", "text": "It keeps the background",
    "source": "page 1", "dataset": "horse2zebra_drawn", "metric": "background_psnr",
    "protocol": "background/psnr", "method": "aggan", "against": "cyclegan",
    "prediction": "higher", "margin": 3.0, "unit": "dB", "why": "half the error",
    "direction": "both",
}  # fmt: skip


def claims_of(**changes: object) -> list[Claim]:
    return parse([CLAIM | changes])


def scores_of(name: str, values: list[float], **changes: object) -> list[dict]:
    """A value for each seed from 0 on, the same in both directions."""
    return [
        {
            "name": name, "dataset": "horse2zebra_drawn", "budget": "laptop",
            "direction": direction, "metric": "background_psnr", "protocol": "background/psnr",
            "seed": seed, "value": value, "do_nothing": 10.0, "extractor": "", "stale": False,
            "note": "",
        }
        | changes
        for direction in BOTH
        for seed, value in enumerate(values)
    ]  # fmt: skip
