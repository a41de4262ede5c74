"""Archives that lie or grow: bombs, paths that stand twice, damage that libraries overlook."""

import gzip
import io
import shutil
import struct
import tarfile
import tracemalloc
import zipfile

import pytest
from support.archives import NAME, left_behind, members, png, tarred, zipped

from replicate.datasets import archives
from replicate.datasets.fetch import get
from replicate.errors import ReplicateError

TEN_GB = 10 << 30


def zeros(mode: str) -> bytes:
    """A small tar of an image of 8 MB, all zeros: a thousandth of a bomb of ten gigabytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        info = tarfile.TarInfo("toys/trainA/0.png")
        info.size = 8 << 20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    return buffer.getvalue()


def declared() -> bytes:
    """A zip of a few bytes whose directory declares that they unpack to ten gigabytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("toys/trainA/0.png", b"bomb")
        archive.filelist[0].file_size = TEN_GB
    return buffer.getvalue()


def understated() -> bytes:
    """A zip that declares 10 bytes of a member that unpacks to a megabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("toys/trainA/0.png", bytes(1 << 20))
    content = buffer.getvalue()
    for mark, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        at = content.index(mark) + offset
        content = content[:at] + struct.pack("<I", 10) + content[at + 4 :]
    return content


def sparse() -> bytes:
    """A tar of a kilobyte with a sparse file of ten gigabytes."""
    info = tarfile.TarInfo("toys/trainA/0.png")
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": info.name,
        "GNU.sparse.realsize": str(TEN_GB),
    }
    info.size = 512
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"1\n0\n1\n".ljust(512, b"\0")))
    return buffer.getvalue()


def block(kind: bytes, content: bytes, size: int | None = None, name: str = "toys") -> bytes:
    """A header of a tar that announces `size` bytes, and what follows it."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content) if size is None else size
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


