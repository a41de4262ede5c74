"""Pictures hold what they say, fit a page, and are the same bytes twice."""

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.lab.run import Run, make_run
from replicate.report import plots
from replicate.report.plots.images import _inputs, _known, _line, with_most_seeds
from replicate.report.plots.picture import Picture, name_of, sheet, styles

SIDE = 32  # px, the smoke size


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A smoke run with an empty folder."""
    monkeypatch.setenv("REPLICATE_RESULTS", str(tmp_path))
    run = make_run("aggan", "horse2zebra_drawn", 0, "smoke")
    run.folder.mkdir(parents=True)
    return run


def log(run: Run, steps: int, tail: str = "") -> None:
    lines = [f"{i},{2 * i},{'' if i % 2 else i},0.5\n" for i in range(1, steps + 1)]
    text = "iteration,adv_A,dis_A,attention_A\n" + "".join(lines) + tail
    (run.folder / "losses.csv").write_text(text)


def pixels(figure: Picture) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def test_curves_of_a_short_run_are_its_log(run: Run) -> None:
    log(run, 5)
    table = plots.curves(run.folder)
    assert list(table["iteration"]) == [1, 2, 3, 4, 5]
    assert list(table["adv_A"]) == [2, 4, 6, 8, 10]
    assert table["dis_A"].isna().tolist() == [True, False, True, False, True]


def test_curves_of_a_long_run_are_means_of_bins(run: Run) -> None:
    log(run, 900)
    table = plots.curves(run.folder)
    assert len(table) == 300 and list(table["iteration"][:2]) == [3, 6]
    assert table["adv_A"].iloc[0] == 4.0  # the mean of 2, 4, 6
    assert table["dis_A"].iloc[0] == 2.0  # computed at step 2 only
    log(run, 901)
    assert len(plots.curves(run.folder)) == 226  # bins of 4
    assert plots.curves(run.folder)["iteration"].iloc[-1] == 901


def test_a_line_cut_off_by_a_kill_is_skipped(run: Run) -> None:
    log(run, 3)
    whole = plots.curves(run.folder)
    log(run, 3, tail="4,7.")
    pd.testing.assert_frame_equal(plots.curves(run.folder), whole)


def test_no_log_no_rows(run: Run) -> None:
    assert plots.curves(run.folder).empty
    with pytest.raises(ReplicateError, match="no losses logged yet"):
        plots.losses([run])
    (run.folder / "losses.csv").write_text("iteration,adv_A\n")
    assert plots.curves(run.folder).empty


def test_losses_has_a_panel_a_group(run: Run) -> None:
    log(run, 20)
    figure = plots.losses([run])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["adversarial (G)", "discriminator", "attention, mean of the map"]
    (line,) = figure.axes[0].lines
    assert list(line.get_ydata()) == [2.0 * i for i in range(1, 21)]
    assert any("do not measure quality" in text.get_text() for text in figure.texts)
    assert pixels(figure).shape[1] <= 1600


def flat(value: int, *shape: int) -> np.ndarray:
    return np.full((*shape, SIDE, SIDE, 3), value, np.uint8)


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> packed.ImageSet:
    arrays = {"A": flat(10, 9), "B": flat(20, 9), "A_ideal": flat(30, 9), "B_ideal": flat(40, 9)}
    names = {"A": [f"a{i}.png" for i in range(9)], "B": [f"b{i}.png" for i in range(9)]}
    about = ("horse2zebra_drawn", "test", SIDE, ("horse", "zebra"), False, arrays, names, {})
    made = packed.ImageSet(*about)
    monkeypatch.setattr(packed, "load", lambda name, split, size: made)
    return made


def test_translations_show_input_ideal_output_and_map(run: Run, images: packed.ImageSet) -> None:
    for words, letter, value in (("horse2zebra", "a", 50), ("zebra2horse", "b", 60)):
        folder = run.folder / "outputs" / words / "attention"
        folder.mkdir(parents=True)
        for i in range(9):
            Image.fromarray(flat(value)).save(folder.parent / f"{letter}{i}.png")
            Image.fromarray(flat(value + 100)[..., 0]).save(folder / f"{letter}{i}.png")
    figure = plots.translations([run], columns=8)
    shown = [axes.images[0].get_array() for axes in figure.axes]
    assert [int(strip[0, 0, 0]) for strip in shown] == [10, 30, 50, 150, 20, 40, 60, 160]
    assert all(strip.shape[0] == 128 for strip in shown)  # 32 px enlarged four times
    assert pixels(figure).shape[1] <= 1600
    texts = [text.get_text().strip() for text in figure.texts]
    assert texts[0] == "horse2zebra_drawn, horse->zebra, seed 0"
    assert texts[1:5] == ["input", "ideal", "aggan", "attention"]
    with pytest.raises(ReplicateError, match="no run of seed 1 has outputs yet"):
        plots.translations([run], seed=1)


def test_the_truth_of_a_pair_is_its_other_half(images: packed.ImageSet) -> None:
    pairs = replace(images, paired=True, arrays={X: images.arrays[X] for X in "AB"})
    (given, inputs), (known, truths) = _known(pairs, "B", columns=2)
    assert (given, known, len(truths)) == ("input", "truth", 2)
    assert int(inputs[0][0, 0, 0]) == 20 and int(truths[0][0, 0, 0]) == 10


def test_progress_has_a_line_a_moment(run: Run) -> None:
    (run.folder / "samples").mkdir()
    rows = [flat(value, 8) for value in (1, 2, 3, 4, 5, 6)]  # input, map, output, twice
    picture = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    for moment in (8, 16):
        Image.fromarray(picture).save(run.folder / "samples" / f"{moment:08d}.png")
    assert [int(tile[0, 0, 0]) for tile in _line(picture)] == [3] * 4 + [2] * 4 + [6] * 4 + [5] * 4
    above = [int(tile[0, 0, 0]) for tile in _inputs(picture)]
    assert above == [1] * 4 + [255] * 4 + [4] * 4 + [255] * 4
    figure = plots.progress([run])
    labels = [text.get_text() for text in figure.texts][1:]
    assert labels == ["input", "iteration 8", "iteration 16"]
    assert pixels(figure).shape[1] <= 1600


@pytest.mark.parametrize(("natural", "side"), [(32, 128), (64, 128), (128, 128), (256, 173)])
def test_sheets_fit_the_width(natural: int, side: int) -> None:
    tile = np.zeros((natural, natural, 3), np.uint8)
    figure = sheet([("all", [("row", [tile] * 8)])])
    assert figure.axes[0].images[0].get_array().shape[0] == side
    assert pixels(figure).shape[1] <= 1600


def test_enlarged_pixels_stay_squares() -> None:
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    figure = sheet([("one", [("row", [tile])])])
    drawn = pixels(figure)[30 : 30 + 128, 200 : 200 + 128]  # below the heading, right of the label
    assert (drawn == tile.repeat(4, axis=0).repeat(4, axis=1)).all()


def frame(budget: str = "laptop") -> pd.DataFrame:
    shared = {"dataset": "drawn", "budget": budget, "extractor": "", "note": "", "spread": nan}
    shared |= {"spread_kind": "", "hash": "h"}
    return pd.DataFrame(
        [
            shared
            | {"name": name, "seed": seed, "direction": direction, "metric": metric}
            | {"protocol": protocol, "value": value + seed, "floor": nan, "do_nothing": idle}
            for name in ("aggan", "cyclegan")
            for seed in (0, 1)
            for direction in ("a->b", "b->a")
            for metric, protocol, value, idle in (
                ("background_psnr", "background/psnr", 20.0, inf),
                ("foreground_error", "foreground/l1", 0.2, 0.3),
                ("kid", "kid/inception", nan, nan),
            )
        ]
    )


def test_scores_are_points_beside_their_references() -> None:
    figure = plots.scores(frame())
    assert len(figure.axes) == 4  # two directions, two metrics with values
    psnr, error = figure.axes[:2]
    assert "background PSNR" in psnr.get_title()
    assert len(psnr.lines) == 2  # a line of points a method; an infinite reference has none
    *_, line = error.lines
    assert list(line.get_xdata()) == [0.3, 0.3]
    points = [line for line in psnr.lines if line.get_linestyle() == "None"]
    assert sorted(x for line in points for x in line.get_xdata()) == [20, 20, 21, 21]
    assert len({line.get_marker() for line in points}) == 2
    assert [t.get_text() for t in psnr.get_yticklabels()] == ["cyclegan", "aggan"]
    assert "not comparable" in figure.texts[0].get_text()
    assert pixels(figure).shape[1] <= 1600


def test_a_row_of_scores_has_the_methods_and_metrics_of_its_own_set_alone() -> None:
    other = frame()[lambda f: (f["name"] == "aggan") & (f["metric"] == "foreground_error")]
    figure = plots.scores(pd.concat([frame(), other.assign(dataset="far")], ignore_index=True))
    assert len(figure.axes) == 6  # two rows of two panels, two of one
    assert [t.get_text() for t in figure.axes[-1].get_yticklabels()] == ["aggan"]
    assert all(axes.lines for axes in figure.axes)


def test_names_differ_in_marker_and_of_many_the_variants_share_their_method_s_colour() -> None:
    few = styles(["ugatit:in", "aggan", "ugatit", "ugatit:no-cam"])
    assert list(few) == ["aggan", "ugatit", "ugatit:in", "ugatit:no-cam"]
    assert len({style.colour for style in few.values()}) == 4
    assert len({few[name].line for name in list(few)[1:]}) == 3
    many = styles([*few, *(f"spatial_guidance:{i}" for i in range(9))])
    assert len({style.marker for style in many.values()}) == len(many) == 13
    assert len({many[name].colour for name in many if name.startswith("ugatit")}) == 1
    assert len({style.colour for style in many.values()}) == 3


def test_scores_of_smoke_runs_say_so_and_budgets_do_not_mix() -> None:
    assert "no result" in plots.scores(frame("smoke")).texts[0].get_text()
    with pytest.raises(ReplicateError, match="budgets laptop and paper"):
        plots.scores(pd.concat([frame(), frame("paper")], ignore_index=True))
    with pytest.raises(ReplicateError, match="nothing to draw"):
        plots.scores(frame().assign(value=nan))


def test_saved_bytes_are_stable_and_bare(run: Run, tmp_path: Path) -> None:
    log(run, 20)
    one = plots.save(plots.losses([run]), tmp_path / "plots" / "one.png")
    two = plots.save(plots.losses([run]), tmp_path / "plots" / "two.png")
    assert one.read_bytes() == two.read_bytes()
    with Image.open(one) as image:
        assert not {"Software", "Creation Time"} & set(image.info)
    assert plots.losses([run])._repr_png_() == one.read_bytes()


def test_variants_with_fewer_seeds_are_left_to_the_notebooks() -> None:
    asked = {"aggan": 2, "aggan:whole-image-d": 1, "ugatit": 2, "cyclegan": 1}
    names = [name for name, seeds in asked.items() for _ in range(seeds)]
    runs = [make_run(name, "horse2zebra_drawn", 0, "laptop") for name in names]
    left = [name_of(run) for run in with_most_seeds(runs, "cyclegan")]
    assert left == ["aggan", "aggan", "ugatit", "ugatit", "cyclegan"]
    assert with_most_seeds(runs[-1:], "cyclegan") == runs[-1:]
    assert len(with_most_seeds(runs)) == 4  # one seed of CycleGAN is fewer
