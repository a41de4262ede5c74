"""Known failures of unpaired translation, each with a number, a threshold and its reason.

A fault is a reason to look at the pictures, not a score. `faults` has the numbers.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """One fault of one direction of a run; `value < limit` is a fault, or `>` where not `low`."""

    title: str
    number: str  # what the value is
    limit: float
    reason: str  # of the limit
    low: bool = True

    def found(self, value: float) -> bool:
        """Whether a value is a fault; NaN, where nothing was measured, is none."""
        return value < self.limit if self.low else value > self.limit

    @property
    def rule(self) -> str:
        """`a fault below 0.2`."""
        return f"a fault {'below' if self.low else 'above'} {self.limit:g}"


FAULTS = {
    "colour_inversion": Fault(
        "colour inversion",
        "correlation of translation and input, over pixels",
        -0.2,
        "eight photographs and eight that have nothing to do with them have 0 with a standard "
        "deviation of 0.07, and labels with their photographs have 0 too; inverted ones have -1",
    ),
    "checkerboard": Fault(
        "checkerboard",
        "amplitude at the Nyquist frequencies beyond their neighbours, over that of real images",
        1.65,
        "no pattern is seen in generators up to 1.5, one in all from 1.8 on",
        low=False,
    ),
    "copy": Fault(
        "copy of the input",
        "mean absolute difference to the input, grey levels of 255",
        2.0,
        "a copy changes 0, and 2 is hardly seen; the synthetic sets' ideal translations change 6.7 "
        "or more",
    ),
    "flat_attention": Fault(
        "flat attention",
        "standard deviation of the map over its pixels",
        0.02,
        "a map that ranges over less than a twentieth of its scale shows no place; maps that look "
        "somewhere have 0.14 or more",
    ),
    "full_attention": Fault(
        "full or empty attention",
        "distance of the map's mean to 0 or 1",
        0.01,
        "all but a hundredth of all pixels are copied, or all are repainted; the smallest object "
        "of the synthetic sets covers 4 in a hundred",
    ),
    "checkered_attention": Fault(
        "checkered attention",
        "amplitude of the map at the Nyquist frequencies beyond their neighbours, of 1",
        0.1,
        "a map of every second pixel has 0.5; dots are hardly seen up to 0.06, and cover the map "
        "from 0.17 on",
        low=False,
    ),
    "mode_collapse": Fault(
        "mode collapse",
        "median distance of two translations over that of two real images",
        0.25,
        "a collapsed generator has 0.18 or less, all others 0.37 or more",
    ),
    "discriminator_won": Fault(
        "discriminator won",
        "way from undecided (0) to won (1), the shorter of D's loss and G's adversarial loss",
        0.8,
        "D's loss is below a fifth of an undecided one's while G's has gone four fifths of its "
        "way; discriminators whose generators still learn reach 0.64",
        low=False,
    ),
}


def say(fault: str, value: float) -> str:
    """`copy of the input (mean absolute difference ...: 0.01, a fault below 2)`."""
    about = FAULTS[fault]
    return f"{about.title} ({about.number}: {value:.3g}, {about.rule})"
