"""Galleries show what a method computed, pixel by pixel, and leave out runs without it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from PIL import Image

from replicate import studies
from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS
from replicate.methods.base import Translation
from replicate.networks.attentiongan import Painting
from replicate.report.plots.picture import Picture
from replicate.studies import galleries

SIDE = 32  # px, the smoke size
LARGE = 256  # px, the papers'


@pytest.fixture(autouse=True)
def images(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> packed.ImageSet:
    """Nine test images a domain, each of one grey."""
    greys = np.arange(10, 100, 10, np.uint8)[:, None, None, None]
    one = np.broadcast_to(greys, (9, SIDE, SIDE, 3))
    arrays = {"A": one, "B": one + 100, "A_ideal": one + 1, "B_ideal": one + 101}
    names = {"A": [f"a{i}.png" for i in range(9)], "B": [f"b{i}.png" for i in range(9)]}
    about = ("horse2zebra_drawn", "test", SIDE, ("horse", "zebra"), False, arrays, names, {})
    made = packed.ImageSet(*about)
    monkeypatch.setattr(packed, "load", lambda name, split, size, **more: made)
    return made


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> dict:
    """The methods that galleries ask for, in place of those of checkpoints, by METHOD:VARIANT."""
    built = {}

    def load(run: Run, device: torch.device):
        key = f"{run.method}:{run.variant}"
        return built.setdefault(key, METHODS[run.method](run.config).eval())

    monkeypatch.setattr(galleries, "load_method", load)
    return built


def scored(name: str, seed: int = 0, grey: int = 7) -> Run:
    """A smoke run with translations of one grey."""
    run = make_run(name, "horse2zebra_drawn", seed, "smoke")
    for words, letter in (("horse2zebra", "a"), ("zebra2horse", "b")):
        folder = run.folder / "outputs" / words
        folder.mkdir(parents=True)
        for i in range(9):
            flat = np.full((SIDE, SIDE, 3), grey, np.uint8)
            Image.fromarray(flat).save(folder / f"{letter}{i}.png")
    return run


def sampled(run: Run, rows: list[int], moments: tuple[int, ...]) -> Run:
    """The run with sample sheets whose rows have one grey each, brighter by one at each moment."""
    (run.folder / "samples").mkdir(parents=True)
    for k, moment in enumerate(moments):
        grey = np.repeat(np.array(rows, np.uint8) + k, SIDE)[:, None, None]
        sheet = np.broadcast_to(grey, (len(grey), 8 * SIDE, 3))
        Image.fromarray(sheet).save(run.folder / "samples" / f"{moment:08d}.png")
    return run


def tiles(figure: Picture) -> list[list[int]]:
    """The red value at a corner of every tile, row by row."""
    strips = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    return [[int(v) for v in strip[5, 5 :: strip.shape[0] + 2, 0]] for strip in strips]


def texts(figure: Picture) -> list[str]:
    return [text.get_text() for text in figure.texts]


def painting(x: torch.Tensor, attention: list[float], content: list[float]) -> Painting:
    """The same attentions and contents at every pixel; the image is a black one."""
    planes = torch.ones(len(x), 1, *x.shape[2:])
    weights = torch.cat([planes * a for a in attention], dim=1)
    contents = torch.stack([torch.full_like(x, c) for c in content], dim=1)
    return Painting(torch.full_like(x, -1.0), weights, contents)


def with_masks(methods: dict, run: Run, attention: list[float], content: list[float]) -> None:
    method = galleries.load_method(run, torch.device("cpu"))
    method.masks = lambda x, direction: painting(x, attention, content)


def test_masks_show_every_attention_over_its_content(methods: dict) -> None:
    run = scored("attentiongan")
    with_masks(methods, run, [0.2, 0.1, 0.7], [0.5, -0.5])
    figure = studies.masks([run], images=1)
    # (c + 1) 127.5 of the contents; attentions a 255, those of the foreground x 5, background not
    contents = [191, 64]
    assert tiles(figure)[:3] == [[10, 0], [255, 128, 178], [*contents, 10]]
    assert tiles(figure)[3:] == [[110, 0], [255, 128, 178], [*contents, 110]]
    words = texts(figure)
    assert words[0] == (
        "attentiongan on horse2zebra_drawn, horse->zebra, seed 0, a0; at the right the background"
    )
    assert words[1:4] == ["input, output", "attentions (x 5.0),\nbackground", "contents"]
    assert "zebra->horse, seed 0, b0" in words[4]


def test_a_painted_background_stands_under_its_own_attention(methods: dict) -> None:
    run = scored("attentiongan:geo")
    with_masks(methods, run, [0.25, 0.25, 0.5], [0.0, 0.2, 1.0])
    assert tiles(studies.masks([run], images=1))[2] == [128, 153, 255]  # the last is not the input


def test_one_mask_is_shown_as_it_is(methods: dict) -> None:
    """Scheme I has one attention of the foreground: nothing shares its pixels."""
    run = scored("attentiongan_v1")
    with_masks(methods, run, [0.2, 0.8], [0.5])
    figure = studies.masks([run], images=1)
    assert tiles(figure)[1] == [51, 204] and "attentions" in texts(figure)


def test_styles_show_one_input_by_every_seed_and_leave_other_methods_out(methods: dict) -> None:
    run = scored("munit")
    method = galleries.load_method(run, torch.device("cpu"))
    method.translate = lambda x, direction, seed=0: Translation(x + 2 * seed / 255)
    figure = galleries.styles([scored("cyclegan"), run], images=2, columns=3)
    assert tiles(figure)[:2] == [[10, 10, 11, 12], [20, 20, 21, 22]]
    assert tiles(figure)[2:] == [[110, 110, 111, 112], [120, 120, 121, 122]]
    heading = "munit on horse2zebra_drawn, horse->zebra, seed 0: input, then 3 styles"
    assert texts(figure)[:3] == [heading, "a0", "a1"]
    with pytest.raises(ReplicateError, match="several translations of an input"):
        galleries.styles([scored("cyclegan", seed=1)])


def test_masks_of_the_methods_themselves(methods: dict) -> None:
    """What the networks give is drawn, for every method that has masks, and fits a page."""
    runs = [scored(f"attentiongan{which}") for which in ("", "_v1", "_multi")]
    figure = studies.masks([*runs, scored("cyclegan")], images=2)
    assert len(figure.axes) == 3 * 2 * 2 * 3  # runs, directions, images, rows
    assert figure.get_size_inches()[0] * 100 <= 1600
    assert not any("cyclegan" in text for text in texts(figure))
    one = methods["attentiongan:paper"]
    x, _ = galleries._first(packed.load("", "", 0), "AB", 2)
    with torch.no_grad():
        background = one.masks(x, "AB").attention[1, -1, 5 // 4, 5 // 4]  # 32 px, drawn 4 times
    assert tiles(figure)[4][-1] == round(float(background) * 255)


def test_ten_masks_at_the_size_of_the_paper_fit_a_page() -> None:
    x = torch.zeros(1, 3, LARGE, LARGE)
    made = painting(x, [0.1] * 10, [0.0] * 9)
    rows = galleries._masks_over_contents(made.attention[0], made.content[0], x[0])
    assert [len(row) for _, row in rows] == [10, 10]
    assert galleries.sheet([("all", rows)]).get_size_inches()[0] * 100 <= 1600


def test_precision_is_that_of_the_scores() -> None:
    def ask(x: torch.Tensor, direction: str) -> tuple[bool, bool]:
        return torch.is_autocast_enabled("cpu"), torch.is_grad_enabled()

    method = METHODS["cyclegan"](make_run("cyclegan", "x", 0, "smoke").config)
    for precision, reduced in (("fp32", False), ("bf16", True)):
        method.config = replace(method.config, precision=precision)
        asked = galleries._without_gradients(method, ask, torch.zeros(1), "AB")
        assert asked == (reduced, False)


def test_evolution_has_a_column_a_moment() -> None:
    run = sampled(scored("attentiongan"), [10, 20, 30, 110, 120, 130], (4, 8, 12))
    other = sampled(scored("cyclegan"), [1, 2, 3, 4], (4, 8, 12))  # without maps
    figure = studies.evolution([run, other], images=2)
    ab, attention = [10, 30, 31, 32], [255, 20, 21, 22]  # white below the input
    ba, back = [110, 130, 131, 132], [255, 120, 121, 122]
    assert tiles(figure) == [ab, attention, ab, attention, ba, back, ba, back]
    assert "input, then iterations 4, 8, 12" in texts(figure)[0]
    assert sum("iterations" in text for text in texts(figure)) == 1
    with pytest.raises(ReplicateError, match="no run has attention maps among its"):
        studies.evolution([other])


def heat(x: torch.Tensor, values: dict[str, float]) -> dict[str, torch.Tensor]:
    return {name: torch.full_like(x[:, :1], value) for name, value in values.items()}


def test_heat_maps_lie_on_what_their_network_sees(methods: dict) -> None:
    run, without = scored("ugatit"), scored("ugatit:no-cam")
    for each, values in ((run, {"G": 0.0, "D_local": 0.5, "D_global": 1.0}), (without, {})):
        method = galleries.load_method(each, torch.device("cpu"))
        method.heat_maps = lambda x, direction, v=values: heat(x, v)
        method.translate = lambda x, direction: Translation(torch.ones_like(x))
    figure = studies.heat_maps([run, without, scored("cyclegan")], columns=2)
    red = [255 * colormaps["turbo"](v)[0] for v in (0.0, 0.5, 1.0)]
    on_g = [round(0.4 * grey + 0.6 * red[0]) for grey in (10, 20)]
    on_d = [[round(0.4 * 255 + 0.6 * r)] * 2 for r in red[1:]]
    rows = [[10, 20], on_g, *on_d, [255, 255], [255, 255]]
    assert tiles(figure)[:6] == rows
    assert texts(figure)[:7] == [
        "horse2zebra_drawn, horse->zebra, seed 0", "input", "ugatit\n  G, on the input",
        "  local D, on the output", "  global D, on the output", "  output",
        "ugatit:no-cam\n  output",
    ]  # fmt: skip


def test_heat_maps_of_the_method_itself(methods: dict) -> None:
    """Both ends of the scale are in every map: none is flat."""
    figure = studies.heat_maps([scored("ugatit"), scored("ugatit:no-d-cam")], columns=3)
    assert len(figure.axes) == 2 * (1 + 4 + 2)
    assert figure.get_size_inches()[0] * 100 <= 1600
    x, _ = galleries._first(packed.load("", "", 0), "AB", 3)
    with torch.no_grad():
        maps = methods["ugatit:paper"].heat_maps(x + 0.1 * torch.rand_like(x), "AB")
    assert set(maps) == set(galleries.HEAT)
    assert all(float(m.max() - m.min()) > 0.5 for m in maps.values())


def test_normalisations_are_runs_that_differ_in_the_norm_alone() -> None:
    runs = [scored("ugatit", grey=1), scored("ugatit:ln", grey=2), scored("ugatit:in", grey=3)]
    others = [scored("ugatit:no-cam"), scored("cyclegan"), scored("ugatit:gn", seed=1)]
    figure = studies.normalisations([*runs, *others], columns=2)
    words = [text.strip() for text in texts(figure)]
    named = [text for text in words if text.startswith("ugatit")]
    assert sorted(named[:3]) == ["ugatit (adalin)", "ugatit:in (in)", "ugatit:ln (ln)"]
    assert named[3:] == named[:3]
    assert tiles(figure)[:2] == [[10, 20], [11, 21]]  # input and ideal
    assert {row[0] for row in tiles(figure)[2:5]} == {1, 2, 3}
    with pytest.raises(ReplicateError, match="no two runs differ in `norm` alone"):
        studies.normalisations([runs[0], *others])


@pytest.mark.parametrize("gallery", [studies.masks, studies.heat_maps])
def test_a_gallery_without_a_run_says_what_to_add(gallery) -> None:
    what = gallery.__name__.replace("_", " ")
    with pytest.raises(ReplicateError, match=f"no run has {what} in its method"):
        gallery([scored("cyclegan")])
    with pytest.raises(ReplicateError, match="no run of seed 0 has outputs yet"):
        gallery([make_run("ugatit", "horse2zebra_drawn", 0, "smoke")])
