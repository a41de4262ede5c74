"""The register of the authors' weights: its entries are right; a release is fetched and read in."""

import hashlib
import io
import tarfile
import zipfile

import pytest
import torch
from support import official as layers
from typer.testing import CliRunner

from replicate.cli import app
from replicate.datasets.directions import in_letters
from replicate.datasets.spec import Mirror, spec
from replicate.errors import ReplicateError, UnknownName
from replicate.lab.run import make_run
from replicate.methods import METHODS
from replicate.translating.model import load
from replicate.weights import building, maps, published, scoring


@pytest.mark.parametrize("name", published.entries())
def test_an_entry_names_what_exists(name):
    entry = published.entries()[name]
    run = make_run(entry.method, entry.data, 0, "paper", dict(entry.settings))
    assert entry.format == "tensorflow" or run.method in maps.known()
    if entry.direction:
        assert in_letters(entry.direction, spec(entry.data).domains) in ("AB", "BA")
    Mirror(url=entry.url, sha256=entry.sha256, bytes=entry.bytes)
    assert entry.licence and entry.code


@pytest.mark.parametrize("method", maps.known())
def test_a_map_has_a_place_for_every_tensor_of_its_networks_once(method):
    known = maps.load(method)
    with torch.device("meta"):
        networks = METHODS[method](METHODS[method].Config())
    state = networks.state_dict()
    for part in known.parts.values():
        network = part.network.replace("{direction}", "AB")
        network = network.replace("{source}", "A").replace("{target}", "B")
        ours = building.belonging(state, [network])
        ours = {name.removeprefix(f"{network}.") for name in ours}
        for name in part.names:
            expanded = maps.expand(known.names[name], known.counts[name], ours)
            targets = list(expanded.values())
            assert len(set(targets)) == len(targets)
            covered = {o for o in ours if o in targets or o.rpartition(".")[0] in targets}
            assert covered == ours


def test_formulas_of_names():
    assert maps._worked_out("a[.b]{i+1}.{2+3*i}", {"i": 2}) == "a.b.b.b.8"
    assert maps._sum("3*n-1", {"n": 4}) == 11
    with pytest.raises(UnknownName, match="unknown name in a map of names 'm'"):
        maps._sum("m", {"n": 4})


@pytest.fixture
def release(server, root, monkeypatch):
    """A function that makes a file on a server the release `tried`."""

    def enter(content: bytes, **fields: object) -> None:
        server.pages["/weights.pth"] = content
        base = {
            "method": "cyclegan", "data": "horse2zebra", "file": "weights.pth",
            "url": f"{server.url}/weights.pth", "licence": "none", "code": "ours",
            "settings": {"load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 1},
        }  # fmt: skip
        made = published.Entry(**base | fields)
        monkeypatch.setattr(published, "entries", lambda: {"tried": made})

    return enter


def saved(salt: int) -> bytes:
    """A small official generator as torch.save writes it."""
    file = io.BytesIO()
    torch.save(layers.state(layers.resnet_generator(4, 1), salt), file)
    return file.getvalue()


def test_a_release_is_fetched_read_in_and_offline_from_then_on(release, server):
    content = saved(1)
    release(content, direction="zebra->horse", sha256=hashlib.sha256(content).hexdigest())
    assert CliRunner().invoke(app, ["weights", "get", "tried"]).exit_code == 0
    assert load("tried").card.directions == ("BA",)
    server.pages.clear()
    assert published.get("tried") == published.place("tried")
    (entry,) = published.describe()
    assert entry["state"] == "here"


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_gives_both_directions_whatever_paths_are_in_it(release, kind):
    packed, files = (
        io.BytesIO(),
        {"../../latest_net_G_A.pth": saved(1), "x/9_net_G_B.pth": saved(2)},
    )
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in files.items():
                about = tarfile.TarInfo(name)
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))
    release(packed.getvalue())
    published.get("tried", progress=False)
    assert load("tried").directions == ["horse->zebra", "zebra->horse"]


def test_what_is_not_the_release_leaves_no_weights(release, server, root):
    release(saved(1), direction="zebra->horse", sha256="0" * 64)
    with pytest.raises(ReplicateError, match=r"sha256.*run again with --from PATH"):
        published.get("tried", progress=False)
    release(saved(1)[:500], direction="zebra->horse")
    with pytest.raises(ReplicateError, match="cannot be read as a state dict"):
        published.get("tried", progress=False)
    release(b"", format="tensorflow", note="ask the authors")
    with pytest.raises(ReplicateError, match="nothing here reads; ask the authors"):
        published.get("tried")
    with pytest.raises(UnknownName, match="unknown release of weights 'tired'"):
        published.get("tired")
    assert not list(root.rglob("*.safetensors"))


def test_released_weights_are_scored_beside_what_is_printed(release, tiny, root, monkeypatch):
    release(saved(1), direction="zebra->horse", stands_behind="Table 1", test="the test split")
    with pytest.raises(ReplicateError, match="tried is not here: `replicate weights get tried`"):
        scoring.score("tried", tiny)
    published.get("tried", progress=False)
    words = ["score-released", "tried", "--data", tiny, "--offline-metrics"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    torch.use_deterministic_algorithms(False)
    assert done.exit_code == 0 and "stands behind: Table 1; test set: the test split" in done.stdout
    table = scoring.score("tried", tiny, offline=True)
    torch.use_deterministic_algorithms(False)
    assert set(table["direction"]) == {"B->A"} and "kid/standin" in set(table["protocol"])
    assert set(table["printed"]) == {"-"} and set(table["ours"]) == {"-"}
    key = ("horse->zebra", "kid", "kid/clean")
    (paper,) = [scoring._printed("spatial_guidance", "horse2zebra")]
    assert scoring._comparable(paper, key, 4).startswith("(")  # printed, of another protocol
