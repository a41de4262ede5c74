"""Inception score of the class logits of one image set."""

from itertools import pairwise

import numpy as np
from scipy.special import log_softmax, logsumexp

from replicate.errors import ReplicateError


def inception_score(
    logits: np.ndarray, splits: int = 10, seed: int | None = None
) -> tuple[float, float]:
    """Mean and standard deviation over splits of exp(mean KL(p(y|x) || p(y))).

    Args:
        logits: (N, K), N >= splits, before the softmax.
        splits: parts of nearly equal size; p(y) is the mean within a part. The score grows with
            the size of a part, so that numbers of other N or splits do not compare.
        seed: shuffles the images first, with the draws of torch-fidelity (its default is 2020);
            None keeps their order, as GAN_Metrics-Tensorflow does.

    Returns:
        (mean, standard deviation without Bessel's correction) over splits; the mean is in [1, K],
        1 where all predictions agree, K where each is certain and all classes are equally many.

    Raises:
        ReplicateError: fewer images than splits, or logits that are not finite.

    Source: Salimans et al., NeurIPS 2016 (arXiv 1606.03498), sec. 4; toshas/torch-fidelity 0.4.0,
        metric_isc.py, isc_features_to_metric; taki0112/GAN_Metrics-Tensorflow @9ced680,
        inception_score.py l. 36-43.
    """
    logits = _checked(logits, splits)
    n = len(logits)
    order = np.arange(n) if seed is None else np.random.RandomState(seed).permutation(n)
    cuts = [i * n // splits for i in range(splits + 1)]
    values = [_score(logits[order[start:stop]]) for start, stop in pairwise(cuts)]
    return float(np.mean(values)), float(np.std(values))


def _score(logits: np.ndarray) -> float:
    """The score of one split."""
    log_p = log_softmax(logits, axis=1)
    # In logarithms throughout: 0 * (log 0 - log 0) of a class that nobody chose would be NaN.
    log_marginal = logsumexp(log_p, axis=0) - np.log(len(log_p))
    return float(np.exp((np.exp(log_p) * (log_p - log_marginal)).sum(axis=1).mean()))


def _checked(logits: np.ndarray, splits: int) -> np.ndarray:
    """The logits as float64, or the error that names what is wrong with them."""
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim != 2 or not logits.size:
        raise ReplicateError(f"logits of shape {logits.shape}, expected (N, K) with N, K >= 1")
    if not 1 <= splits <= len(logits):
        raise ReplicateError(
            f"Inception score in {splits} splits of {len(logits)} images: every split needs an "
            f"image; take 1 to {len(logits)} splits or score more images"
        )
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise ReplicateError(
            f"logits of image {broken[0]} are not finite ({len(broken)} of {len(logits)} images); "
            "check the images and the extractor"
        )
    return logits
