"""Whether translations are taken for the target: the answers of a network trained on ImageNet."""

from collections.abc import Collection
from dataclasses import replace
from math import sqrt

import numpy as np
from scipy.special import softmax

from replicate.errors import ReplicateError
from replicate.metrics.bootstrap import mean_interval
from replicate.metrics.protocols import Protocol
from replicate.metrics.score import Score, joined

RATE, PROBABILITY = "class rate", "class probability"  # estimators
METRICS = {"class_rate": RATE, "class_probability": PROBABILITY}
NO_CLASS = "no class"  # how the reason begins where a domain has none
CEILING = "ceiling: the real images' own"
Z = 1.959963984540054  # standard normal quantile of 0.975


def answers(logits: np.ndarray, classes: Collection[int]) -> np.ndarray:
    """(N,) booleans: whether the first answer lies in the classes.

    Args:
        logits: (N, 1000).
        classes: of ILSVRC 2012, 0 to 999, in the order of their WordNet ids.

    Raises:
        ReplicateError: no classes.
    """
    return np.isin(logits.argmax(axis=1), _some(classes))


def probabilities(logits: np.ndarray, classes: Collection[int]) -> np.ndarray:
    """(N,) in [0, 1]: what the softmax gives the classes together; arguments as of `answers`."""
    return softmax(logits.astype(np.float64), axis=1)[:, _some(classes)].sum(axis=1)


def _some(classes: Collection[int]) -> list[int]:
    if not classes:
        raise ReplicateError(
            f"{NO_CLASS}: no ImageNet class of the target is known; name its domain with --target "
            "(data/datasets.yaml has the classes), or the classes with --classes"
        )
    return sorted(classes)


def of_target(protocol: Protocol, classes: Collection[int]) -> Protocol:
    """The protocol with the classes of the target; any other protocol as it is."""
    if protocol.estimator not in METRICS.values():
        return protocol
    return replace(protocol, settings={"classes": tuple(classes)})


def finished(score: Score, protocol: Protocol, logits: np.ndarray) -> Score:
    """A score of this kind with its interval and the words that belong to it; others as they are.

    What stands as `floor` is the rate of real images: the ceiling.

    Args:
        logits: (N, 1000) of the translations.
    """
    if protocol.estimator not in METRICS.values():
        return score
    classes = protocol.settings["classes"]
    if protocol.estimator == RATE:
        low, high = wilson(answers(logits, classes).sum(), len(logits))
    else:
        low, high = _mean_interval(probabilities(logits, classes))
    said = score.note.replace("floor: the real images' own score", f"{CEILING} score")
    return replace(score, low=low, high=high, note=joined(said, f"classes {_named(classes)}"))


def _mean_interval(values: np.ndarray) -> tuple[float | None, float | None]:
    return mean_interval(values, draws=500) if len(values) > 1 else (None, None)


def _named(classes: Collection[int]) -> str:
    """`340`, or `151 to 268` of a range without gaps."""
    first, last = min(classes), max(classes)
    whole = len(set(classes)) == last - first + 1
    if len(classes) > 1 and whole:
        return f"{first} to {last}"
    return ", ".join(map(str, sorted(classes)))


def wilson(k: float, n: float) -> tuple[float, float]:
    """The Wilson score interval of the share k / n.

    Args:
        k: answers that count, 0 to n.
        n: independent answers, above 0; not whole where it is an effective number.

    Returns:
        (low, high) in [0, 1].

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927), 209; without continuity correction.
    """
    centre = (k + Z**2 / 2) / (n + Z**2)
    half = Z / (n + Z**2) * sqrt(k * (n - k) / n + Z**2 / 4)
    # at the ends the formula is exact, its rounding is not
    return (0.0 if k == 0 else centre - half), (1.0 if k == n else centre + half)
