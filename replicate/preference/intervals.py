"""95 % intervals of shares, aware that the answers of one person resemble one another."""

import numpy as np
from scipy.stats import t

from replicate.metrics.class_rate import Z, wilson


def share_interval(k: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """The Wilson interval of sum(k) / sum(n) for as many answers as the participants are worth.

    The variance between participants, over that of independent answers and never below it, is the
    design effect; it and the Student quantile for few participants divide the number of answers.

    Args:
        k: (P,) answers that count, of each participant.
        n: (P,) answers of each participant, at least 1.

    Returns:
        (low, high) in [0, 1]; of one participant plain Wilson, which is too narrow.

    Source: Korn and Graubard, Survey Methodology 24 (1998), 193, effective sample size.
    """
    people, total = len(n), float(np.sum(n))
    share = float(np.sum(k)) / total
    if people == 1:
        return wilson(share * total, total)
    between = people / (people - 1) * float(np.sum((k - share * n) ** 2)) / total**2
    alone = share * (1 - share) / total
    effect = max(1.0, between / alone) if alone > 0 else 1.0
    worth = total / effect * (Z / t.ppf(0.975, people - 1)) ** 2
    return wilson(share * worth, worth)


def kind(participants: int) -> str:
    """What the interval of that many participants is, in words."""
    if participants == 1:
        return "Wilson, too narrow: the answers of one person are not independent"
    return f"Wilson of the effective number of answers, from the spread of {participants} people"
