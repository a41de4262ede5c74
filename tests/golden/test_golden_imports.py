"""Official state dicts, imported by their names, compute what the official code computes."""

import re
from pathlib import Path

import pytest
import torch
from support import official as layers
from support.golden import DIRECTION_SALT, batch_of, differences, image, read, salts

from replicate.lab.run import make_run
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Method
from replicate.networks.spectral import SpectralNorm
from replicate.weights import official


def imported(name: str, folder: Path, files: dict[str, dict], direction: str = "", **settings):
    """A method with the tensors of these files; what is in none stays as it is built."""
    for file, content in files.items():
        torch.save(content, folder / file)
    run = make_run(name, "", 0, "paper", settings)
    named = [("", folder / file) for file in files]
    tensors, card = official.convert(run, named, direction)
    method = METHODS[run.method](run.config)
    method.load_state_dict(tensors, strict=False)  # a copy, in the precision of these tests
    return method.train(), card


def pairs(golden: dict, generator: dict, discriminator: dict, names: dict[str, str]) -> dict:
    """Files of both directions, by the official name of each network."""
    salt, shapes = salts(golden), {"G": generator, "D": discriminator}
    return {f"{file}.pth": layers.state(shapes[n[0]], salt[n]) for n, file in names.items()}


def outputs(method: Method, golden: dict) -> dict:
    """What the networks of both directions make of the images of a file."""
    batch, found = batch_of(golden["setup"]["size"], golden["setup"]["batch"]), {}
    for X, Y in DIRECTIONS:
        with torch.no_grad():
            found[f"G_{X}{Y}"], found[f"D_{Y}"] = method.G[X + Y](batch[X]), method.D[Y]
            found[f"D_{Y}"] = found[f"D_{Y}"](batch[Y])
    return found


TWO = {"G_AB": "latest_net_G_A", "G_BA": "latest_net_G_B", "D_B": "9_net_D_A", "D_A": "9_net_D_B"}


def test_cyclegan_with_the_buffers_of_old_instance_norms(tmp_path):
    golden = read("cyclegan")
    generator = layers.resnet_generator(64, 9, old=True)
    files = pairs(golden, generator, layers.patch_discriminator(64), TWO)
    method, card = imported("cyclegan", tmp_path, files)
    assert card.directions == DIRECTIONS
    found = {name: {"output_train": out} for name, out in outputs(method, golden).items()}
    wanted = {n: {"output_train": golden["networks"][n]["output_train"]} for n in found}
    assert differences(found, wanted) == {}


def test_one_released_generator_of_cyclegan_and_one_with_dropout(tmp_path):
    golden, x = read("cyclegan"), image("B", 64, 1)
    for second in (5, 6):
        shapes = layers.resnet_generator(64, 9, second=second)
        files = {"horse2zebra.pth": layers.state(shapes, salts(golden)["G_BA"])}
        method, card = imported("cyclegan", tmp_path, files, "BA")
        assert card.directions == ("BA",)
        with torch.no_grad():
            found = method.G["BA"](x)
        wanted = golden["networks"]["G_BA"]["output_train"]
        assert differences({"out": found}, {"out": wanted}) == {}


def test_pix2pix(tmp_path, fixed_dropout):
    golden = read("pix2pix")
    size, number, salt = golden["setup"]["size"], golden["setup"]["batch"], salts(golden)
    judge = layers.patch_discriminator(64, 6, batch_norm=True)
    files = {
        "latest_net_G.pth": layers.state(layers.unet(16, 7), salt["G_BA"]),
        "latest_net_D.pth": layers.state(judge, salt["D_A"]),
    }
    sizes = {"ngf": 16, "load_size": size, "crop_size": size}
    method, _ = imported("pix2pix", tmp_path, files, "BA", **sizes)
    batch = batch_of(size, number)
    with torch.no_grad():
        found = {
            "G_BA": {"output_train": method.G["BA"](batch["B"])},
            "D_A": {"output_train": method.D["A"](torch.cat([batch["B"], batch["A"]], dim=1))},
        }
    wanted = {n: {"output_train": golden["networks"][n]["output_train"]} for n in found}
    assert differences(found, wanted) == {}


