"""Every entry of the registry file: well-formed, named by what uses it, true to other records."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from replicate import paths, reported
from replicate.datasets import spec
from replicate.datasets.layouts import FOLDERS
from replicate.datasets.spec import Spec
from replicate.documents import Document
from replicate.errors import ReplicateError
from replicate.methods import METHODS

ENTRIES = spec._entries()
KEYS = reported.keys()
TABLES = {key: reported.load(key).table for key in KEYS}
PAPERS = {method.paper for method in METHODS.values()} | set(TABLES)
MULTI = "celeba"  # its tables name attributes of one set of faces, not two domains


@pytest.mark.parametrize("name", ENTRIES)
def test_addresses_are_well_formed_and_papers_exist(name):
    entry = ENTRIES[name]
    for url in [m.url for m in entry.urls] + [o.url for o in entry.originals if o.url]:
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https") and "." in parts.hostname and len(parts.path) > 1
    assert set(entry.used_by) <= PAPERS
    assert entry.source


def test_the_papers_sets_are_all_there():
    wanted = {
        "horse2zebra", "apple2orange", "summer2winter_yosemite", "vangogh2photo", "monet2photo",
        "cezanne2photo", "ukiyoe2photo", "iphone2dslr_flower", "cityscapes", "facades", "maps",
        "night2day", "edges2shoes", "edges2handbags", "selfie2anime", "cat2dog", "photo2portrait",
        "photo2vangogh", "winter2summer", "lion2tiger", "celeba", "rafd", "ar_face", "cub",
        "day2night", "mnist2svhn", "mnist2usps",
    }  # fmt: skip
    assert wanted <= set(ENTRIES)


def test_every_set_that_a_table_names_has_an_entry_which_names_the_table():
    for key, table in TABLES.items():
        for (name, where), _ in table.groupby(["dataset", "where"]):
            assert name in ENTRIES, f"{key}: {name}"
            assert where in ENTRIES[name].used_by[key], f"{name} lacks {where} of {key}"


def test_an_entry_names_no_table_that_is_not_entered():
    for name, entry in ENTRIES.items():
        for key, wheres in entry.used_by.items():
            known = set(TABLES[key]["where"]) if key in TABLES else set()
            assert set(wheres) <= known, name


def test_the_directions_of_the_tables_are_in_the_entries_words():
    for key, table in TABLES.items():
        rows = table[(table["direction"] != "") & (table["dataset"] != MULTI)]
        for (name, direction), _ in rows.groupby(["dataset", "direction"]):
            assert set(direction.split("->")) == set(ENTRIES[name].domains), f"{key}: {direction}"


PARAMETERS = sorted((paths.notebooks() / "params").rglob("0*.yaml"))  # the summary names no set


@pytest.mark.parametrize("file", PARAMETERS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_set_that_a_parameter_file_names_has_an_entry(file):
    asked = yaml.safe_load(file.read_text())
    further = {*asked.get("also", {}), *asked.get("one_seed", {})}
    named = {*asked.get("datasets", []), asked.get("dataset")} | further
    assert named - {None} and named - {None} <= set(ENTRIES)


# files in the zip by folder: TFDS' catalogue, as the sheet of sources has it
ZIPS = {
    "apple2orange": (995, 1019, 266, 248), "horse2zebra": (1067, 1334, 120, 140),
    "summer2winter_yosemite": (1231, 962, 309, 238), "monet2photo": (1072, 6287, 121, 751),
    "cezanne2photo": (525, 6287, 58, 751), "ukiyoe2photo": (562, 6287, 263, 751),
    "vangogh2photo": (400, 6287, 400, 751), "maps": (1096, 1096, 1098, 1098),
    "cityscapes_cyclegan": (2975, 2975, 500, 500), "facades_cyclegan": (400, 400, 106, 106),
    "iphone2dslr_flower": (1812, 3325, 569, 480),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_the_counts_are_those_of_the_zips(name):
    folders = [folder for names in FOLDERS["cyclegan"].values() for folder in names]
    assert ENTRIES[name].counts == dict(zip(folders, ZIPS[name], strict=True))
    old = ENTRIES[name].old_host
    assert len(old.sha256) == 64 and old.bytes > 10_000_000


def test_no_two_sets_share_an_archive():
    archives = [entry.archive for entry in ENTRIES.values() if entry.archive]
    assert len(set(archives)) == len(archives)


def test_a_reversed_entry_has_the_others_files_and_its_domains_exchanged():
    there, back = ENTRIES["vangogh2photo"], ENTRIES["photo2vangogh"]
    assert back.domains == ("photo", "vangogh") and back.folder == there.folder
    assert back.folders("train") == ("trainB", "trainA") and back.faults == there.faults
    assert back.counts == there.counts and not back.urls and not back.archive


def test_a_reversed_entry_of_an_unknown_set_is_refused():
    with pytest.raises(ReplicateError, match=r"b reverses 'mops' \(did you mean 'maps'\?\)"):
        spec._entry("b", {"reverses": "mops"}, Document({"maps": {}}, Path("r.yaml")))


@pytest.mark.parametrize(
    "line, text",
    [
        ("  licnce: MIT", r"n in .*\.yaml, line 1: unknown field 'licnce' \(did .* 'licence'"),
        (
            "  urls: [{url: 'ftp://a.org/a'}]",
            r"n in .*\.yaml, line 1: urls\.0\.url='ftp://a\.org/a': expected ",
        ),
        ("  left: x", r"n in .*\.yaml, line 1: left: x: expected a domain for pix2pix"),
        ("  source: [", r"r\.yaml, line 6: .*; expected YAML"),
        ("m: 3", r"m in .*r\.yaml, line 6: 3; expected the fields of a data set"),
    ],
)
def test_a_malformed_file_is_told_by_entry_and_field(tmp_path, line, text):
    file = tmp_path / "r.yaml"
    good = "n:\n  layout: cyclegan\n  domains: [x, y]\n  source: s\n  licence: ''\n"
    file.write_text(good)
    assert spec._read(file, 0)["n"].domains == ("x", "y")
    file.write_text(good + line)
    with pytest.raises(ReplicateError, match=text):
        spec._read(file, 1)


GOOD = {"name": "n", "layout": "cyclegan", "domains": ("x", "y"), "source": "", "licence": ""}


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"archive": "a.zip", "urls": [{"url": "ftp://a.org/a.zip"}]}, "url"),
        ({"archive": "a.zip", "urls": [{"url": "https://a.org/a b.zip"}]}, "url"),
        ({"archive": "a.zip", "urls": [{"url": "https:///a.zip"}]}, "url"),
        ({"archive": "a.zip", "urls": [{"url": "https://a.org/a", "md5": "0"}]}, "md5"),
        ({"archive": "a.zip", "urls": [{"url": "https://a.org/a", "bytes": -1}]}, "bytes"),
        ({"originals": [{"file": "../a.zip"}]}, "file"),
        ({"originals": [{"file": "a.zip"}], "archive": "a.zip"}, "or prepared from originals"),
        ({"old_host": {"sha256": "x"}}, "sha256"),
    ],
)
def test_malformed_facts_are_refused(change, complaint):
    assert Spec(**GOOD).domains == ("x", "y")
    with pytest.raises(ValueError, match=complaint):
        Spec(**GOOD | change)
