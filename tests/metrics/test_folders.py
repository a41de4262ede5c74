"""Scores of folders: which protocols, how images are paired, what is refused and what is said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from replicate.errors import ReplicateError
from replicate.metrics.folders import score_folders
from replicate.metrics.pixels import read
from replicate.metrics.protocols import computable
from replicate.naming import BY_NAME

NAMES = [f"{i}.png" for i in range(6)]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path / "data"))


def folder(path: Path, names: list[str], seed: int = 0, size: int = 32) -> Path:
    path.mkdir()
    rng = np.random.default_rng(seed)
    for name in names:
        Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path / name)
    return path


def rows(fake: Path, real: Path, *ids: str, **more: object) -> dict:
    sets = {"fake": fake, "real": real} | {k: more.pop(k) for k in ("source", "mask") if k in more}
    return {row.protocol: row for row in score_folders(sets, list(ids) or None, **more)}


def test_a_folder_with_itself(tmp_path):
    path = folder(tmp_path / "a", NAMES)
    found = rows(path, path)
    assert (
        0 <= found["fid/efficientnet-lite0"].value < 1e-2
    )  # float32 rounding of traces of order 100
    assert found["psnr/skimage"].value == float("inf")
    assert found["psnr/skimage"].note == f"identical; {BY_NAME}"
    assert found["fid/inception"].value is None
    assert (tmp_path / "data" / "features").is_dir()


def test_all_lists_what_could_be_computed_with_more(tmp_path):
    path = folder(tmp_path / "a", NAMES)
    found = rows(path, path, everything=True)
    assert {id.partition("@")[0] for id in found} == {p.id for p in computable()}
    assert found["background/psnr"].note.endswith(
        "needs source and mask; add --source DIR --mask DIR"
    )
    assert "fid/gan-compression needs real_train; add --real-train DIR" in (
        found["fid/gan-compression"].note
    )


def test_only_what_is_named_is_computed(tmp_path):
    path = folder(tmp_path / "a", NAMES)
    assert list(rows(path, path, "fid/standin", "ssim/skimage")) == ["fid/standin", "ssim/skimage"]


@pytest.mark.parametrize(
    "id, text",
    [
        ("fid/standn", r"unknown protocol 'fid/standn' \(did you mean 'fid/standin'\?\)"),
        ("amt/attentiongan", r"amt/attentiongan is not computed here: people answered"),
        ("kid/gm-mean098", r"kid/gm-mean098 needs source; add --source DIR"),
        ("fid/clean", r"Inception weights not found at \S+; download https://\S+ \(sha256 672"),
        ("is/gm", r"Inception weights not found"),
    ],
)
def test_what_is_named_and_cannot_be_computed_is_an_error(tmp_path, id, text):
    path = folder(tmp_path / "a", NAMES)
    with pytest.raises(ReplicateError, match=text):
        rows(path, path, id)


def test_a_file_of_weights_that_is_not_there_is_told_even_where_nothing_needs_it(tmp_path):
    path = folder(tmp_path / "a", NAMES)
    with pytest.raises(ReplicateError, match=r"--weights \S+/none\.pth: no such file"):
        rows(path, path, "fid/standin", weights=tmp_path / "none.pth")


def test_pairs_follow_the_names_and_not_the_order(tmp_path):
    real = folder(tmp_path / "real", NAMES)
    fake = tmp_path / "fake"
    fake.mkdir()
    for name in NAMES:
        Image.open(real / name).save(fake / name.replace("png", "bmp"))
    assert rows(fake, real)["psnr/skimage"].note == f"identical; {BY_NAME}"
    (fake / "0.bmp").rename(fake / "9.bmp")
    assert "psnr/skimage" not in rows(fake, real)
    with pytest.raises(
        ReplicateError, match=r"1 of \S+fake have no partner \(9\.bmp\); 1 of \S+real"
    ):
        rows(fake, real, "psnr/skimage")


def test_the_mean_over_pairs_has_an_interval(tmp_path):
    found = rows(folder(tmp_path / "f", NAMES), folder(tmp_path / "r", NAMES, 1), "psnr/skimage")
    row = found["psnr/skimage"]
    assert row.low < row.value < row.high and row.spread_kind == "sd over images"


def test_unequal_numbers_are_no_pairs(tmp_path):
    real, fewer = folder(tmp_path / "real", NAMES), folder(tmp_path / "fewer", NAMES[:5])
    found = rows(fewer, real)
    assert "psnr/skimage" not in found and found["fid/efficientnet-lite0"].value > 0
    with pytest.raises(ReplicateError) as caught:
        rows(fewer, real, "psnr/skimage")
    assert f"image by image: 5 in {fewer}, 6 in {real}; expected one" in str(caught.value)


def test_mixed_sizes_are_scored_where_they_are_resized_and_refused_where_not(tmp_path):
    real, mixed = folder(tmp_path / "real", NAMES), folder(tmp_path / "mixed", NAMES)
    Image.new("RGB", (40, 36)).save(mixed / "3.png")
    found = rows(mixed, real)
    assert "psnr/skimage" not in found
    assert "sizes differ: 32x32 to 40x36 px, 2 sizes" in found["fid/efficientnet-lite0"].note
    with pytest.raises(ReplicateError, match=r"mixed/3\.png is 40x36, \S+/real/3\.png is 32x32"):
        rows(mixed, real, "ssim/skimage")


def test_one_image_is_too_few_for_a_distribution(tmp_path):
    one, real = folder(tmp_path / "one", NAMES[:1]), folder(tmp_path / "real", NAMES)
    with pytest.raises(ReplicateError, match="FID needs at least 2 images a set, got 1 and 6"):
        rows(one, real, "fid/standin")
    with pytest.raises(ReplicateError, match="needs at least 4 images a set, got 1 and 6"):
        rows(one, real, "kid/standin")
    assert rows(one, real)["fid/efficientnet-lite0"].note.startswith(
        "not computed: FID needs at least 2"
    )


def test_unusable_folders_are_named(tmp_path):
    good, path = folder(tmp_path / "good", NAMES), tmp_path / "a"
    with pytest.raises(ReplicateError, match="a is not a folder"):
        rows(path, good)
    path.mkdir()
    with pytest.raises(ReplicateError, match=r"a has 0 images .*found nothing"):
        rows(good, path)
    (path / "notes.txt").write_text("")
    with pytest.raises(ReplicateError, match=r"a has 0 images \(looked for png, .*found 1 \.txt\)"):
        rows(path, good)
    (path / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ReplicateError, match=r"a/broken\.png cannot be decoded"):
        rows(path, good)


def test_source_adds_do_nothing(tmp_path):
    real, fake = folder(tmp_path / "r", NAMES, 0), folder(tmp_path / "f", NAMES, 1)
    for id in ("kid/efficientnet-lite0", "psnr/skimage"):
        assert rows(fake, real, source=fake)[id].do_nothing == rows(fake, real)[id].value


# Lossy files


def test_lossy_outputs_are_refused_or_scored_under_an_id_of_their_own(tmp_path):
    real, fake = folder(tmp_path / "r", NAMES), folder(tmp_path / "fake", [*NAMES[1:], "x.jpg"], 1)
    said = (
        r"fake/ holds 1 lossy file \(x\.jpg\); metrics on JPEG differ from PNG\. Re-export as PNG, "
        r"or set protocol kid/efficientnet-lite0\+jpeg \(--jpeg does so for all\)"
    )
    with pytest.raises(ReplicateError, match=said):
        rows(fake, real)
    assert list(rows(fake, real, "fid/standin+jpeg")) == ["fid/standin+jpeg"]
    assert all(id.endswith("+jpeg") for id in rows(fake, real, jpeg=True))
    with pytest.raises(ReplicateError, match=r"is for lossy outputs, .* ask for fid/standin"):
        rows(real, real, "fid/standin+jpeg")


def test_lossy_real_images_are_used_and_named_in_every_row(tmp_path):
    real = folder(tmp_path / "real", ["a.jpg", "b.JPEG", "c.webp", *NAMES])
    fake = folder(tmp_path / "fake", NAMES, 1)
    said = "LOSSY: real: real/ holds 3 lossy files (a.jpg, b.JPEG, ...), used as they are"
    assert all(row.note.endswith(said) for row in rows(fake, real).values())


# What files hold


def test_masks_attention_and_labels_are_read_as_what_they_are(tmp_path):
    grey, path = np.array([[0, 255], [51, 0]], np.uint8), tmp_path / "a.png"
    Image.fromarray(grey).save(path)
    assert (read("attention", path) == grey / 255).all()
    assert (read("labels", path) == grey).all()
    assert read("fake", path).shape == (2, 2, 3)
    with pytest.raises(ReplicateError, match=r"a\.png holds 3 grey values, expected a mask of 0"):
        read("mask", path)
    for object_value in (1, 255):
        Image.fromarray((grey > 0).astype(np.uint8) * object_value).save(path)
        assert (read("mask", path) == (grey > 0)).all()
    Image.new("RGB", (2, 2)).save(path)
    with pytest.raises(ReplicateError, match="3 channels, expected one of labels"):
        read("labels", path)