BOMBS = {
    "zip, declared": declared,
    "tar.gz": lambda: zeros("w:gz"),
    "tar.xz": lambda: zeros("w:xz"),
    "tar, sparse": sparse,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(root, entry, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "SLACK", 1 << 20)
    entry()
    (tmp_path / "a").write_bytes(BOMBS[kind]())
    size = (tmp_path / "a").stat().st_size
    with pytest.raises(ReplicateError, match=rf"a refused: its {size} bytes unpack to more than"):
        get(NAME, str(tmp_path / "a"))
    assert left_behind(root) == []


@pytest.fixture
def memory():
    """A function that gives the most bytes that Python held since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


IMAGE = block(tarfile.REGTYPE, png(), name="toys/trainA/0.png")
LITTLE = 30 << 20  # bytes; what is imported meanwhile takes some


@pytest.mark.parametrize("kind", archives.HEADERS)
@pytest.mark.parametrize("before", [b"", IMAGE], ids=["first", "later"])
@pytest.mark.parametrize("opener", [bytes, gzip.compress])
def test_a_long_header_is_refused_before_it_is_read(
    root, entry, tmp_path, memory, kind, before, opener
):
    entry()
    long = block(kind, bytes(1 << 20), 900 << 20) + bytes(48 << 20)
    (tmp_path / "a.tar").write_bytes(opener(before + long))
    with pytest.raises(ReplicateError, match=r"a.tar refused: a header of 943718400 bytes, expe"):
        get(NAME, str(tmp_path / "a.tar"))
    assert memory() < 2 * (50 << 20) + LITTLE  # the test's own copies of 49 MB
    assert left_behind(root) == []


def test_global_headers_that_are_kept_add_up(root, entry, tmp_path):
    entry()
    headers = [
        block(tarfile.XGLTYPE, (b"700000 k%d=" % i).ljust(699_999, b"x") + b"\n") for i in range(3)
    ]
    (tmp_path / "a.tar").write_bytes(b"".join([IMAGE, *headers, bytes(1024)]))
    with pytest.raises(ReplicateError, match="a header of 1400000 bytes, expected at most 1048576"):
        get(NAME, str(tmp_path / "a.tar"))
    assert left_behind(root) == []


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_are_unpacked(root, entry, tmp_path, form):
    entry()
    with tarfile.open(tmp_path / "a.tar", "w", format=form, pax_headers={"comment": "c"}) as made:
        for name, content in members("folder/" * 30).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    (tmp_path / "out").mkdir()
    archives.unpack(tmp_path / "a.tar", tmp_path / "out")
    assert len([*(tmp_path / "out").rglob("*.png")]) == len(members())


@pytest.mark.parametrize("told", [1_000_000, 7])
def test_a_zip_of_a_million_entries_is_refused_before_its_directory_is_read(
    root, entry, tmp_path, memory, told
):
    """Whatever number it tells: zipfile goes by the bytes of the directory."""
    entry()
    central = struct.pack(
        "<4s4B4HL2L5H2L", b"PK\1\2", *[20, 0] * 2, *[0] * 4, *[0] * 3, 1, *[0] * 6
    )
    directory = (central + b"a") * 1_000_000
    where = len(directory)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, told, told, where, 0)
    end += struct.pack("<4sLQL", b"PK\6\7", 0, where, 1)
    end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "a.zip").write_bytes(directory + end)
    with pytest.raises(ReplicateError, match=r"a\.zip refused: it holds more than 400000 files"):
        get(NAME, str(tmp_path / "a.zip"))
    assert memory() < 2 * where + LITTLE  # the test's own copies; read, it would take 500 MB
    assert left_behind(root) == []


def test_a_zip_that_declares_too_little_is_damaged(root, entry, tmp_path):
    entry()
    (tmp_path / "a.zip").write_bytes(understated())
    with pytest.raises(ReplicateError, match=r"a\.zip cannot be unpacked \(Bad CRC-32"):
        get(NAME, str(tmp_path / "a.zip"))
    assert left_behind(root) == []


def test_compressions_that_know_no_limit_are_refused(root, entry, tmp_path):
    entry()
    for kind in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", kind) as archive:
            archive.writestr("toys/trainA/0.png", png())
        with pytest.raises(ReplicateError, match="is neither stored nor deflated"):
            get(NAME, str(tmp_path / "a.zip"))
        assert left_behind(root) == []


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_files_are_refused(root, entry, tmp_path, monkeypatch, pack):
    entry()
    (tmp_path / "a").write_bytes(pack(members()))
    monkeypatch.setattr(archives, "FILES", 8)
    get(NAME, str(tmp_path / "a"))
    for made in (NAME, "passports", "packed"):
        shutil.rmtree(root / made)
    monkeypatch.setattr(archives, "FILES", 7)
    with pytest.raises(ReplicateError, match="refused: it holds more than 7 files"):
        get(NAME, str(tmp_path / "a"))
    assert left_behind(root) == []


@pytest.mark.parametrize("pack", ["zip", "tar"])
def test_a_path_that_stands_twice_is_refused(root, entry, tmp_path, pack):
    entry()
    if pack == "zip":
        with zipfile.ZipFile(tmp_path / "a", "w") as archive:
            archive.writestr("toys/trainA/0.png", png())
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr("toys/trainA/0.png", png())
    else:
        again = tarfile.TarInfo("toys/trainA/0.png")
        (tmp_path / "a").write_bytes(tarred({"toys/trainA/0.png": png()}, "w:gz", again))
    with pytest.raises(ReplicateError, match=r"'toys/trainA/0\.png' stands twice"):
        get(NAME, str(tmp_path / "a"))
    assert left_behind(root) == []


def test_a_damaged_header_in_the_middle_is_not_taken_for_the_end(root, entry, tmp_path):
    entry()
    content = bytearray(tarred(members(), "w"))
    at = content.index(b"toys/testA/0.png")
    content[at] ^= 255
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(ReplicateError, match=rf"cut or damaged after {at} bytes"):
        get(NAME, str(tmp_path / "a.tar"))
    assert left_behind(root) == []


def test_a_damaged_checksum_at_the_end_is_noticed(root, entry, tmp_path):
    entry()
    content = bytearray(tarred(members()))
    content[-8] ^= 1  # of the CRC of gzip
    (tmp_path / "a.tgz").write_bytes(content)
    with pytest.raises(ReplicateError, match=r"cannot be unpacked \(CRC check failed"):
        get(NAME, str(tmp_path / "a.tgz"))
    assert left_behind(root) == []


def test_an_archive_within_an_archive_is_named_and_left_packed(root, entry, tmp_path):
    entry()
    (tmp_path / "a.zip").write_bytes(zipped({"inner.zip": zipped(members())}))
    with pytest.raises(ReplicateError, match=r"It holds inner\.zip: unpack it and give that one"):
        get(NAME, str(tmp_path / "a.zip"))
    assert left_behind(root) == []


def test_pairs_without_a_test_folder_are_tested_on_val(root, entry, tmp_path, capsys):
    entry(layout="pix2pix", left="x")
    files = {f"toys/{split}/{i}.png": png() for split in ("train", "val") for i in range(2)}
    (tmp_path / "a.zip").write_bytes(zipped(files))
    get(NAME, str(tmp_path / "a.zip"))
    assert sorted(p.name for p in (root / NAME).iterdir()) == ["test", "train"]
    assert "its `val` serves as test split" in capsys.readouterr().out
