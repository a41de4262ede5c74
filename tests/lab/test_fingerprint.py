"""What makes a run stale, and what does not: a copy of the package is edited and hashed."""

import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from replicate import paths
from replicate.lab import fingerprint, make_run, modules
from replicate.lab.definitions import Reached
from replicate.lab.fingerprint import code_fingerprint, scoring_fingerprint
from replicate.methods import METHODS, base
from replicate.metrics.protocols import PROTOCOLS


class Copy:
    """A copy of the package that stands for it in fingerprints."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(paths.ROOT / "replicate", folder, ignore=shutil.ignore_patterns("*.pyc"))

    def __call__(self, module: str, old: str, new: str) -> None:
        """Puts `new` in the place of the first `old` in a module; at its end where `old` is ""."""
        file = modules.file_of(module)
        assert file.is_relative_to(self.folder) or "toy" in module
        text = file.read_text()
        assert old in text, f"{module} does not hold {old!r}"
        file.write_text(text.replace(old, new, 1) if old else text + new)

    def add(self, module: str, text: str) -> None:
        (self.folder / Path(*module.split(".")[1:])).with_suffix(".py").write_text(text)

    def move(self, module: str, to: str) -> None:
        """A file under another name, and every import of it as that."""
        old, new = (self.folder / Path(*m.split(".")[1:]).with_suffix(".py") for m in (module, to))
        new.parent.mkdir(exist_ok=True)
        (new.parent / "__init__.py").touch()
        old.rename(new)
        package, _, name = module.rpartition(".")
        other, _, renamed = to.rpartition(".")
        for file in self.folder.rglob("*.py"):
            text = file.read_text().replace(f"from {module} import", f"from {to} import")
            whole = f"from {package} import {name}\n"
            text = text.replace(whole, f"from {other} import {renamed} as {name}\n")
            file.write_text(text)


@pytest.fixture
def edit(tmp_path, monkeypatch) -> Copy:
    copy = Copy(tmp_path / "replicate")
    monkeypatch.setattr(modules, "PACKAGE", copy.folder)
    return copy


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
    "a line break": (AGGAN, "base.adam(c.lr, c.beta1,", "base.adam(\n c.lr,\n c.beta1,"),
    "an annotation": (AGGAN, "def begin(self, iteration: int,", "def begin(self, iteration,"),
    "the words of an error": ("replicate.losses", "empty score map", "no scores in the map"),
    "a loss that is new": ("replicate.losses", "", "\n\ndef hinge(x):\n    return x\n"),
    "a block that is new": ("replicate.networks.blocks", "", "\nclass Gate:\n    x = 1\n"),
    "a constant that is new": ("replicate.training", "", "\nEPSILON = 1e-3\n"),
    "a member that nothing calls": (
        "replicate.methods.base", "    def set_lr(",
        "    def style(self):\n        return 1\n\n    def set_lr(",
    ),
    "a field of a result that is new": (
        "replicate.methods.base", "    attention: Tensor | None = None\n",
        "    attention: Tensor | None = None\n    style: Tensor | None = None\n",
    ),
    "a default, which the identity holds": (AGGAN, "Weight = 10.0", "Weight = 9.0"),
    "a setting that is new": (AGGAN, "    pool_size:", "    more: int = 1\n    pool_size:"),
    "the log and the checkpoints": ("replicate.training", "CHECKPOINTS = 20", "CHECKPOINTS = 10"),
    "a blank line": (AGGAN, "    def step(", "\n\n    def step("),
    "a variant": (AGGAN, "    VARIANTS = {", '    VARIANTS = {"another": {},'),
    "the smoke sizes": (AGGAN, "    SMOKE = {", '    SMOKE = {"naf": 3,'),
    "the laptop sizes": (AGGAN, "    LAPTOP = {", '    LAPTOP = {"naf": 3,'),
    "another method": ("replicate.methods.cyclegan", "c.epochs, tail=1", "c.epochs, tail=0"),
    "a metric": ("replicate.metrics.fid", "import", "import math\nimport"),
    "the scoring": ("replicate.evaluation", "BATCH = 16", "BATCH = 8"),
}  # fmt: skip
CODE = {
    "a string": (AGGAN, '"attention_', '"map_'),
    "a hash sign in a string": (AGGAN, 'f"attention_', 'f"#attention_'),
    "the base of methods": ("replicate.methods.base", "betas=(beta1, 0.999)", "betas=(beta1, 0.9)"),
    "the pool": ("replicate.methods.pool", "rand(()) < 0.5", "rand(()) < 0.4"),
    "a network": ("replicate.networks.attention", "naf, 7, stride=2", "naf, 5, stride=2"),
    "a block of a network": ("replicate.networks.blocks", "1e-5", "1e-6"),
    "a loss": ("replicate.losses", "scores.float() - float(is_real)", "scores - float(is_real)"),
    "the loop": ("replicate.training", "self.done += 1", "self.done += 2"),
    "the precision": ("replicate.training", '== "bf16"', '!= "fp32"'),
    "samples, which must leave no trace": ("replicate.training", "fork_rng(devices)", "fork_rng()"),
    "seeds": ("replicate.repro", "torch.manual_seed(seed)", "torch.manual_seed(seed + 1)"),
    "threads": ("replicate.repro", "torch.set_num_threads(threads)", "torch.set_num_threads(2)"),
    "what builds a run": (
        "replicate.lab.execute", "config.flip, run.seed", "not config.flip, run.seed"
    ),
    "where a name comes from": (
        "replicate.networks.blocks", "from torch.nn import functional as F",
        "from torch.nn import init as F",
    ),
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
    before = {name: of(name) for name in METHODS}
    assert len(set(before.values())) == len(METHODS)
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in before.values())
    edit("replicate.methods.cyclegan", "c.epochs, tail=1", "c.epochs, tail=0")
    assert {name for name in METHODS if of(name) != before[name]} == {"cyclegan"}
    edit(
        "replicate.methods.map_memory", "masked_fill(~self.seen, -1)", "masked_fill(~self.seen, 0)"
    )
    guided = {"cyclegan", "spatial_guidance", "spatial_guidance_paired"}
    assert {name for name in METHODS if of(name) != before[name]} == guided


def test_a_file_may_be_added_and_moved(edit):
    before = {name: of(name) for name in METHODS}
    scores = {name: scoring_fingerprint(name) for name in ("kid/standin", "attention/auc")}
    edit.add("replicate.methods.more", "from replicate.methods.cyclegan import CycleGAN\n")
    edit.add("replicate.metrics.more", "def more(x):\n    return x\n")
    edit.move("replicate.methods.pool", "replicate.networks.history")
    edit.move("replicate.losses", "replicate.objectives.terms")
    edit.move("replicate.metrics.kid", "replicate.metrics.distance")
    assert not (edit.folder / "losses.py").exists()
    assert {name: of(name) for name in METHODS} == before
    assert {name: scoring_fingerprint(name) for name in scores} == scores
    edit("replicate.objectives.terms", ".abs().mean()", ".abs().sum()")
    assert of("aggan") != before["aggan"]


def test_a_method_outside_the_package_is_followed_too(toys, edit, tmp_path, monkeypatch):
    toy = toys["toy_paired"]
    before = code_fingerprint(toy)
    edit("replicate.networks.generators", "64", "65")
    changed = code_fingerprint(toy)
    assert changed != before
    own = tmp_path / "toy_paired.py"
    own.write_text(Path(sys.modules[toy.__module__].__file__).read_text() + "\nMORE = 1\n")
    monkeypatch.setattr(sys.modules[toy.__module__], "__file__", str(own))
    assert code_fingerprint(toy) == changed
    own.write_text(own.read_text().replace("l1_loss", "l2_loss"))
    assert code_fingerprint(toy) != changed


@pytest.mark.parametrize(
    "module, old, new, moved",
    [
        ("replicate.metrics.kid", "def kid(", "def kid(draws, ", {"kid/standin"}),
        ("replicate.metrics.standin", "KEY = 20", "KEY = 21", {"kid/standin", "fid/standin"}),
        ("replicate.metrics.fid", "def fid(", "def fid(more, ", {"fid/standin", "fid/clean"}),
        ("replicate.metrics.resize", "def clean(", "def clean(more, ", {"fid/clean"}),
        ("replicate.metrics.attention", "def attention_auc(", "def attention_auc(more, ",
         {"attention/auc"}),
        ("replicate.lab.classes", "[1]", "[0]", {"classes/kept"}),
        ("replicate.evaluation", "* 127.5", "* 127", set()),
        ("replicate.evaluation", "BATCH = 16  # images", "BATCH = 16  # pictures", None),
        ("replicate.training", "self.done += 1", "self.done += 2", None),
        ("replicate.metrics.estimators", "", "\n\ndef median(x):\n    return x\n", None),
        ("replicate.metrics.estimators", '    "frechet": frechet,\n',
         '    "frechet": frechet,\n    "median": max,\n', None),
        ("replicate.metrics.features", '    "standin-v1": lambda',
         '    "another": max,\n    "standin-v1": lambda', None),
        ("replicate.evaluation", '    "attention/mean": ((',
         '    "attention/max": max,\n    "attention/mean": ((', None),
    ],
)  # fmt: skip
def test_scores_follow_what_makes_them_alone(edit, module, old, new, moved):
    """`moved`: those of these protocols that change; an empty set is all, None is none."""
    names = ("kid/standin", "fid/standin", "fid/clean", "attention/auc", "classes/kept")
    before = {name: scoring_fingerprint(name) for name in names}
    edit(module, old, new)
    wanted = set() if moved is None else moved or set(names)
    assert {name for name in names if scoring_fingerprint(name) != before[name]} == wanted


def test_settings_of_a_protocol_count_and_its_words_do_not(monkeypatch):
    def of_protocol(**changes: object) -> str:
        changed = replace(PROTOCOLS["kid/gm-target"], **changes)
        monkeypatch.setitem(PROTOCOLS, "kid/gm-target", changed)
        return scoring_fingerprint("kid/gm-target")

    before = of_protocol()
    assert of_protocol(definition="words", caution="more", used_by="all", scale=1.0) == before
    assert of_protocol(settings={"block": 20}) != before


@dataclass(frozen=True, kw_only=True)
class More(METHODS["cyclegan"].Config):
    """A configuration with a setting that came later."""

    tf32: bool = base.added(False)


def test_a_setting_that_came_later_leaves_the_runs_on_record_what_they_are():
    run = make_run("cyclegan", "horse2zebra", 0, "paper")
    assert replace(run, config=More()).hash == run.hash
    assert replace(run, config=More(tf32=True)).hash != run.hash


def test_the_data_counts_through_its_passport(workspace, monkeypatch):
    made = fingerprint.packed.ImageSet("x", "train", 8, ("a", "b"), False, {}, {}, {"counts": 1})
    monkeypatch.setattr(fingerprint.packed, "load", lambda *asked, **more: made)
    before = fingerprint.data_fingerprint("x", 8)
    assert fingerprint.data_fingerprint("x", 8) == before
    made.passport["counts"] = 2
    assert fingerprint.data_fingerprint("x", 8) != before


CODE_OF_MANY_KINDS = """
import math
from math import pi as circle

