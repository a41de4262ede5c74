"""The page gives nothing away, and equal arguments give equal bytes."""

import base64
import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from preference.conftest import METHODS, STEMS

from replicate.errors import ReplicateError
from replicate.preference import page
from replicate.preference.material import Material, pixels
from replicate.preference.modes import MODES
from replicate.preference.page import Study, make_study, write


def told(html: str) -> dict:
    """What the page knows, as its script reads it."""
    return json.loads(re.search(r'type="application/json">(.*?)</script>', html, re.S).group(1))


def chunks(png: bytes) -> list[bytes]:
    """The types of a PNG file's chunks."""
    found, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        found.append(png[at + 4 : at + 8])
        at += 12 + length
    return found


@pytest.mark.parametrize("mode", MODES)
def test_nothing_in_the_page_tells_whose_an_image_is(material, mode):
    images = material(3)
    made = make_study(mode, images, 6)
    for name in (*METHODS, *STEMS, "photo-"):
        assert name not in made.page
    know = told(made.page)
    for name, encoded in know["images"].items():
        assert re.fullmatch("[0-9a-f]{8}", name)
        png = base64.b64decode(encoded)
        assert set(chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}
        assert png[16:29] == np.array([16, 16], ">u4").tobytes() + bytes([8, 2, 0, 0, 0])
        entry = made.key["images"][name]  # lossless
        source = {"real": images.real, "input": images.inputs}.get(entry["role"])
        source = images.methods[entry["method"]] if source is None else source
        shown = np.asarray(Image.open(BytesIO(png)))
        assert (shown == pixels(source[entry["file"]])).all()
    assert list(know["images"]) == sorted(know["images"])
    assert {frozenset(trial) for trial in know["trials"]} == {frozenset({"id", "input", "options"})}


def test_ids_and_places_do_not_follow_the_role(material):
    # ids are uniform whatever the image; over 40 draws the mean rank of the real ones among all
    # has a standard error of 0.29 / sqrt(40 * 6) = 0.02, and 5 of them are 0.1
    ranks, places = [], []
    images = material(1)
    for seed in range(40):
        key = make_study("fool", images, 12, seed=seed).key
        names = sorted(key["images"])
        real = [key["images"][name]["role"] == "real" for name in names]
        ranks += [i / 11 for i, is_real in enumerate(real) if is_real]
        shown = [key["images"][t["options"][0]]["role"] == "real" for t in key["trials"].values()]
        places += [i / 11 for i, is_real in enumerate(shown) if is_real]
    assert np.mean(ranks) == pytest.approx(0.5, abs=0.1)
    assert np.mean(places) == pytest.approx(0.5, abs=0.1)
    assert np.mean(np.arange(6) / 11) < 0.4  # what real images first would give


def test_equal_arguments_give_equal_bytes(material):
    images = material(2)
    one, same = (make_study("pair", images, 4, seed=3) for _ in range(2))
    other = make_study("pair", images, 4, seed=4)
    assert (one.page, one.key) == (same.page, same.key)
    assert one.key["study"] != other.key["study"]
    assert not set(one.key["images"]) & set(other.key["images"])


def test_text_from_the_user_cannot_end_the_script(material):
    images = material(2)
    named = Material(images.methods, images.inputs, images.real, "</script><b>\u2028")
    assert told(make_study("pair", named, 4).page)["target"] == named.target


def test_a_study_on_disk_is_never_overwritten(study):
    made = study("pair")
    assert made.key_file.name == "page.key.json"
    with pytest.raises(ReplicateError, match=r"page.html exists and may belong to answers"):
        write(Study("", {}), made.page)
    made.page.unlink()
    with pytest.raises(ReplicateError, match=r"page.key.json exists"):
        write(Study("", {}), made.page)


@pytest.mark.parametrize(
    "choices, text",
    [
        ({"repeats": 2}, "repeats 2: expected 0 to 1, a quarter of the 4 trials"),
        ({"seconds": 1.0, "mode": "pair"}, "seconds 1 with pair: only fool limits the exposure"),
        ({"seconds": 0.0}, "seconds 0: expected more than 0"),
    ],
)
def test_wrong_choices_are_refused(material, choices, text):
    with pytest.raises(ReplicateError, match=text):
        make_study(**{"mode": "fool", "material": material(2), "trials": 4} | choices)


def test_sizes_that_differ_are_refused(material, folder):
    images = material(2)
    other = {file.stem: file for file in folder("larger", side=20).glob("*.png")}
    mixed = Material(images.methods | {"quintor": other}, images.inputs, {})
    with pytest.raises(ReplicateError, match=r"is 16x16 px, scene-\d\d \(quintor\) is 20x20 px"):
        make_study("pair", mixed, 4)


def test_a_page_too_large_says_how_it_gets_smaller(material, monkeypatch):
    monkeypatch.setattr(page, "LIMIT", 0.01)
    with pytest.raises(ReplicateError, match=r"expected at most 0.01; ask for about --trials \d+,"):
        make_study("pair", material(2), 12)
