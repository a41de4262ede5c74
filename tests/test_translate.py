"""Pictures as they come, through weights, and back in their size: from the shell and a notebook."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import weights
from typer.testing import CliRunner

from replicate.cli import app
from replicate.errors import ReplicateError, UnknownName
from replicate.images import decode, read
from replicate.translating import fitting, pictures
from replicate.translating.model import load

RNG = np.random.default_rng(0)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    pixels = RNG.integers(0, 256, (height, width, channels), np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def odd(folder: Path) -> dict[str, tuple[int, int]]:
    """Twelve kinds of files, and the size in which each is seen, (width, height)."""
    folder.mkdir()
    upright = Image.fromarray(noise(20, 30))
    exif = upright.getexif()
    exif[0x0112] = 6
    upright.save(folder / "turned.jpg", exif=exif)
    Image.fromarray(noise(21, 17, 1)).save(folder / "grey.png")
    upright.quantize(8).save(folder / "palette.png")
    Image.fromarray(noise(18, 25, 4), "RGBA").save(folder / "alpha.png")
    Image.fromarray(RNG.integers(0, 65536, (16, 24), np.uint16)).save(folder / "deep.png")
    upright.convert("CMYK").save(folder / "ink.jpg")
    upright.save(folder / "web.webp")
    Image.fromarray(noise(1, 1)).save(folder / "one.png")
    Image.new("RGB", (4000, 3000), "brown").save(folder / "large.jpg")
    (folder / "corrupt.png").write_bytes((folder / "palette.png").read_bytes()[:60])
    upright.save(folder / "LOUD.JPG")
    upright.save(folder / "mein Pferd \u00e4\u6f22.png")
    return {
        "turned": (20, 30), "grey": (17, 21), "palette": (30, 20), "alpha": (25, 18),
        "deep": (24, 16), "ink": (30, 20), "web": (30, 20), "one": (1, 1), "large": (4000, 3000),
        "LOUD": (30, 20), "mein Pferd \u00e4\u6f22": (30, 20),
    }  # fmt: skip


def test_eleven_of_twelve_odd_images_are_translated_and_one_is_named(tmp_path):
    sizes = odd(tmp_path / "photos")
    file = weights.write(tmp_path, "aggan")
    words = ["translate", str(file), str(tmp_path / "photos"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--attention", "--grid"])
    assert done.exit_code == 1
    (failure,) = [line for line in done.stderr.splitlines() if "failed:" in line]
    assert "corrupt.png cannot be decoded" in failure and "1 of 12 failed" in done.stderr
    made = {path.stem: decode(path).image.size for path in (tmp_path / "out").glob("*.png")}
    assert made.pop("grid")[0] > 500
    assert {k: v for k, v in made.items() if not k.endswith("-attention")} == sizes
    assert {k.removesuffix("-attention") for k in made if k.endswith("-attention")} == set(sizes)


def test_an_input_is_never_overwritten(tmp_path):
    photo = tmp_path / "a.png"
    Image.fromarray(noise(9, 9)).save(photo)
    before = photo.read_bytes()
    jobs = pictures.plan([photo], tmp_path)
    (done,), shown = pictures.translate(weights.model("cyclegan"), jobs)
    assert "would overwrite the input" in done.reason and shown == []
    assert photo.read_bytes() == before


def test_inputs_of_one_stem_have_translations_of_their_own(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    files = [tmp_path / "x" / "a.png", tmp_path / "x" / "a.jpg", tmp_path / "y" / "a.png"]
    for file in files:
        Image.fromarray(noise(4, 4)).save(file)
    found = pictures.inputs([str(tmp_path / "*" / "a.*"), str(tmp_path / "x")])
    assert sorted(found) == sorted(files)  # what two names mean is there once
    assert [job.target.name for job in pictures.plan(files, tmp_path)] == [
        "x_a.png.png", "a.jpg.png", "y_a.png.png",
    ]  # fmt: skip
    with pytest.raises(ReplicateError, match="no file matches"):
        pictures.inputs([str(tmp_path / "*.gif")])
    with pytest.raises(ReplicateError, match="looked for png"):
        pictures.inputs([str(tmp_path)])


def same(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A network that returns its input, and as map its red channel."""
    return batch.copy(), batch[..., 0] / 255.0


