"""The wheel holds what its commands read; outside a checkout it trains, scores and translates."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import wheels

from replicate import paths
from replicate.errors import ReplicateError
from replicate.lab import doctor


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `replicate` of an environment that holds the wheel and knows nothing of the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    try:
        wheel = wheels.build(place)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return wheels.install(wheel, place / "environment")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of somebody who has eight images a folder where `replicate` looks for images."""
    rng = np.random.default_rng(0)
    for name in ("trainA", "trainB", "testA", "testB"):
        folder = tmp_path / ".local" / "share" / "replicate" / "data" / "tiny" / name
        folder.mkdir(parents=True)
        for i in range(8):
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"{i}.png")
    return tmp_path


def test_the_wheel_trains_scores_and_translates_where_no_checkout_is(installed, home):
    def call(*words: object) -> str:
        done = subprocess.run(
            [installed, *map(str, words)],
            cwd=home, env=wheels.bare(home), capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    folder = Path(call("train", "cyclegan", "--data", "tiny").strip())
    assert folder.is_relative_to(home / ".local" / "share" / "replicate" / "results")
    images = folder.parents[4] / "data" / "tiny"
    rows = json.loads(
        call("score", images / "trainA", images / "trainB", "--json", "--offline-metrics")
    )
    assert rows
    call("translate", "cyclegan@tiny", images / "testA", "--out", home / "translated")
    assert len(list((home / "translated").glob("*.png"))) == 8
    assert "horse2zebra" in call("data", "list")
    left = [path for path in home.iterdir() if path.name not in (".local", "mpl", "translated")]
    assert left == []  # nothing in the folder where commands ran


def test_an_installed_package_writes_no_records(monkeypatch):
    paths.needs_checkout("publishing")
    monkeypatch.setattr(paths, "INSTALLED", True)
    with pytest.raises(ReplicateError, match="publishing writes into the files of a checkout"):
        paths.needs_checkout("publishing")


def test_doctor_names_the_client_that_has_the_same_import_name(monkeypatch, tmp_path):
    assert doctor._import_name() == (f"replicate is {paths.PACKAGE}", True)
    about = tmp_path / "replicate-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: replicate\nVersion: 1.0\n")
    (about / "RECORD").write_text("replicate/__init__.py,,\nreplicate/client.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    said, fine = doctor._import_name()
    assert said.startswith("clash: the distribution 'replicate'") and not fine


def test_a_users_folders_are_no_places_beside_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "INSTALLED", True)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("REPLICATE_DATA", "REPLICATE_RESULTS"):
        monkeypatch.delenv(name, raising=False)
    assert not paths.data().is_relative_to(paths.PACKAGE) and paths.data().name == "data"
    assert not paths.results().is_relative_to(paths.PACKAGE) and paths.results().name == "results"
