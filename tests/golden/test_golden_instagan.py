"""InstaGAN computes what its official code computes, over both chunks of a batch."""

import math

import torch
from support.golden import batch_of, count, differences, filled, networks, read, salts, slope
from torch import Tensor

from replicate.methods.instagan import InstaGAN
from replicate.networks import instagan
from replicate.networks.instagan import Scene, SetDiscriminator, SetGenerator

GOLDEN = read("instagan")
SETUP = GOLDEN["setup"]
# official names of losses: A is there the direction from A to B
OURS = {
    "G_A": "adv_B", "cyc_A": "cyc_A", "idt_B": "idt_A", "ctx_A": "ctx_A", "D_A": "dis_B",
    "G_B": "adv_A", "cyc_B": "cyc_B", "idt_A": "idt_B", "ctx_B": "ctx_B", "D_B": "dis_A",
}  # fmt: skip


def map_of(boxes: list[list[int]]) -> Tensor:
    """A map of instances, numbered in the order of the file."""
    made = torch.zeros(1, 1, SETUP["size"], SETUP["size"])
    for i, (top, left, bottom, right) in enumerate(boxes, 1):
        made[..., top:bottom, left:right] = i
    return made


def test_instagan(monkeypatch):
    size, width = SETUP["size"], SETUP["ngf, ndf"]
    most, each = SETUP["ins_max, ins_per"]
    changes = {"ngf": width, "ndf": width, "ins_max": most, "ins_per": each}
    changes |= {"load_size": size, "crop_size": size}
    method, batch = filled(InstaGAN, salts(GOLDEN), **changes), batch_of(size)
    batch |= {f"{X}_instances": map_of(SETUP[f"boxes_{X}"]) for X in "AB"}
    # the networks were given masks in the order of the file, which decides what D's spectral norm
    # makes of each; a step sorts them
    masks = {X: 2 * torch.cat([map_of([b]) for b in SETUP[f"boxes_{X}"][:2]], 1) - 1 for X in "AB"}
    empty = torch.full_like(masks["B"], -1.0)
    fixed = {X: {n: b.clone() for n, b in method.D[X].named_buffers()} for X in "AB"}
    with torch.no_grad():
        made = method.G["AB"](Scene(batch["A"], masks["A"]))
        scores = method.D["B"](Scene(batch["B"], torch.cat([masks["B"], empty], 1)))
    outputs = {
        "G_AB(A with masks 0, 1)": {
            "image": made.image,
            "mask_0": made.masks[:, :1],
            "mask_1": made.masks[:, 1:],
        },
        "D_B(B with its 4 masks)": {"output": scores},
    }
    assert differences(outputs, GOLDEN["networks"]) == {}
    for X in "AB":  # spectral norm has moved on
        method.D[X].load_state_dict(fixed[X], strict=False)

    chunks, vectors = {}, {}
    update = method.update

    def watched(total: Tensor, name: str) -> None:
        update(total, name)
        for network, module in networks(method).items():
            if network.startswith(name):
                norm = math.hypot(slope(module), slope_of_vectors(module, vectors))
                chunks.setdefault(network, []).append(norm)

    monkeypatch.setattr(instagan, "_Largest", with_vectors(vectors))
    monkeypatch.setattr(method, "update", watched)
    logged = losses_by_chunk(method, monkeypatch)
    method.begin(0, 1000.0)
    method.step(batch)
    for i in range(2):
        chunk = f"chunk_{i + 1}"
        wanted = GOLDEN["losses"][chunk]
        values = {k: logged[i].get(OURS[k], 0.0) for k, v in wanted.items() if v}
        assert differences(values, {k: v for k, v in wanted.items() if v}, chunk) == {}
        assert {OURS[k] for k, v in wanted.items() if v} == set(logged[i])
        slopes = {name: values[i] for name, values in chunks.items()}
        assert differences(slopes, GOLDEN["grad_norms"][chunk], chunk) == {}


def with_vectors(kept: dict) -> type:
    """`_Largest`, its gradients by u and v kept by layer.

    The official code lets them have gradients from its first step of D on, which no optimiser holds
    and so none clears: the norms of D in the file include the sum of these over all chunks so far.
    """

    plain = instagan._Largest

    class Largest(plain):
        @staticmethod
        def forward(ctx, flat, norm):
            value = plain.forward(ctx, flat, norm)
            ctx.flat, ctx.v = flat, norm.latest[1]
            return value

        @staticmethod
        def backward(ctx, slope):
            u, _ = ctx.norm.latest
            by_u, by_v = kept.get(ctx.norm, (0.0, 0.0))
            by_u = by_u + slope * ctx.flat.mv(ctx.v)
            kept[ctx.norm] = by_u, by_v + slope * ctx.flat.T.mv(u)
            return slope * torch.outer(*ctx.norm.latest), None

    return Largest


def slope_of_vectors(network: torch.nn.Module, kept: dict) -> float:
    """The norm of the gradients by the vectors of spectral norm in a network."""
    slopes = [v for layer in network.modules() for v in kept.get(layer, ())]
    return math.sqrt(sum(float(v.square().sum()) for v in slopes))


def losses_by_chunk(method: InstaGAN, monkeypatch) -> list[dict[str, float]]:
    """What each chunk's updates compute; `step` gives the means."""
    logged: list[dict[str, float]] = []
    of_G, of_D = method._update_generators, method._update_discriminators

    def generators(*arguments):
        fake, losses = of_G(*arguments)
        logged.append({name: float(value.detach()) for name, value in losses.items()})
        return fake, losses

    def discriminators(*arguments):
        losses = of_D(*arguments)
        logged[-1] |= {name: float(value.detach()) for name, value in losses.items()}
        return losses

    monkeypatch.setattr(method, "_update_generators", generators)
    monkeypatch.setattr(method, "_update_discriminators", discriminators)
    return logged


def test_counts_of_instagan():
    wanted = GOLDEN["params_full_width"]
    assert count(SetGenerator()) == wanted["G"]
    assert count(SetDiscriminator()) == wanted["D_trainable"]
