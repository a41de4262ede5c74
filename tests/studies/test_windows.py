"""Where windows lie: shares by hand, blind windows against a count over all their places."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from replicate import studies
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.report.plots.picture import Picture
from replicate.report.tables.summary import SMOKE
from replicate.studies import galleries, windows
from replicate.studies.windows import Placed

SIDE = 32  # px, the smoke size


def mask(*boxes: tuple[int, int, int, int], side: int = 8) -> np.ndarray:
    """A mask an image: 1 from (left, top) up to, not including, (right, bottom)."""
    made = np.zeros((len(boxes), side, side), np.uint8)
    for image, (left, top, right, bottom) in zip(made, boxes, strict=True):
        image[top:bottom, left:right] = 1
    return made


def placed(*centres: list[tuple[float, float]], half: float = 2.0) -> Placed:
    return Placed(np.array(centres, np.float32), half)


def test_a_hit_is_a_centre_on_a_pixel_of_the_mask() -> None:
    there = mask(*[(2, 4, 5, 6)] * 4)
    on, left, below = (2.0, 4.0), (1.99, 4.5), (3.0, 6.0)  # right and bottom are outside
    assert windows.hits(placed([on], [left], [below], [(4.99, 5.99)]), there).tolist() == [
        1, 0, 0, 1,
    ]  # fmt: skip
    assert windows.hits(placed([on, left, below, on]), there[:1]).tolist() == [0.5]


def test_the_object_is_inside_as_far_as_its_pixels_middles_are() -> None:
    there = mask((0, 0, 4, 4))
    assert windows.inside(placed([(2, 2)]), there).tolist() == [1.0]
    assert windows.inside(placed([(4, 2)]), there).tolist() == [0.5]  # from x = 2 on
    assert windows.inside(placed([(4, 4)]), there).tolist() == [0.25]
    assert windows.inside(placed([(4.6, 2)]), there).tolist() == [0.25]  # 2.5 is left of 2.6
    assert windows.inside(placed([(4, 2), (4, 4)]), there).tolist() == [0.5]  # a union


@pytest.mark.parametrize("half", [1.0, 1.7, 2.5])
@pytest.mark.parametrize("box", [(0, 0, 3, 2), (3, 4, 6, 8), (0, 0, 8, 8)])
def test_blind_windows_are_means_over_all_places(half: float, box: tuple) -> None:
    there = mask(box)
    steps = half + (8 - 2 * half) * (np.arange(200) + 0.5) / 200
    grid = np.stack(np.meshgrid(steps, steps), axis=2).reshape(-1, 1, 2)
    every = Placed(grid, half)
    all_masks = np.repeat(there, len(grid), axis=0)
    # 200 places an axis miss the edge of a pixel by at most half a step of 6 / 200 px, twice an
    # axis: below 0.01 of the range
    assert windows.expected_hits(half, there)[0] == pytest.approx(
        windows.hits(every, all_masks).mean(), abs=0.01
    )
    assert windows.expected_inside(half, there)[0] == pytest.approx(
        windows.inside(every, all_masks).mean(), abs=0.01
    )


def test_blind_windows_of_which_the_value_is_known() -> None:
    everywhere, corner = mask((0, 0, 8, 8)), mask((0, 0, 1, 1))
    # sums of 64 products of sixteenths: exact but for rounding
    assert windows.expected_hits(2.0, everywhere) == pytest.approx([1.0])
    assert windows.expected_hits(2.0, corner).tolist() == [0.0]  # no centre comes so near an edge
    # the corner's middle, 0.5, is seen by centres up to 2.5: an eighth of [2, 6], on both axes
    assert windows.expected_inside(2.0, corner) == pytest.approx([1 / 64])
    assert windows.expected_inside(2.0, corner, n=2) == pytest.approx([1 - (63 / 64) ** 2])
    assert windows.expected_inside(4.0, everywhere).tolist() == [1.0]  # one place, all is seen
    assert windows.expected_hits(4.0, mask((4, 4, 5, 5))).tolist() == [1.0]


@pytest.fixture
def images(workspace, monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """Five test images a domain, black, whose object is the left upper quarter."""
    black = np.zeros((5, SIDE, SIDE, 3), np.uint8)
    arrays = {key: black for key in ("A", "B")} | {f"{key}_ideal": black + 9 for key in "AB"}
    arrays |= {f"{key}_mask": mask(*[(0, 0, 16, 16)] * 5, side=SIDE) for key in "AB"}
    names = {key: [f"{key}{i}.png" for i in range(5)] for key in "AB"}
    about = ("shapes_drawn", "test", SIDE, ("flat", "striped"), False, arrays, names, {})
    made = ImageSet(*about)
    monkeypatch.setattr(packed, "load", lambda name, split, size, **more: made)
    return made


CENTRES = {"AB": (15.99, 10.0), "BA": (16.0, 10.0)}  # on the object, and just beside it


def scored(name: str, seed: int, grey: int) -> Run:
    """A smoke run with translations of one grey."""
    run = make_run(name, "shapes_drawn", seed, "smoke")
    for words, letter in (("flat2striped", "A"), ("striped2flat", "B")):
        folder = run.folder / "outputs" / words
        folder.mkdir(parents=True)
        for i in range(5):
            flat = np.full((SIDE, SIDE, 3), grey, np.uint8)
            Image.fromarray(flat).save(folder / f"{letter}{i}.png")
    return run


@pytest.fixture
def runs(images: ImageSet, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Two seeds of DA-GAN whose windows stand where CENTRES says, and runs without windows."""
    monkeypatch.setattr(Run, "record", lambda run: {"status": "finished"})

    def load(run: Run, device: torch.device) -> Method:
        method = METHODS[run.method](run.config).eval()
        found = method.windows
        where = {d: torch.tensor([c]) for d, c in CENTRES.items()}
        method.windows = lambda x, d: found(x, d)._replace(centres=where[d].expand(len(x), 1, 2))
        return method

    monkeypatch.setattr(windows, "load_method", load)
    monkeypatch.setattr(galleries, "load_method", load)
    return [
        scored("dagan", 0, 50), scored("dagan", 1, 60), scored("dagan:no-attention", 0, 70),
        scored("cyclegan", 0, 80),
    ]  # fmt: skip


