"""What several test files share: small image sets, the methods and toys, a training of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from support.archives import NAME
from support.pictures import write_tiny
from support.server import Server, serving
from torch import Tensor

from replicate import checkpoint, repro
from replicate.datasets import download
from replicate.datasets import spec as specs
from replicate.datasets.batches import Batches
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import Mirror, Spec
from replicate.lab import ensure, make_run
from replicate.lab.equipment import equip
from replicate.methods import METHODS, load_file
from replicate.methods.base import Config, Method
from replicate.metrics import features
from replicate.training import LOG, Training

STEPS = 6  # toy_labels moves its generator at the fifth
DEFAULT = "paper"  # the variant that every method has
# The notebooks and the files of tests that take longest, the longest first.
LONG = (
    "01_dagan.ipynb", "00_protocol.ipynb", "04_ugatit.ipynb", "05_spatial_guidance.ipynb",
    "06_guidance_studies.ipynb", "02_aggan.ipynb", "03_attentiongan.ipynb", "90_summary.ipynb",
    "test_kill.py", "test_training.py", "test_experiment.py", "test_wheel.py", "test_damage.py",
    "test_golden_imports.py", "test_notebooks.py", "test_fingerprint.py", "test_preflight.py",
    "test_workflow.py", "test_methods.py", "test_settings.py", "test_inception.py",
    "test_published.py", "test_relabelling.py", "test_publishing.py", "test_staleness.py",
    "test_own_method.py", "test_golden_instagan.py", "test_golden_multimodal.py",
    "test_golden_fal.py", "test_golden_cyclegan.py", "test_mailing.py",
)  # fmt: skip
COUNTS = {"A": 7, "B": 5}  # images; few enough that six batches come back to them


class Case(NamedTuple):
    """A variant of a method with its smoke configuration, lengthened to `STEPS`."""

    method: type[Method]
    variant: str

    @property
    def config(self) -> Config:
        changes = {**self.method.VARIANTS[self.variant], **self.method.SMOKE, "iterations": STEPS}
        return replace(self.method.Config(), **changes)

    def __str__(self) -> str:
        return f"{self.method.name}:{self.variant}"


def _toys() -> dict[str, type[Method]]:
    """The toy methods, taken out of the registry again: other tests see what a user sees."""
    before = set(METHODS)
    for file in sorted((Path(__file__).parent / "toys").glob("*.py")):
        load_file(file)
    return {name: METHODS._entries.pop(name) for name in sorted(set(METHODS) - before)}


TOYS = _toys()
CASES = [
    Case(method, variant)
    for method in [*METHODS.values(), *TOYS.values()]
    for variant in method.VARIANTS
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-all` adds to `make test`."""
    text = "test every named variant of every method, not only its default"
    parser.addoption("--all-variants", action="store_true", help=text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with an argument `case` runs once for every method and toy, or for every variant."""
    if "case" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all-variants")
        chosen = [case for case in CASES if every or case.variant == DEFAULT]
        metafunc.parametrize("case", chosen, ids=str)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first: of two processes, none is left alone with one at the end."""
    order = {name: i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONG)))  # else as they were


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands print is not cut: workers of pytest-xdist say that they have 80 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Smoke and laptop runs have one; another number gives other bytes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def known_features() -> dict:
    """Features by network and images: many tests score the same tiny images."""
    return {}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known_features: dict) -> Path:
    """A folder of this test alone, in which `replicate` finds its data and puts its results."""
    compute = features._computed

    def computed(images, extractor, *more):
        key = extractor.id, images.digest()
        if key not in known_features:
            known_features[key] = compute(images, extractor, *more)
        return known_features[key]

    monkeypatch.setattr(features, "_computed", computed)
    monkeypatch.setenv("REPLICATE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REPLICATE_RESULTS", str(tmp_path / "results"))
    return tmp_path


@pytest.fixture
def tiny(workspace: Path) -> str:
    """The name of a set of eight random 32 px images a folder, the least that has every score."""
    return write_tiny(workspace / "data")


@pytest.fixture
def finished(tiny):
    """A real finished run of four steps."""
    run = make_run("cyclegan", tiny, 0, "smoke")
    try:
        ensure(run)
    finally:
        torch.use_deterministic_algorithms(False)
    return run


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A data root of this test alone, reached without proxies."""
    data = tmp_path / "data"
    monkeypatch.setenv("REPLICATE_DATA", str(data))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return data


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    """A server on this machine; nobody waits between two tries."""
    monkeypatch.setattr(download, "PAUSE", 0.0)
    with serving() as running:
        yield running


@pytest.fixture
def entry(root, monkeypatch):
    """A function that makes `toys` an entry of the registry file."""

    def enter(urls: tuple[Mirror, ...] = (), sha256: str = "", **fields: object) -> Spec:
        base = {"name": NAME, "layout": "cyclegan", "domains": ("x", "y"), "archive": "toys.zip"}
        made = Spec(**base | {"source": "", "licence": "", "urls": urls, "sha256": sha256} | fields)
        monkeypatch.setattr(specs, "_entries", lambda: {NAME: made})
        return made

    return enter


@pytest.fixture(scope="session")
def toys() -> dict[str, type[Method]]:
    """The toy methods by name."""
    return TOYS


def image_set(size: int, paired: bool, labels: bool = False) -> ImageSet:
    """Random images with random masks, and two classes; paired ones are as many in A as in B."""
    rng = np.random.default_rng(0)
    counts = dict.fromkeys(COUNTS, COUNTS["A"]) if paired else COUNTS
    arrays = {k: rng.integers(0, 256, (n, size, size, 3), np.uint8) for k, n in counts.items()}
    arrays |= {f"{k}_mask": rng.integers(0, 2, a.shape[:3], np.uint8) for k, a in arrays.items()}
    if labels:
        arrays |= {f"{k}_label": np.arange(counts[k]) % 2 for k in COUNTS}
    return ImageSet("random", "train", size, ("a", "b"), paired, arrays, {}, {})


def _same(one: object, other: object) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


@pytest.fixture
def same() -> Callable[[object, object], bool]:
    """Whether two states are equal, every tensor bit for bit."""
    return _same


def _saved(folder: Path) -> dict:
    state = checkpoint.load(folder, torch.device("cpu"))
    del state["seconds"], state["processor_seconds"]
    return state | {"log": (folder / LOG).read_text()}


@pytest.fixture
def saved() -> Callable[[Path], dict]:
    """What a run folder's newest checkpoint holds, without its seconds, and its log."""
    return _saved


@pytest.fixture
def start() -> Iterator[Callable[..., Training]]:
    """A function that does what a process does at its start: seeds, builds, and waits to run.

    Its arguments: a method, its configuration, the run's folder (None where nothing is written),
    the seed, and `weights_seed` where the weights are to come from another one.
    """

    def make(
        method: type[Method],
        config: Config,
        folder: Path | None,
        seed: int = 0,
        weights_seed: int | None = None,
    ) -> Training:
        repro.prepare(seed if weights_seed is None else weights_seed, threads=1)
        images = image_set(config.load_size, method.paired, method.needs(config).labels)
        built = method(config)
        images = equip(built, images)
        batches = Batches(images, config.batch_size, config.crop_size, config.flip, seed)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return Training(built, batches, folder, config.iterations, identity="tested")

    yield make
    torch.use_deterministic_algorithms(False)
