"""Digits by torchvision's own readers, from tiny archives whose md5 its classes are told here.

Its checks stay on: only the md5 on record, and the addresses, are those of the tiny archives.
"""

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.digits import LABELS, archives, pixels
from support.pictures import unpaired
from torchvision.datasets import MNIST, SVHN, USPS, CelebA

from replicate import paths
from replicate.datasets import digits, passport
from replicate.datasets.audit import audit, format_audit
from replicate.datasets.fetch import get
from replicate.datasets.listing import describe
from replicate.datasets.packed import load
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError

SVHN_PLACES = ["train_32x32.mat", "test_32x32.mat"]
MNIST_PLACES = [
    f"MNIST/raw/{split}-{kind}-ubyte.gz"
    for split in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]
USPS_PLACES = ["usps.bz2", "usps.t.bz2"]
PLACES = {"mnist2svhn": MNIST_PLACES + SVHN_PLACES, "mnist2usps": MNIST_PLACES + USPS_PLACES}


class Shelf:
    """A folder of archives behind an address, and which of them were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, archives()
        self.asked: dict[str, None] = {}  # once each: torchvision asks a second time for redirects
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)

    def fill(self, root: Path, name: str) -> None:
        """Puts the archives of a set where torchvision would."""
        for place in PLACES[name]:
            path = root / name / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.files[path.name])


@pytest.fixture
def shelf(root, tmp_path, monkeypatch):
    """The tiny archives, served on this machine, in place of the real ones."""
    made = Shelf(tmp_path / "shelf")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked[self.path.strip("/")] = None
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=made.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        md5 = {name: hashlib.md5(content).hexdigest() for name, content in made.files.items()}
        monkeypatch.setattr(MNIST, "mirrors", [url])
        monkeypatch.setattr(MNIST, "resources", [(n, md5[n]) for n, _ in MNIST.resources])
        for kind in (SVHN, USPS):
            known = {split: name for split, (_, name, _) in kind.split_list.items() if name in md5}
            listed = {split: [url + name, name, md5[name]] for split, name in known.items()}
            monkeypatch.setattr(kind, "split_list", listed)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", PLACES)
def test_torchvision_knows_an_md5_of_every_archive(root, name):
    """With its own list, which the other tests replace."""
    listed = digits._all(spec(name), "train", "test")
    assert [archive.place for archive in listed] == PLACES[name]
    assert all(len(archive.md5) == 32 and archive.urls for archive in listed)


@pytest.mark.parametrize("name", PLACES)
def test_the_md5_of_digits_are_those_that_torchvision_checks(name):
    listed = {a.place.split("/")[-1]: a.md5 for a in digits._all(spec(name), "train", "test")}
    assert {o.file: o.md5 for o in spec(name).originals} == listed


def test_the_files_of_celeba_are_those_that_torchvision_knows():
    known = {name: (file_id, md5) for file_id, md5, name in CelebA.file_list}
    for original in spec("celeba").originals:
        file_id, md5 = known[original.file]
        assert original.md5 == md5 and original.url.endswith(f"id={file_id}")


@pytest.mark.parametrize("name, size", [("mnist2svhn", 32), ("mnist2usps", 28), ("mnist2usps", 16)])
@pytest.mark.parametrize("split", ["train", "test"])
def test_images_are_pillows_resized_ones_and_labels_the_digits(root, shelf, name, size, split):
    shelf.fill(root, name)
    images = load(name, split, size, progress=False)
    assert list(images.arrays) == ["A", "A_label", "B", "B_label"] and not images.paired
    for key, domain in zip("AB", name.split("2"), strict=True):
        squares = [
            np.asarray(Image.fromarray(p).convert("RGB").resize((size, size), Image.BICUBIC))
            for p in pixels(domain, split)
        ]
        assert (images.arrays[key] == squares).all() and images.arrays[key].dtype == np.uint8
        label = images.arrays[f"{key}_label"]
        assert label.dtype == np.int64 and label.tolist() == list(LABELS[split])
        assert images.names[key][1] == f"{domain}_00001.png"


def test_at_their_own_size_the_pixels_are_those_of_the_archive(root, shelf):
    shelf.fill(root, "mnist2usps")
    shelf.fill(root, "mnist2svhn")
    for name, key, domain, size in (
        ("mnist2usps", "A", "mnist", 28),
        ("mnist2usps", "B", "usps", 16),
        ("mnist2svhn", "B", "svhn", 32),
    ):
        stored, wanted = load(name, "train", size).arrays[key], pixels(domain, "train")
        assert (stored == (wanted if wanted.ndim == 4 else wanted[..., None])).all()


def test_the_passport_counts_what_was_grey_and_hashes_the_labels(root, shelf):
    shelf.fill(root, "mnist2svhn")
    images = load("mnist2svhn", "test", 32)
    assert images.passport["counts"] == {"A": 2, "B": 2}
    assert images.passport["converted"] == {"L": 2}
    content = {k: hashlib.sha256(a.tobytes()).hexdigest() for k, a in images.arrays.items()}
    assert images.passport["arrays"] == content


def test_absent_digits_name_the_command(root):
    with pytest.raises(ReplicateError) as caught:
        load("mnist2usps", "train", 32)
    assert str(caught.value) == (
        f"data set 'mnist2usps' is not here: {root}/mnist2usps does not exist. Run `replicate data "
        f"get mnist2usps`, or put the images into {root}/mnist2usps/{{"
        f"{','.join(PLACES['mnist2usps'])}}}."
    )


def test_an_absent_archive_is_named_and_only_where_its_split_is_asked_for(root, shelf):
    shelf.fill(root, "mnist2usps")
    (root / "mnist2usps" / "usps.t.bz2").unlink()
    assert load("mnist2usps", "train", 16).passport["counts"] == {"A": 3, "B": 3}
    with pytest.raises(ReplicateError, match=r"has no usps\.t\.bz2\. Run `replicate data get mnis"):
        load("mnist2usps", "test", 16)


@pytest.mark.parametrize("name, place", [(n, place) for n in PLACES for place in PLACES[n][::2]])
def test_an_archive_with_another_md5_is_not_read(root, shelf, name, place):
    shelf.fill(root, name)
    path = root / name / place
    wanted = hashlib.md5(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-1])
    found = hashlib.md5(path.read_bytes()).hexdigest()
    with pytest.raises(ReplicateError) as caught:
        for split in ("train", "test"):
            load(name, split, 16)
    assert str(caught.value) == (
        f"{path}: md5 mismatch (found {found}, torchvision expects {wanted}). Run `replicate data "
        f"get {name}`: it fetches this file again"
    )


def test_what_somebody_unpacked_is_not_read(root, shelf):
    shelf.fill(root, "mnist2usps")
    (root / "mnist2usps" / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"other")
    assert (load("mnist2usps", "train", 28).arrays["A"][..., 0] == pixels("mnist", "train")).all()


@pytest.mark.parametrize("name", PLACES)
def test_get_fetches_what_is_missing_or_damaged_and_nothing_else(root, shelf, name, capsys):
    assert get(name) == root / name
    assert list(shelf.asked) == [Path(place).name for place in PLACES[name]]
    assert "is complete" in capsys.readouterr().out
    missing, damaged = (root / name / PLACES[name][i] for i in (0, -1))
    missing.unlink()
    damaged.write_bytes(b"half")
    shelf.asked.clear()
    get(name)
    assert list(shelf.asked) == [missing.name, damaged.name]
    assert load(name, "test", 16).passport["counts"] == {"A": 2, "B": 2}
    shelf.asked.clear()
    get(name)
    assert not shelf.asked


def test_an_address_that_gives_another_file_is_named_with_the_way_out(root, shelf):
    (shelf.folder / "usps.bz2").write_bytes(b"Sorry, the file has moved.")
    with pytest.raises(ReplicateError) as caught:
        get("mnist2usps")
    url, _, md5 = USPS.split_list["train"]
    assert str(caught.value) == (
        f"usps.bz2: File not found or corrupted. at {url}. Put the file at "
        f"{root}/mnist2usps/usps.bz2 yourself (md5 {md5}) and run again"
    )
    (shelf.folder / "usps.bz2").unlink()
    with pytest.raises(ReplicateError, match=r"usps\.bz2: HTTP Error 404: File not found at http"):
        get("mnist2usps")


def test_digits_come_from_nowhere_else(root):
    with pytest.raises(ReplicateError, match=r"through torchvision.*not from x\.zip: run `replica"):
        get("mnist2usps", "x.zip")
    assert not (root / "mnist2usps").exists()


def test_the_listing_and_the_audit_know_digits(root, shelf):
    shelf.fill(root, "mnist2usps")
    shelf.fill(root, "mnist2svhn")
    (root / "mnist2svhn" / "test_32x32.mat").unlink()
    states = {line["name"]: line["state"] for line in describe()}
    assert (states["mnist2usps"], states["mnist2svhn"]) == ("present", "incomplete")
    assert "nothing to audit" in format_audit(audit("mnist2usps"))


def test_digits_have_a_passport_of_their_archives(root, shelf):
    shelf.fill(root, "mnist2usps")
    found = passport.passport("mnist2usps")
    about = {"count": 2, "modes": {"L": 2}, "width": [16, 16], "height": [16, 16]}
    assert found["folders"]["testB"] == about and found["folders"]["trainA"]["count"] == 3
    (root / "mnist2usps" / "MNIST" / "raw" / "t10k-images-idx3-ubyte").write_bytes(b"unpacked")
    assert passport.content_hash(spec("mnist2usps")) == found["content"]


def test_other_sets_do_without_the_seconds_that_torchvision_takes(root):
    unpaired(root / "mine")
    code = (
        "import sys; from replicate.datasets import listing, packed; listing.describe(); "
        "packed.load('mine', 'test', 16); assert 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, check=True)