@pytest.mark.parametrize("kind", ["light", "full"])
def test_ugatit_generators(tmp_path, kind):
    golden = read("ugatit")["networks"][f"G_AB_ngf64_64px_{kind}"]
    shapes = layers.ugatit_generator(64, 4, 1 if kind == "light" else 16 * 16)
    files = {"selfie2anime_params_latest.pt": {"genA2B": layers.state(shapes, 1)}}
    sizes = {"load_size": 64, "crop_size": 64, "full_size": 64, "global_layers": 6}
    name = "ugatit:light" if kind == "light" else "ugatit"
    method, card = imported(name, tmp_path, files, **sizes)
    assert card.directions == ("AB",)
    with torch.no_grad():
        out, cam, heat = method.G["AB"](image("A", 64, int(golden["input"].split()[1][0])))
    found = {"params": golden["params"], "image": out, "cam": cam, "heatmap": heat}
    assert differences(found, golden) == {}


@pytest.mark.parametrize(
    ("key", "name", "ndf", "depth"),
    [("disGA", "D_global_ndf32", 32, 7), ("disLA", "D_local_ndf64", 64, 5)],
)
def test_ugatit_discriminators(tmp_path, key, name, ndf, depth):
    (entry,) = [v for k, v in read("ugatit")["networks"].items() if k.startswith(name)]
    generator = layers.state(layers.ugatit_generator(4, 1, 1), 1)
    judge = layers.state(layers.ugatit_discriminator(ndf, depth), 3)
    files = {"x.pt": {"genA2B": generator, key: judge}}
    sizes = {"load_size": 128, "crop_size": 128, "ngf": 4, "n_res": 1, "ndf": ndf}
    method, _ = imported("ugatit:light", tmp_path, files, **sizes)
    network = (method.D_global if key == "disGA" else method.D_local)["A"]
    domain, shape = entry["input"].split()
    with torch.no_grad():
        out, cam, heat = network(image(domain, 128, int(shape[0])))
    found = {"params": entry["params"], "output": out, "cam": cam, "heatmap": heat}
    assert differences(found, entry) == {}
    vectors = [layer.u for layer in network.modules() if isinstance(layer, SpectralNorm)]
    assert vectors and DIRECTION_SALT == 50  # every u came from the file, then made one iteration


@pytest.mark.parametrize(("variant", "contents"), [("paper", 9), ("geo", 10)])
def test_attentiongan_of_scheme_two(tmp_path, variant, contents):
    golden = read("attentiongan" if variant == "paper" else "attentiongan_geo")
    generator = layers.scheme_two_generator(64, 9, contents)
    files = pairs(golden, generator, layers.patch_discriminator(64), TWO)
    method, _ = imported(f"attentiongan:{variant}", tmp_path, files)
    found = {
        name: {"output": out}
        if name.startswith("D")
        else {"image": out.image, "attention_1": out.attention[:, :1]}
        for name, out in outputs(method, golden).items()
    }
    wanted = {n: {k: golden["networks"][n][k] for k in kept} for n, kept in found.items()}
    assert differences(found, wanted) == {}