def test_the_table_tells_whether_the_object_is_found(runs: list[Run]) -> None:
    frame = studies.window_hits(runs)
    assert frame[SMOKE].tolist() == ["dagan", "dagan"]
    assert frame["direction"].tolist() == ["flat->striped", "striped->flat"]
    there, beside = (frame.loc[i] for i in (0, 1))
    assert there["centre on object"] == "1.00 ± 0.00 (2)"
    # centres lie on [7.5, 24.5]: below 16 in half of it, on both axes
    assert there["centre, random window"] == "0.25" and there["centre, middle window"] == "0.00"
    # of 16 columns those with middles from 8.5 to 15.5, of 16 rows from 2.5 to 15.5
    assert there["object inside"] == f"{8 * 14 / 256:.2f} ± 0.00 (2)"
    assert there["inside, middle window"] == f"{8 * 8 / 256:.2f}"
    assert there[windows.FOUND] == "yes"
    assert beside["centre on object"] == "0.00 ± 0.00 (2)"
    assert beside[windows.FOUND] == "no: 0.00 < 0.8, -25 points above blind"


def test_budgets_do_not_mix(runs: list[Run]) -> None:
    laptop = replace(runs[0], budget="laptop")
    with pytest.raises(ReplicateError, match="budgets laptop and smoke in one table"):
        studies.window_hits([runs[0], laptop])


def test_found_needs_both_the_share_and_the_margin() -> None:
    mean = {"hit": 0.85, "hit_random": 0.1, "hit_middle": 0.7}
    assert windows._verdict(pd.Series(mean)) == "no: 15 points above blind"
    assert windows._verdict(pd.Series(mean | {"hit_middle": 0.6})) == "yes"
    assert windows._verdict(pd.Series(mean | {"hit": 0.7, "hit_middle": 0.6})) == (
        "no: 0.70 < 0.8, 10 points above blind"
    )


def tiles(figure: Picture) -> list[np.ndarray]:
    """The rows of a sheet."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def test_outlines_stand_where_the_window_does(runs: list[Run]) -> None:
    figure = studies.window_outlines(runs, columns=3)
    first, made, *_ = tiles(figure)
    assert len(figure.axes) == 4 and first.shape == (128, 3 * 130, 3)
    yellow = (first[:, :128] == windows.COLOUR).all(axis=2)
    # 8.49 to 23.49 px and 2.5 to 17.5 px, enlarged four times
    rows, columns = np.flatnonzero(yellow.any(axis=1)), np.flatnonzero(yellow.any(axis=0))
    assert (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1) == (34, 94, 10, 70)
    assert yellow.sum() == 4 * 60 * 2 - 4 * 2 * 2  # lines of 2 px, corners once
    assert first[40, 60].tolist() == [0, 0, 0] and made[5, 5].tolist() == [50, 50, 50]
    assert figure.texts[0].get_text() == "dagan on shapes_drawn, flat->striped, seed 0"


def test_cuts_are_of_one_place(runs: list[Run], images: ImageSet) -> None:
    images.arrays["A"] = np.broadcast_to(np.arange(SIDE, dtype=np.uint8), (5, SIDE, SIDE))[
        ..., None
    ].repeat(3, axis=3)
    figure = studies.correspondences(runs, columns=2)
    labels = [text.get_text() for text in figure.texts][:6]
    assert labels == [
        "shapes_drawn, flat->striped, seed 0: dagan's window",
        "input", "  cut out", "dagan", "dagan:no-attention", "ideal",
    ]  # fmt: skip
    _, cut, dagan, without, ideal, *_ = tiles(figure)
    # 15 px from column 8 on, eight times, in a frame of 4 px; the grey is the column
    assert cut[64, 4:124, 0].tolist() == np.repeat(np.arange(8, 23), 8).tolist()
    assert cut[64, 3, 0] == cut[64, 124, 0] == cut[3, 64, 0] == 255
    assert [int(row[64, 64, 0]) for row in (dagan, without, ideal)] == [50, 70, 9]


def test_what_has_no_windows_is_refused(runs: list[Run], images: ImageSet) -> None:
    without = runs[2:]
    for gallery, what in (
        (windows.window_outlines, "windows"),
        (windows.correspondences, "learned windows"),
    ):
        with pytest.raises(ReplicateError, match=f"no run has {what}, expected one"):
            gallery(without)
    with pytest.raises(ReplicateError, match="no finished run has windows and a test set with"):
        windows.window_hits(without)
    for letter in "AB":
        del images.arrays[f"{letter}_mask"]
    with pytest.raises(ReplicateError, match="no finished run has windows and a test set with"):
        windows.window_hits(runs)


def test_windows_of_the_method_itself(images: ImageSet) -> None:
    """What f_loc says, for the images asked for, in batches or not."""
    method = METHODS["dagan"](make_run("dagan:four-regions", "x", 0, "smoke").config).eval()
    found = windows.place_windows(method, images, "AB", 3)
    assert found.centres.shape == (3, 4, 2) and found.half == 4.0  # an eighth of 32 px
    x = torch.full((5, 3, SIDE, SIDE), -1.0)
    with torch.no_grad():
        centres = method.windows(x, "AB").centres.numpy()
    assert np.array_equal(windows.place_windows(method, images, "AB").centres, centres)
