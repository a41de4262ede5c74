"""CycleGAN's losses against plain torch."""

from dataclasses import replace

import torch
from torch import Tensor

from replicate.methods.cyclegan import CycleGAN


def mean_square(x: Tensor) -> Tensor:
    return (x**2).mean()


def test_losses_of_cyclegan_by_hand(start):
    training = start(CycleGAN, replace(CycleGAN.Config(), **CycleGAN.SMOKE), None)
    method, batch = training.method, training.batches(0)
    (a, b), G, D = (batch["A"], batch["B"]), method.G, method.D
    with torch.no_grad():
        fake_a, fake_b = G["BA"](b), G["AB"](a)
        wanted = {
            "idt_B": 5 * (G["AB"](b) - b).abs().mean(),
            "cyc_A": 10 * (G["BA"](fake_b) - a).abs().mean(),
            "adv_B": mean_square(D["B"](fake_b) - 1),
            "idt_A": 5 * (G["BA"](a) - a).abs().mean(),
            "cyc_B": 10 * (G["AB"](fake_a) - b).abs().mean(),
            "adv_A": mean_square(D["A"](fake_a) - 1),
            "dis_A": (mean_square(D["A"](a) - 1) + mean_square(D["A"](fake_a))) / 2,
            "dis_B": (mean_square(D["B"](b) - 1) + mean_square(D["B"](fake_b))) / 2,
        }
    method.begin(0, 1.0)
    torch.testing.assert_close({k: v.detach() for k, v in method.step(batch).items()}, wanted)
