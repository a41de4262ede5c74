"""What makes a finished run stale, and what does not: sources are copied, edited, hashed again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from replicate.experiment import fingerprint
from replicate.experiment.fingerprint import code_fingerprint, scoring_fingerprint
from replicate.methods import METHODS

Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path, monkeypatch) -> Edit:
    """A function that puts an edited copy of a module in the place of the module's file."""
    original, copies = fingerprint._file, {}

    def change(module: str, old: str, new: str) -> None:
        text = copies.get(module, original(module)).read_text()
        assert text.count(old) >= 1, f"{module} does not hold {old!r}"
        copy = tmp_path / f"{len(copies)}-{module}.py"
        copy.write_text(text.replace(old, new, 1))
        copies[module] = copy

    monkeypatch.setattr(fingerprint, "_file", lambda m: copies.get(m) or original(m))
    return change


def of(name: str) -> str:
    return code_fingerprint(METHODS[name])


AGGAN = "replicate.methods.aggan"
PROSE = {
    "a comment line": (AGGAN, "\nclass AGGAN", "\n# why\nclass AGGAN"),
    "a comment behind code": (AGGAN, "Config) -> None:\n", "Config) -> None:  # why\n"),
    "the module's docstring": (AGGAN, '"""AGGAN', '"""Another title\n\nof many lines. AGGAN'),
    "a class's docstring": (AGGAN, "class AGGAN(Method):\n", 'class AGGAN(Method):\n    "A."\n'),
    "a docstring in a network": (
        "replicate.networks.blocks", "Instance normalisation computed in float32",
        "Instance normalisation, as everybody\n    knows, computed in float32",
    ),
    "a blank line": (AGGAN, "    def step(", "\n\n    def step("),
    "a deviation": (AGGAN, "DEVIATIONS = (\n", 'DEVIATIONS = (\n    "one more",\n'),
    "a variant": (AGGAN, "    VARIANTS = {", '    VARIANTS = {"another": {},'),
    "the smoke sizes": (AGGAN, "    SMOKE = {", '    SMOKE = {"naf": 3,'),
    "the laptop sizes": (AGGAN, "    LAPTOP = {", '    LAPTOP = {"naf": 3,'),
    "another method": ("replicate.methods.cyclegan", "pool_size: int = 50", "pool_size: int = 51"),
    "a metric": ("replicate.metrics.fid", "import", "import math\nimport"),
    "the scoring": ("replicate.evaluation", "BATCH = 16", "BATCH = 8"),
}  # fmt: skip
CODE = {
    "a default": (AGGAN, "lambda_cyc: float = 10.0", "lambda_cyc: float = 9.0"),
    "a string": (AGGAN, '"attention_', '"map_'),
    "a hash sign in a string": (AGGAN, 'f"attention_', 'f"#attention_'),
    "the base of methods": ("replicate.methods.base", "betas=(beta1, 0.999)", "betas=(beta1, 0.9)"),
    "the pool": ("replicate.methods.pool", "rand(()) < 0.5", "rand(()) < 0.4"),
    "a network": ("replicate.networks.attention", "naf, 7, stride=2", "naf, 5, stride=2"),
    "a block of a network": ("replicate.networks.blocks", "1e-5", "1e-6"),
    "a loss": ("replicate.losses", "scores.float() - float(is_real)", "scores - float(is_real)"),
    "the loop": ("replicate.training", "self.done += 1", "self.done += 2"),
    "the order of batches": (
        "replicate.datasets.batches", 'argsort(kind="stable")', "argsort()"
    ),
}  # fmt: skip


@pytest.mark.parametrize("module, old, new", PROSE.values(), ids=PROSE)
def test_prose_and_other_code_retrain_nothing(edit, module, old, new):
    before = of("aggan")
    edit(module, old, new)
    assert of("aggan") == before


@pytest.mark.parametrize("module, old, new", CODE.values(), ids=CODE)
def test_what_decides_a_result_makes_it_stale(edit, module, old, new):
    before = of("aggan")
    edit(module, old, new)
    assert of("aggan") != before


def test_the_indentation_of_code_counts(edit):
    edit(
        AGGAN,
        "class AGGAN(Method):\n",
        "class AGGAN(Method):\n    if 1:\n        x = 1\n    y = 2\n",
    )
    before = of("aggan")
    edit(AGGAN, "        x = 1\n    y = 2\n", "        x = 1\n        y = 2\n")
    assert of("aggan") != before


def test_methods_have_fingerprints_of_their_own_and_of_a_fixed_form(edit):
    assert len({of(name) for name in METHODS}) == len(METHODS)
    assert all(len(of(name)) == 16 and int(of(name), 16) >= 0 for name in METHODS)
    before = {name: of(name) for name in METHODS}
    edit("replicate.methods.cyclegan", "pool_size: int = 50", "pool_size: int = 51")
    assert {name for name in METHODS if of(name) != before[name]} == {"cyclegan"}


def test_a_method_outside_the_package_is_followed_too(toys, edit):
    toy = toys["toy_paired"]
    before = code_fingerprint(toy)
    edit("replicate.networks.generators", "64", "65")
    changed = code_fingerprint(toy)
    assert changed != before
    edit(toy.__module__, "lambda_features: float = 2.0", "lambda_features: float = 3.0")
    assert code_fingerprint(toy) != changed


@pytest.mark.parametrize(
    "module, old, new, counts",
    [
        ("replicate.metrics.kid", "ddof=1", "ddof=0", True),
        ("replicate.metrics.standin", "KEY = 20", "KEY = 21", True),
        ("replicate.evaluation", "* 127.5", "* 127", True),
        ("replicate.evaluation", "BATCH = 16  # images", "BATCH = 16  # pictures", False),
        ("replicate.training", "self.done += 1", "self.done += 2", False),
    ],
)
def test_scores_follow_the_metrics_and_their_use_alone(edit, module, old, new, counts):
    before = scoring_fingerprint()
    edit(module, old, new)
    assert (scoring_fingerprint() != before) == counts


def test_the_data_counts_through_its_passport(workspace, monkeypatch):
    made = fingerprint.packed.ImageSet("x", "train", 8, ("a", "b"), False, {}, {}, {"counts": 1})
    monkeypatch.setattr(fingerprint.packed, "load", lambda *asked: made)
    before = fingerprint.data_fingerprint("x", 8)
    assert fingerprint.data_fingerprint("x", 8) == before
    made.passport["counts"] = 2
    assert fingerprint.data_fingerprint("x", 8) != before


def test_the_code_is_read_alike_from_any_place(tmp_path: Path):
    text = (
        '"""Doc."""\n\nDEVIATIONS = (\n    1,\n)\n\n\n'
        'def f(x):  # why\n    """Doc."""\n    return "# kept"\n'
    )
    for place in ("a.py", "b.py"):
        (tmp_path / place).write_text(text)
        assert fingerprint._code(tmp_path / place) == 'def f(x):\n    return "# kept"'