def test_attentiongan_of_scheme_one(tmp_path):
    golden = read("attentiongan_v1")
    names = {"G_AB": "netG_A2B", "G_BA": "netG_B2A", "D_B": "netD_B", "D_A": "netD_A"}
    generator, judge = layers.scheme_one_generator(64, 6), layers.scheme_one_discriminator()
    files = pairs(golden, generator, judge, names)
    size = golden["setup"]["size"]
    sizes = {"load_size": size, "crop_size": size}
    method, _ = imported("attentiongan_v1", tmp_path, files, **sizes)
    found = outputs(method, golden)
    found = {n: {"output_train" if n[0] == "D" else "image_train": o} for n, o in found.items()}
    for kept in found.values():
        if "image_train" in kept:
            kept["image_train"] = kept["image_train"].image
    wanted = {n: {k: golden["networks"][n][k] for k in kept} for n, kept in found.items()}
    assert differences(found, wanted) == {}
    for name in list(files):  # as PyTorch 0.3.1, its version, wrote them
        files[name] = {k: v for k, v in files[name].items() if not k.endswith("batches_tracked")}
    older, _ = imported("attentiongan_v1", tmp_path, files, **sizes)
    assert all(
        torch.equal(value, older.state_dict()[key])
        for key, value in method.state_dict().items()
        if key.startswith("G") and "running" not in key and "tracked" not in key
    )


def test_combogan_one_encoder_and_one_decoder_of_many(tmp_path):
    """Of three domains: encoder 0, decoder 2, which is the sixth file, and discriminator 2."""
    golden = read("combogan")
    setup, wanted = golden["setup"], golden["d_padding_2"]["networks"]
    first = {name: int(salt) for name, salt in re.findall(r"(\w+)_d: (\d+) \+ d", setup["salts"])}
    files = {
        "encoder": layers.state(layers.combo_encoder(32, 4), first["enc"]),
        "decoder": layers.state(layers.combo_decoder(32, 5), first["dec"] + 2),
        "discriminator": layers.state(layers.patch_discriminator(32), first["D"] + 2),
    }
    size = setup["size"]
    sizes = {"load_size": size, "crop_size": size, "ngf": 32, "ndf": 32, "c_dim": 2}
    method, card = imported("combogan", tmp_path, files, "AB", **sizes)
    assert card.directions == ("AB",)
    with torch.no_grad():
        code = method.E["A"](image("A", size, 1))
        found = {"enc_0(A)": code, "dec_2(enc_0(A))": method.G["B"](code)}
        found["D_2(B)"] = method.D["B"](image("B", size, 1))
    assert differences(found, wanted) == {}


@pytest.mark.parametrize(("labels", "variant"), [("RaFD", "paper"), ("CelebA", "celeba")])
@pytest.mark.parametrize(("name", "channels"), [("stargan", 3), ("attentiongan_multi", 4)])
def test_stargan_and_its_heir(tmp_path, name, channels, labels, variant, every):
    if labels != "RaFD" and not every:
        pytest.skip("the same networks but for their labels: make test-all")
    golden, c_dim = read(name), 8 if labels == "RaFD" else 5
    salt, size = salts(golden), golden["setup"]["size"]
    generator = layers.star_generator(64, 6, c_dim, channels)
    files = {
        "200000-G.ckpt": layers.state(generator, salt["G"]),
        "200000-D.ckpt": layers.state(layers.star_discriminator(64, 6, c_dim, 1), salt["D"]),
    }
    sizes = {"load_size": size, "crop_size": size}
    method, _ = imported(f"{name}:{variant}", tmp_path, files, **sizes)
    batch, here = batch_of(size), torch.eye(2, c_dim)
    if labels == "CelebA":
        here = torch.tensor([[1, 0, 0, 1, 0], [0, 1, 0, 0, 1]], dtype=torch.get_default_dtype())
    real = torch.cat([batch["A"], batch["B"]])
    with torch.no_grad():
        made, (scores, logits) = method.G(real, here.flip(0)), method.D(real)
    found = {"G": {"image": made}, "D": {"scores": scores, "logits": logits}}
    if channels == 4:
        mask, content = made.attention[:, :1], made.content[:, 0]
        found["G"] = {"image": made.image, "mask": mask, "content": content}
    networks = golden[labels]["networks"]
    wanted = {n: {k: networks[n][k] for k in kept} for n, kept in found.items()}
    assert differences(found, wanted) == {}
