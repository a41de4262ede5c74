"""Images from runs and from folders, matched by name; and the command line over both."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from preference.conftest import SIDE, STEMS
from typer.testing import CliRunner

from replicate.cli.preference import app
from replicate.datasets import packed
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import state
from replicate.lab.run import make_run
from replicate.lab.state import State
from replicate.preference import sources
from replicate.preference.material import Material, folder_images, pixels
from replicate.preference.sources import RunChoice, collect, collect_change


@pytest.fixture
def trained(tiny: str, monkeypatch: pytest.MonkeyPatch) -> RunChoice:
    """A choice of smoke runs of which cyclegan's has its translations and counts as finished."""
    choice = RunChoice(tiny, 0, "smoke", "BA")
    run = made = make_run("cyclegan", tiny, 0, "smoke")
    split = packed.load(tiny, "test", run.config.crop_size, progress=False)
    target = run.folder / "outputs" / f"{split.domains[1]}2{split.domains[0]}"
    target.mkdir(parents=True)
    for i in range(8):
        Image.fromarray(np.full((32, 32, 3), i, np.uint8)).save(target / f"{i}.png")
    monkeypatch.setattr(
        state, "of", lambda run: State(run.folder, "scored" if run == made else "missing")
    )
    return choice


def test_a_run_brings_its_inputs_and_the_target_domain(trained):
    material = collect(["cyclegan"], trained)
    size = make_run("cyclegan", trained.dataset, 0, "smoke").config.crop_size
    split = packed.load(trained.dataset, "test", size)
    assert pixels(material.methods["cyclegan"]["3"])[0, 0].tolist() == [3, 3, 3]
    assert (pixels(material.inputs["5"]) == split.arrays["B"][5]).all()
    assert (pixels(material.real["5"]) == split.arrays["A"][5]).all()
    assert material.target == split.domains[0]


def test_a_run_may_have_changed_settings(trained):
    with pytest.raises(ReplicateError, match=r"--budget smoke --set lr=0.0003 --set ngf=3`"):
        collect(["cyclegan+lr=0.0003,ngf=3"], trained)


def test_a_run_and_a_folder_may_be_compared(trained, folder):
    mine = folder("mine", [str(i) for i in range(8)], 32)
    assert set(collect(["cyclegan", f"mine={mine}"], trained).methods) == {"cyclegan", "mine"}


@pytest.mark.parametrize(
    "sources, text",
    [
        (["aggan"], "aggan on tiny, seed 0 .smoke. is missing, expected scored; run `replicate "
                    "train aggan --data tiny --seed 0 --budget smoke`"),
        (["cyclgan"], "unknown method 'cyclgan' .did you mean 'cyclegan'"),
        (["cyclegan", "cyclegan"], "source 'cyclegan': expected METHOD"),
        (["=x"], "source '=x': expected METHOD"),
        (["mine=nowhere"], "nowhere has 0 images .looked for png.*no such folder"),
    ],
)  # fmt: skip
def test_sources_that_are_not_there_are_refused(trained, sources, text):
    with pytest.raises(ReplicateError, match=text):
        collect(sources, trained)


def test_a_direction_is_given_in_words_or_letters(trained):
    for written in ("BA", "B->A", "b2a"):
        choice = RunChoice(trained.dataset, 0, "smoke", written)
        assert collect(["cyclegan"], choice).target == "A"
    with pytest.raises(ReplicateError, match=r"unknown direction 'A>B' \(did you mean 'A->B'\?\)"):
        collect(["cyclegan"], RunChoice(trained.dataset, 0, "smoke", "A>B"))


def test_images_that_do_not_match_are_named(folder):
    sources = [f"one={folder('one')}", f"two={folder('two', STEMS[:9])}"]
    choice = RunChoice("none")
    with pytest.raises(ReplicateError, match=r"two lacks 3 of the 12 images of one .scene-09, "):
        collect(sources, choice)
    with pytest.raises(ReplicateError, match="folder of inputs lacks 2 of the 12 images of the tr"):
        collect(sources[:1], choice, source=folder("few", STEMS[2:]))


def test_two_images_of_one_name_and_broken_ones_are_refused(folder):
    place = folder("one", ["a", "b"])
    Image.new("RGB", (16, 16)).save(place / "a.jpg")
    with pytest.raises(ReplicateError, match=r"a\.jpg and a\.png of \S+ differ by their endings"):
        folder_images(place)
    (place / "b.png").write_bytes(b"no image")
    with pytest.raises(ReplicateError, match=r"b.png cannot be decoded .no image format"):
        pixels(place / "b.png")


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_commands_from_folders_to_percentages(folder, tmp_path: Path):
    page = tmp_path / "study.html"
    said = run(
        "make", "best-of-n", f"one={folder('one')}", f"two={folder('two')}", "--source",
        folder("inputs"), "--out", page, "--target", "heron",
    )  # fmt: skip
    key = json.loads((tmp_path / "study.key.json").read_text())
    assert "12 trials of pref/best-of-n, 36 images, " in said and "methods: one, two\n" in said
    assert f"answers-{key['study']}-*.json --key {tmp_path / 'study.key.json'}" in said
    best = {
        trial: next(i for i in asked["options"] if key["images"][i]["method"] == "two")
        for trial, asked in key["trials"].items()
    }
    answers = [{"trial": trial, "showing": 0, "choice": choice} for trial, choice in best.items()]
    sheet = {"format": 1, "study": key["study"], "participant": "p", "session": "s", "trials": 12}
    (tmp_path / "p.json").write_text(json.dumps(sheet | {"answers": answers}))
    words = ("score", tmp_path / "p.json", "--key", tmp_path / "study.key.json")
    assert re.search(r"^two +100.0 +75.8 to 100.0 +12$", run(*words), re.M)  # Wilson, 12 of 12
    assert [share["percent"] for share in json.loads(run(*words, "--json"))["shares"]] == [0, 100]