@pytest.mark.parametrize("fit", fitting.FITS)
def test_a_network_that_copies_gives_the_picture_back(fit):
    smooth = np.linspace(0, 255, 40).astype(np.uint8)[:, None, None]
    picture = np.broadcast_to(smooth, (40, 24, 3)).copy()
    made = fitting.fitted(picture, 16, fit, same)
    wanted = picture[8:32] if fit == "crop" else picture
    assert made.image.shape == wanted.shape and made.attention.shape == wanted.shape[:2]
    # a resize to 16 px and back moves a ramp of 6.5 levels a pixel by less than half a coarse step
    assert np.abs(made.image.astype(int) - wanted).max() <= (0 if fit == "tile" else 9)


def test_padding_is_cut_away_and_the_aspect_stays():
    seen = []

    def network(batch: np.ndarray):
        seen.append(batch)
        return batch, None

    made = fitting.fitted(noise(10, 40), 20, "pad", network)
    assert seen[0].shape == (1, 20, 20, 3) and made.image.shape == (10, 40, 3)
    inner = seen[0][0, 7:12]  # 5 rows of the picture, mirrored above and below
    assert np.array_equal(seen[0][0, 6], inner[0]) and np.array_equal(seen[0][0, 12], inner[-1])


def test_tiles_cover_and_fade():
    starts = fitting._starts(100, 32)
    assert starts[0] == 0 and starts[-1] == 68
    assert all(b - a <= 24 for a, b in itertools.pairwise(starts))
    flat = np.full((100, 50, 3), 77, np.uint8)
    assert np.array_equal(fitting.fitted(flat, 32, "tile", same).image, flat)


def test_full_size_needs_a_convolutional_network():
    picture = noise(37, 51)
    assert weights.model("cyclegan").translate(picture, size="native").size == (51, 37)
    with pytest.raises(ReplicateError, match=r"cannot translate 51x37 px at once.*--fit tile"):
        weights.model("ugatit").translate(picture, size="native")
    with pytest.raises(ReplicateError, match="made for 32 x 32 px"):
        weights.model("ugatit").translate(picture, size=64)


def test_a_notebook_translates_files_images_and_arrays_alike(tmp_path):
    model = weights.model("aggan")
    assert repr(model) == "aggan@horse2zebra_drawn at 32 px: horse->zebra, zebra->horse"
    pixels = noise(20, 30)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    made = model.translate(tmp_path / "a.png", "horse->zebra")
    assert made.size == (30, 20) and hasattr(made, "_repr_png_")
    for image in (Image.fromarray(pixels), pixels, str(tmp_path / "a.png")):
        assert np.array_equal(np.asarray(made), np.asarray(model.translate(image)))
    assert not np.array_equal(np.asarray(made), np.asarray(model.translate(pixels, "BA")))
    assert model.attention(pixels).size == (30, 20)
    clear = Image.fromarray(noise(8, 8, 4), "RGBA")
    clear.save(tmp_path / "clear.png")
    by_file = model.translate(read(tmp_path / "clear.png"))
    assert np.array_equal(np.asarray(model.translate(clear)), np.asarray(by_file))


def test_wrong_choices_are_refused():
    model = weights.model("cyclegan")
    with pytest.raises(UnknownName, match="unknown direction 'horse->cow'"):
        model.translate(noise(4, 4), "horse->cow")
    with pytest.raises(UnknownName, match="unknown fit 'stretch'"):
        model.translate(noise(4, 4), fit="stretch")
    with pytest.raises(ReplicateError, match="size=big: expected px"):
        model.translate(noise(4, 4), size="big")
    with pytest.raises(ReplicateError, match="label: cyclegan has none; it takes no choices"):
        model.translate(noise(4, 4), label="x")
    with pytest.raises(ReplicateError, match="no attention"):
        model.attention(noise(4, 4))
    with pytest.raises(ReplicateError, match=r"\(4, 4\), uint8; expected \(H, W, 3\)"):
        model.translate(noise(4, 4, 1))


def test_a_run_is_a_model_by_folder_and_by_name(finished):
    by_name, by_folder = load("cyclegan@tiny"), load(str(finished.folder))
    pixels = noise(5, 5)
    assert np.array_equal(*(np.asarray(m.translate(pixels)) for m in (by_name, by_folder)))
    assert by_name.card.seed == 0 and by_name.card.scores
    assert load(finished.folder.name).card == by_name.card
    with pytest.raises(UnknownName, match=r"unknown model 'cyclegan@tyni'.*did you mean"):
        load("cyclegan@tyni")
