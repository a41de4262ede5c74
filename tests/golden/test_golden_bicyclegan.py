"""BicycleGAN computes what its official code computes, in the one direction that it has."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from support.golden import batch_of, count, differences, filled, networks, read, sequence, slope
from support.golden import salts as salts_of

from replicate.methods.bicyclegan import BicycleGAN
from replicate.networks.bicyclegan import CodeEncoder, CodeUNet, TwoScalePatchDiscriminator

GOLDEN = read("bicyclegan")
HERE = {"G": "G_AB", "E": "E_B", "D": "D_B", "D2": "D2_B"}  # networks by their names there
LOSSES = {
    "G_GAN": "adv_B", "G_GAN2": "adv2_B", "G_L1": "l1_B", "kl": "kl_B", "z_L1": "z_B",
    "D": "dis_B", "D2": "dis2_B",
}  # fmt: skip


def noise(shape: tuple[int, ...], salt: int) -> torch.Tensor:
    """Random numbers of the protocol: mean 0, variance 1, uniform, rounded to float32."""
    numbers = (math.sqrt(3) * sequence(math.prod(shape), salt)).astype(np.float32)
    return torch.from_numpy(numbers.reshape(shape)).to(torch.get_default_dtype())


def slopes(method: BicycleGAN) -> dict[str, float]:
    return {name: slope(networks(method)[here]) for name, here in HERE.items()}


def test_bicyclegan(every, monkeypatch):
    salt_of = {}  # the other direction has the same weights, and nothing of it is compared
    for name, salt in salts_of(GOLDEN).items():
        salt_of |= {f"{name}_{key}": salt for key in ("AB", "BA", "A", "B")}
    sizes = {"ngf": 16, "nef": 16, "ndf": 16}
    method, batch = filled(BicycleGAN, salt_of, **sizes), batch_of(256, 2)
    x, y = batch["A"][:1], batch["B"][:1]
    with torch.no_grad():
        values = {"G(A, z)": method.G["AB"](x, noise((1, 8), 31))}
        values["E(B) mu"], values["E(B) logvar"] = method.E["B"](y)
        values |= {f"D(B) scale {i}": one for i, one in enumerate(method.D["B"](y), start=1)}
    assert differences(values, GOLDEN["networks"]) == {}

    update = method.update
    for i in range(2 if every else 1):
        at = f"iteration_{i + 1}"
        left: Iterator[int] = iter([100 * (i + 1) + n for n in (1, 2, 1, 2)])
        monkeypatch.setattr(torch, "randn", lambda *shape, left=left, **_: noise(shape, next(left)))
        seen: dict[str, float] = {}

        def watched(loss: torch.Tensor, *names: str, seen: dict = seen) -> None:
            update(loss, *names)
            seen |= {name: slopes(method)[name] for name in names}

        monkeypatch.setattr(method, "update", watched)
        method.begin(i, 1000.0)
        losses = {name: float(value.detach()) for name, value in method.step(batch).items()}
        values = {name: losses[here] for name, here in LOSSES.items()}
        assert differences(values, GOLDEN["losses"][at]) == {}
        after = {name: v for name, v in GOLDEN["grad_norms"][at].items() if name in HERE}
        assert differences(seen, after) == {}


def test_counts():
    with torch.device("meta"):
        made = {"G": CodeUNet(), "E": CodeEncoder(), "D": TwoScalePatchDiscriminator()}
    assert differences({n: count(m) for n, m in made.items()}, GOLDEN["params_full_width"]) == {}


def test_the_encoder_learns_nothing_from_random_codes():
    """Its gradient is that without the latent loss, to the last bit; the generator's is not."""
    values = []
    for weight in (0.5, 0.0):
        torch.manual_seed(0)
        method = BicycleGAN(BicycleGAN.Config(**BicycleGAN.SMOKE | {"lambda_z": weight}))
        for network in networks(method).values():
            for p in network.parameters():
                p.data.copy_(torch.randn(p.shape) * 0.2)
        method.update = lambda loss, *names: loss.backward()
        torch.manual_seed(1)
        method.step(batch_of(32, 2))
        values.append(slopes(method))
    assert values[0]["E"] == values[1]["E"] and values[0]["G"] != values[1]["G"]