CELEBA = RunChoice("celeba", 0, "paper")


def known_but(missing: str):
    """In the place of `spec`: every data set is there but one."""

    def spec(name: str) -> None:
        if name == missing:
            raise UnknownName(f"unknown data set {name!r}")

    return spec


@pytest.fixture
def calls(folder, monkeypatch) -> list[tuple[str, str]]:
    """Which outputs of runs are looked for; those on sets of two domains have other faces, too, and
    diat's are twice as large."""

    def images(run, direction: str) -> dict[str, Path]:
        calls.append((run.title, direction))
        stems = {"AB": STEMS[:5], "BA": STEMS[5:9]}.get(direction, STEMS[2:])
        name = f"{run.method}-{run.dataset}-{re.sub('[^a-z]', '', direction.lower())}"
        return folder_images(folder(name, stems, SIDE * (1 + (run.method == "diat"))))

    calls: list[tuple[str, str]] = []
    inputs = folder_images(folder("faces"))
    monkeypatch.setattr(sources, "run_images", images)
    monkeypatch.setattr(sources, "spec", known_but("celeba_aged"))
    monkeypatch.setattr(packed, "load", lambda name, split, size: (name, split, size))
    monkeypatch.setattr(sources, "faces", lambda split: inputs if split[2] == 16 else {})
    return calls


def test_changes_are_of_attributes_or_of_sets_of_two_domains(calls):
    names = ["attentiongan_multi:celeba", "cyclegan", "icgan:celeba"]
    material = collect_change(names, CELEBA, "face->gender")
    assert calls == [
        ("attentiongan_multi:celeba on celeba, seed 0 (paper)", "face->gender"),
        ("cyclegan on celeba_gender, seed 0 (paper)", "AB"),
        ("cyclegan on celeba_gender, seed 0 (paper)", "BA"),
        ("icgan:celeba on celeba, seed 0 (paper)", "face->gender"),
    ]
    shown = STEMS[2:9]  # what all have
    assert list(material.inputs) == shown and material.target == "the other gender"
    assert all(list(images) == shown for images in material.methods.values())


def test_a_set_of_two_domains_that_is_not_there_is_told_how_to_make(calls):
    with pytest.raises(ReplicateError, match=r"--as celeba_aged --domains young,old`, and train"):
        collect_change(["diat"], CELEBA, "face->aged")
    with pytest.raises(ReplicateError, match=r"no image that all methods have \(cyclegan 9, x 1\)"):
        place = sources.run_images(make_run("pix2pix", "celeba", 0, "paper"), "AB")["scene-00"]
        (place.parent / "face2gender").mkdir()
        place.rename(place.parent / "face2gender" / "other.png")
        collect_change(["cyclegan", f"x={place.parent}"], CELEBA, "face->gender")


def test_one_command_makes_the_pages_of_three_changes(calls, monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "spec", known_but(""))
    said = run(
        "attributes", "cyclegan", "diat", "icgan:celeba", "--out", tmp_path / "three", "--trials", 6
    )
    for change, shown in (("hair_color", "another hair colour"), ("aged", "another age")):
        key = json.loads((tmp_path / f"three-{change}.key.json").read_text())
        assert key["target"] == shown and len(key["trials"]) == 6
        assert key["methods"] == ["cyclegan", "diat", "icgan:celeba"]
        page = (tmp_path / f"three-{change}.html").read_text()
        assert f'"width": {SIDE}, "height": {SIDE}' in page
    assert said.count("6 trials of pref/best-of-n") == 3
    own = f"the smallest of cyclegan {SIDE}, diat {2 * SIDE}, icgan:celeba {SIDE}\n"
    assert said.count(f"all images are shown at {SIDE} px, {own}") == 3


def test_a_larger_image_is_brought_to_the_smallest_size():
    """Away from the border bicubic weights of a linear ramp give the ramp."""
    side = 64
    ramp = np.broadcast_to(np.arange(side, dtype=np.uint8)[None, :, None], (side, side, 3))
    small = Material({}, {}, {}, sizes={"one": side, "two": side // 2}).brought(ramp)
    middle = small[:, 4:-4].astype(float)
    # pixel k of the half covers columns 2 k and 2 k + 1; rounding to whole levels
    assert abs(middle - (2 * np.arange(4, side // 2 - 4) + 0.5)[None, :, None]).max() <= 0.5
    alike = Material({}, {}, {})
    assert alike.brought(ramp) is ramp
