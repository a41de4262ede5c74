"""The contact sheet of a data set and the sheet of what its audit found."""

import numpy as np
import pytest
from PIL import Image
from support.pictures import paired, picture, unpaired
from typer.testing import CliRunner

from replicate.cli import app
from replicate.datasets import packed
from replicate.datasets.audit import audit
from replicate.errors import ReplicateError
from replicate.report import plots
from replicate.report.plots.contact import ACROSS, MOST, SIDE
from replicate.report.plots.picture import GAP, LABEL, Picture

HEADING = 30  # px


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path))
    return tmp_path


def pixels(figure: Picture) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def texts(figure: Picture) -> list[str]:
    return [text.get_text() for text in figure.texts]


def tile(shown: np.ndarray, row: int, column: int, block: int = 0) -> np.ndarray:
    """The middle of a tile of a sheet, where no edge is drawn."""
    y = HEADING * (block + 1) + row * (SIDE + GAP)
    x = LABEL + column * (SIDE + GAP)
    return shown[y : y + SIDE, x : x + SIDE][4:-4, 4:-4]


def coloured(folder, colours) -> None:
    folder.mkdir(parents=True)
    for i, colour in enumerate(colours):
        Image.new("RGB", (30 + i, 20), colour).save(folder / f"{i}.png")


def test_a_row_of_each_domain_and_a_block_of_each_split(root):
    coloured(root / "mine" / "trainA", [(200, 0, 0)] * 3)
    coloured(root / "mine" / "trainB", [(0, 200, 0)] * 5)
    coloured(root / "mine" / "testA", [(0, 0, 200)])
    coloured(root / "mine" / "testB", [(9, 9, 9)])
    figure = plots.contact_sheet("mine", columns=4)
    assert texts(figure) == [
        "mine train: 3 A, 5 B", "A  A", "B  B", "mine test: 1 A, 1 B", "A  A", "B  B",
    ]  # fmt: skip
    shown = pixels(figure)
    assert (tile(shown, 0, 2) == (200, 0, 0)).all() and (tile(shown, 0, 3) == 255).all()
    assert (tile(shown, 1, 3) == (0, 200, 0)).all()
    assert (tile(shown, 2, 0, block=1) == (0, 0, 200)).all()


def test_a_set_that_reverses_another_shows_its_own_domains(root):
    """`photo2vangogh` lies in the folder of `vangogh2photo`, whose A is van Gogh."""
    unpaired(root / "vangogh2photo", counts=(3, 2, 1, 1))
    headings = texts(plots.contact_sheet("photo2vangogh", columns=4))
    assert headings[:3] == ["photo2vangogh train: 2 photo, 3 vangogh", "A  photo", "B  vangogh"]


def test_pairs_stand_side_by_side(root):
    paired(root / "mine")
    figure = plots.contact_sheet("mine", columns=5)  # two pairs in a row
    assert texts(figure)[:3] == ["mine train: 3 pairs", "A | B", "A | B"]
    shown = pixels(figure)
    for row in (0, 1):
        assert (tile(shown, row, 0) == (200, 0, 0)).all()
        assert (tile(shown, row, 1)[..., 2] < 13).all() and (tile(shown, row, 1)[..., 2] > 9).all()


def test_the_seed_chooses_and_a_file_without_a_picture_is_grey(root):
    unpaired(root / "mine", (40, 2, 2, 2))
    first, again, other = (plots.contact_sheet("mine", 4, seed) for seed in (0, 0, 1))
    assert (pixels(first) == pixels(again)).all() and (pixels(first) != pixels(other)).any()
    for path in (root / "mine" / "trainA").iterdir():
        path.write_bytes(b"nothing")
    assert len(np.unique(tile(pixels(plots.contact_sheet("mine", 4)), 0, 0))) == 1


def test_drawn_sets_are_shown_as_they_are_packed(root, monkeypatch):
    arrays = {key: np.full((9, 64, 64, 3), 50 + ord(key), np.uint8) for key in "AB"}
    made = packed.ImageSet("x", "train", 64, ("horse", "zebra"), False, arrays, {}, {})
    monkeypatch.setattr(packed, "load", lambda *asked: made)
    figure = plots.contact_sheet("horse2zebra_drawn")
    assert texts(figure)[:3] == [
        "horse2zebra_drawn train: 9 horse, 9 zebra",
        "A  horse",
        "B  zebra",
    ]
    assert (tile(pixels(figure), 1, 7) == 50 + ord("B")).all()


def test_what_cannot_be_shown_is_told(root):
    with pytest.raises(ReplicateError, match="facades does not exist"):
        plots.contact_sheet("facades")
    (root / "mine" / "trainA").mkdir(parents=True)
    with pytest.raises(ReplicateError, match=r"has no images; expected some in .*mine/\{trainA"):
        plots.contact_sheet("mine")


def test_the_fault_sheet_names_file_and_fault(root):
    unpaired(root / "mine", (MOST + 1, 1, 1, 1))
    (root / "mine" / "testB" / "broken $x$.jpg").write_bytes(b"nothing")
    picture(0, (300, 70)).save(root / "mine" / "testB" / f"{'long' * 12}.png")
    figure = plots.fault_sheet(audit("mine", progress=False))
    said = texts(figure)
    assert "corrupt: cannot be decoded, or its data are broken (1 file)" in said
    assert f"tiny: shorter side below 64 px ({MOST + 4} files, {MOST} shown)" in said
    assert "no picture" in said
    assert "testB/broken $x$.jpg\nno image format recognised, 7\nbytes" in said
    assert "trainA/0.png\n12x10 px" in said and "testB/longlonglo…onglonglonglo" not in said
    assert any(text.startswith("testB/longlonglo…") and "4.3 to 1" in text for text in said)
    assert len(figure.axes) == 2 + MOST
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 1600 and height == pytest.approx(
        3 * HEADING + (2 + MOST // ACROSS) * (SIDE + 58)
    )


def test_the_commands_leave_their_files_beside_the_passport(root):
    unpaired(root / "mine")
    place = root / "passports" / "mine"
    told = {
        "show": [place / "show.png"],
        "audit": [place / "audit.csv", place / "audit.png"],
        "passport": [place / "passport.json"],
    }
    for command, files in told.items():
        done = CliRunner().invoke(app, ["data", command, "mine"])
        assert done.exit_code == 0 and "9 tiny" in done.output
        assert all(str(file) in done.output and file.is_file() for file in files)
    for seed, path in enumerate(sorted((root / "mine").rglob("*.png"))):
        picture(seed, (80, 70)).save(path)
    done = CliRunner().invoke(app, ["data", "audit", "mine", "--json"])
    assert '"table"' in done.output and '"sheet"' not in done.output
    assert not (place / "audit.png").exists()  # it would show what is no longer so
