"""CartoonGAN and znxlwm's port compute the same."""

import torch
from support.golden import batch_of, count, differences, fill, filled, networks, read, salts, slope

from replicate.methods.cartoongan import CartoonGAN
from replicate.networks.vgg import VGG19

GOLDEN = read("cartoongan")
VGG = "VGG19 to conv4_4 before ReLU, protocol weights, of (A+1)/2"


def test_cartoongan():
    size, number = GOLDEN["setup"]["size"], GOLDEN["setup"]["batch"]
    changes = {**CartoonGAN.VARIANTS["znxlwm"], "load_size": size, "crop_size": size}
    method, batch = filled(CartoonGAN, salts(GOLDEN), **changes), batch_of(size, number)
    batch["B_smooth"] = 0.5 * batch["B"]
    judge = VGG19(caffe=False)
    fill(judge, salts(GOLDEN)["VGG19"])
    method.receive(judge)
    with torch.no_grad():
        scores = method.D(batch["B"]).sigmoid()
        found = {
            "G": {"params": count(method.G), "output": method.G(batch["A"])},
            "D": {"params": count(method.D), "output (after its sigmoid)": scores},
            VGG: {"params": count(judge), "output": judge(batch["A"])},
        }
    assert differences(found, GOLDEN["networks"]) == {}

    method.begin(10**9, 1.0)  # the adversarial phase
    method.update = lambda total, name: total.backward()  # the weights stay the protocol's
    losses = {name: float(value.detach()) for name, value in method.step(batch).items()}
    logged = GOLDEN["losses"]
    wanted = {
        "content_A": logged["G_content"],
        "adv_B": logged["G_adv"],
        "dis_B": logged["D_real"] + logged["D_fake"] + logged["D_edge"],
    }
    assert differences(losses, wanted) == {}
    slopes = {name: slope(network) for name, network in networks(method).items()}
    assert differences(slopes, GOLDEN["grad_norms"]) == {}