TABLE = {"a": lambda: used(), "b": lambda: unused()}
local = 1


def used():
    return circle


def unused():
    return 0


class Thing:
    kept = 3

    def __init__(self):
        self.local = kind(self)

    @property
    def value(self):
        return [local for local in range(3)]

    def never(self):
        return unused()


def kind(local):
    math = local
    return math.value if local else TABLE


def start():
    from replicate.made_up import Thing as T

    return T().kept
"""


def test_what_is_reached_is_told_by_name(edit):
    edit.add("replicate.made_up", CODE_OF_MANY_KINDS)

    def names(*roots: str, **more: object) -> set[str]:
        found = Reached([f"replicate.made_up.{root}" for root in roots], **more).names
        return {name.removeprefix("replicate.made_up.") for name in found}

    thing = {"Thing", "Thing.kept", "Thing.__init__", "Thing.value", "kind", "TABLE"}
    assert names("start") == thing | {"start", "used", "unused"}  # local names are no constants
    assert names("start", keys={"a"}) == thing | {"start", "used"}
    without_kind = {"start", "Thing", "Thing.kept", "Thing.__init__"}
    assert names("start", without=["replicate.made_up.kind"]) == without_kind
    assert names("Thing.never") >= {"Thing.never", "unused"}
    with pytest.raises(LookupError, match=r"no definition 'replicate\.made_up\.gone'"):
        names("gone")


def test_every_exception_of_fingerprints_is_there():
    """Of a name that moved away, the thing would silently count."""
    for dotted in fingerprint.NOT_DECIDING:
        module, _, name = dotted.rpartition(".")
        there = modules.source(dotted) or name in modules.source(module).defined
        assert there, dotted
