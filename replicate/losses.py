"""Losses as pure functions of tensors: no state, no configuration, no device."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.errors import ReplicateError


class AdversarialScale(NamedTuple):
    """What D's and G's losses are where D cannot tell, and G's where D tells surely."""

    undecided_d: float
    undecided_g: float
    won_g: float

    def times(self, d: float, g: float) -> "AdversarialScale":
        """The same losses with other weights."""
        return AdversarialScale(self.undecided_d * d, self.undecided_g * g, self.won_g * g)


# scores of 0.5 for all images, and D's loss half of a sum as in `lsgan_d_loss`; won: 0
LEAST_SQUARES = AdversarialScale(0.25, 0.25, 1.0)
# probabilities of a half, and D's loss the mean of two; G's has no end, so won: 1 in 100
CROSS_ENTROPY = AdversarialScale(math.log(2), math.log(2), math.log(100))


def lsgan_loss(scores: Tensor, is_real: bool) -> Tensor:
    """Least-squares adversarial loss of one map of patch scores.

    Args:
        scores: (N, 1, h, w), raw scores of a discriminator; no sigmoid before this.
        is_real: the label that the scores are pulled towards: 1 if True, else 0.

    Returns:
        Scalar >= 0, the mean over images and patches; 0 when every score equals its label.

    Raises:
        ReplicateError: the map is empty, because the image is smaller than the receptive field;
            its mean would be a silent NaN.

    Source: Mao et al., ICCV 2017 (arXiv 1611.04076), eq. 2 with a = 0, b = c = 1. Its factor 1/2 is
        left to `lsgan_d_loss`: the papers apply it to D only.
    """
    if scores.numel() == 0:
        raise ReplicateError(
            f"empty score map {tuple(scores.shape)}: the image is smaller than the discriminator's "
            "receptive field; use a larger crop_size or fewer discriminator layers"
        )
    return (scores.float() - float(is_real)).square().mean()


def lsgan_d_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Half the sum of the real and the fake part; 0 when D is right everywhere.

    Source: CycleGAN PyTorch cycle_gan_model.py:142 (factor 0.5); AGGAN losses.py:74-75.
    """
    return 0.5 * (lsgan_loss(real, is_real=True) + lsgan_loss(fake, is_real=False))


def bce_loss(scores: Tensor, is_real: bool) -> Tensor:
    """Binary cross entropy of raw scores with one label, the loss of the minimax game.

    Args:
        scores: of any shape, raw scores of a discriminator; no sigmoid before this.
        is_real: the label that the scores are pulled towards.

    Returns:
        Scalar >= 0, the mean over all scores: -log D, or -log(1 - D). log 2 at scores of 0, towards
        0 for scores far on the side of the label.

    Source: Goodfellow et al. 2014, eq. 1, G's part as -log D (pix2pix, section 3.3).
    """
    scores = scores.float()
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, float(is_real)))


def bce_d_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Half the sum of the real and the fake part, raw scores; log 2 at scores of 0.

    Source: the factor 0.5 of DiscoGAN (image_translation.py) and of pix2pix.
    """
    return 0.5 * (bce_loss(real, is_real=True) + bce_loss(fake, is_real=False))


def gradient_penalty(judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Mean of (|gradient| - 1)^2 at random points between real and fake images.

    Args:
        judge: the critic's scores of (N, 3, H, W); of several scores an image, their sum counts.
        real: (N, 3, H, W).
        fake: the same shape.

    Source: WGAN-GP (arXiv 1704.00028), eq. 3; the sum, not the mean, over patches is StarGAN's.
    """
    mix = torch.rand(len(real), 1, 1, 1).to(real)  # drawn on the CPU: the same on every device
    x = (mix * real + (1 - mix) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def l1_loss(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference of two tensors of one shape, >= 0 and 0 when they are equal.

    Source: the cycle and identity terms of CycleGAN (eq. 2, section 5.2) and AGGAN
        (losses.py:5-28).
    """
    if x.shape != y.shape:
        raise ReplicateError(f"l1_loss of two shapes, {tuple(x.shape)} and {tuple(y.shape)}")
    return (x.float() - y.float()).abs().mean()


def contrast_loss(made: Tensor, near: Tensor, far: Tensor, counts: Tensor) -> Tensor:
    """How surely features are nearer to one point than to another: -log of a softmax of distances.

    Args:
        made: (N, F) features.
        near, far: the same shape; Euclidean distances a to the first and b to the second.
        counts: (N,) booleans, the rows over which the mean is taken.

    Returns:
        Scalar >= 0, the mean of -log(e^-a / (e^-a + e^-b)) = log(1 + e^(a - b)): log 2 halfway,
        towards 0 the nearer `made` is to `near`; 0 where no row counts.

    Source: ContrastGAN (arXiv 1708.00315) by its abstract; the form is a choice, see
        data/deviations/contrastgan.toml.
    """
    a, b = ((made.float() - other.float()).norm(dim=1) for other in (near, far))
    each = F.softplus(a - b)
    return (each * counts).sum() / counts.sum().clamp(min=1)


def normal_kl_loss(mean: Tensor, log_sigma: Tensor) -> Tensor:
    """How far independent normal distributions are from the standard one, >= 0.

    Args:
        mean, log_sigma: of one shape.

    Returns:
        The mean of KL(N(mean, sigma^2) || N(0, 1)) = (sigma^2 + mean^2 - 1) / 2 - log sigma.

    Source: StackGAN, eq. 2; the mean in place of a sum is the TensorFlow code's
        (stageI/trainer.py:24-28).
    """
    mean, log_sigma = mean.float(), log_sigma.float()
    return (((2 * log_sigma).exp() + mean.square() - 1) / 2 - log_sigma).mean()


def matching_loss(x: Tensor, y: Tensor, temperature: float = 0.1) -> Tensor:
    """Cross entropy of telling which y belongs to each x, and which x to each y, by their angles.

    Args:
        x, y: (N, C), where x[i] belongs to y[i].
        temperature: what cosines are divided by.

    Returns:
        Scalar >= 0; log N where all are alike.

    Source: the N-pair loss of Sohn, NeurIPS 2016, in both senses, on vectors of length 1.
    """
    cosines = F.normalize(x.float()) @ F.normalize(y.float()).T / temperature
    places = torch.arange(len(x), device=x.device)
    return (F.cross_entropy(cosines, places) + F.cross_entropy(cosines.T, places)) / 2


def feature_gap(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Squared distances of mean features of two batches: the mean of each layer, summed.

    Args:
        real, fake: of each layer (N, C, h, w); the means are those over N.

    Source: DiscoGAN's `get_fm_loss` (discogan/image_translation.py); its HingeEmbeddingLoss with
        labels 1 is a mean. GANimorph's mean over layers is this sum by their number.
    """
    gaps = [(r.mean(dim=0) - f.mean(dim=0)) for r, f in zip(real, fake, strict=True)]
    return sum(gap.square().mean() for gap in gaps)
