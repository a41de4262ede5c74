"""Losses as pure functions of tensors: no state, no configuration, no device."""

from torch import Tensor

from replicate.errors import ReplicateError


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


def l1_loss(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference of two tensors of one shape, >= 0 and 0 when they are equal.

    Source: the cycle and identity terms of CycleGAN (eq. 2, section 5.2) and AGGAN
        (losses.py:5-28).
    """
    if x.shape != y.shape:
        raise ReplicateError(f"l1_loss of two shapes, {tuple(x.shape)} and {tuple(y.shape)}")
    return (x.float() - y.float()).abs().mean()
