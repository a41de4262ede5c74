"""Which files are images, what is left out, and which images belong together by their names."""

from pathlib import Path

import pytest

from replicate.errors import ReplicateError
from replicate.naming import (
    BY_NAME,
    BY_NUMBER,
    BY_WORDS,
    SUFFIXES,
    check_stems,
    check_word,
    image_files,
    left_out,
    match,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.PNG", "a.jfif", "c.gif", "notes.txt", "x.heic", ".hidden.png", "more/d.ppm",
                 "more/deep/e.png", "more/.git/f.png"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_images_are_listed_by_one_list_of_endings_and_the_rest_is_named(folder):
    assert [file.name for file in image_files(folder)] == ["a.jfif", "b.PNG", "c.gif"]
    assert left_out(folder) == (
        "1 folder (more/ with 2 images), 1 .txt (notes.txt), 1 .heic (x.heic)"
    )
    below = [file.relative_to(folder).as_posix() for file in image_files(folder, True)]
    assert below == ["a.jfif", "b.PNG", "c.gif", "more/d.ppm", "more/deep/e.png"]
    assert left_out(folder, True, known=("notes.txt",)) == "1 .heic (x.heic)"
    assert {"gif", "jfif", "ppm", "png", "jpeg", "tif"} <= set(SUFFIXES)


def pairs(first: list[str], second: list[str]) -> tuple[list[tuple[str, str]], str]:
    groups, rule = match([first, second], ["fake", "real"], "psnr")
    return [(first[i], second[k]) for i, k in groups], rule


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        (["1.png", "10.png", "2.png"], ["1.jpg", "10.bmp", "2.png"], BY_NAME),
        (["1.png", "10.png", "2.png"], ["0001.png", "0010.png", "0002.png"], BY_NUMBER),
        (["img (1).png", "img (12).png"], ["img_01.png", "IMG-12.png"], BY_NUMBER),
        (["cat_1.png", "dog_1.png"], ["cat_001.png", "dog_001.png"], BY_NUMBER),
        (["9.png", "11.png"], ["09.png", "11.png"], BY_NUMBER),
        (["x_fake_B.png", "y_fake_B.png"], ["x.png", "y.png"], BY_WORDS),
        (["1_fake_B.png", "2_fake_B.png"], ["1_real_B.png", "2_real_B.png"], BY_WORDS),
        (["x_fake_B.png"], ["x.png"], BY_WORDS),
        (["a/1_leftImg8bit.png", "b/1_leftImg8bit.png"],
         ["a/1_gtFine_labelIds.png", "b/1_gtFine_labelIds.png"], BY_WORDS),
        (["img1.png", "img2.png"], ["1.png", "2.png"], BY_WORDS),
    ],
)  # fmt: skip
def test_names_pair_by_the_first_rule_that_is_one_to_one(first, second, rule):
    assert pairs(first, second) == (list(zip(first, second, strict=True)), rule)


def test_numbers_pair_whatever_the_order_of_the_text():
    found, _ = pairs([f"{i}.png" for i in (1, 10, 11, 2)], ["0001.png", "0002.png", "0010.png",
                     "0011.png"])  # fmt: skip
    assert found[1:] == [("10.png", "0010.png"), ("11.png", "0011.png"), ("2.png", "0002.png")]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (["1.png", "2.png", "4.png"], ["1.png", "2.png", "3.png"],
         r"1 of fake have no partner \(4\.png\); 1 of real have no partner \(3\.png\)"),
        (["0.png", "1.png"], ["1.png", "2.png"], r"\(0\.png\).*\(2\.png\)"),
        (["1.png", "2.png"], ["1.png"], r"2 in fake, 1 in real; .*1 of fake have no partner"),
        (["horse_1.png", "horse_2.png"], ["zebra_1.png", "zebra_2.png"], "2 of fake have no"),
        (["A_1.png", "A_2.png"], ["B_1.png", "B_2.png"], "2 of fake have no partner"),
        (["a_1.png", "b_2.png"], ["1.png", "2.png"], "2 of fake have no partner"),
        (["foo.png"], ["bar.png"], "1 of fake have no partner"),
        (["x.png", "x.jpg"], ["x.png", "x.jpg"], "Several names of one folder say the same"),
        (["1.png", "01.png"], ["1.png", "001.png"], "Several names of one folder say the same"),
    ],
)  # fmt: skip
def test_where_no_rule_fits_the_difference_of_the_names_is_told(first, second, told):
    with pytest.raises(ReplicateError, match=f"psnr compares image by image: .*{told}"):
        pairs(first, second)


def test_names_that_differ_by_their_endings_only_are_refused(tmp_path):
    check_stems([tmp_path / "x.png", tmp_path / "x.1.png", tmp_path / "y.jpg"])
    with pytest.raises(ReplicateError, match=r"x\.png and x\.jpg of \S+ differ by their endings"):
        check_stems([tmp_path / "x.png", tmp_path / "x.jpg"])


@pytest.mark.parametrize("word", ["horse", "Blond_Hair", "5_o_Clock", "label map", "Zürich", "a+b"])
def test_words_that_may_name_domains_and_labels(word):
    check_word("domain", word)


@pytest.mark.parametrize(
    "word", ["", "a/b", "a\\b", "<img onerror=x>", "a\nb", "a\x1b[31m", "..", ".x", "x ", "a->b",
             "AB", "attention", "NUL", "a&b", "`x`", "a|b", "'a'"],
)  # fmt: skip
def test_words_that_may_not(word):
    with pytest.raises(ReplicateError, match=r"domain .*expected letters, digits, spaces"):
        check_word("domain", word)
