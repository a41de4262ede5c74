"""AttentionGAN's Table V: what translating between m domains costs, counted from networks here."""

import re
from collections.abc import Callable
from dataclasses import fields, replace

import pandas as pd
from torch import nn

from replicate import reported, repro
from replicate.errors import ReplicateError
from replicate.lab.run import method_name
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.networks.generators import ResnetGenerator
from replicate.networks.stargan import LabelDiscriminator
from replicate.report.tables.catalogue import ABSENT

PAPER, WHERE = "tang2019attentiongan", "Table V"
COLUMNS = ["method", "models", "printed", "counted", "parameters", "all models", "verdict"]
SAME = "reproduced to the printed digit"
UNBUILT = "not built yet"
ONE_WAY = "m(m - 1)"  # one for each ordered pair of domains, so a model is of one direction
ONE_DOMAIN = "m"  # one for each domain, so a model is what a domain has of each network
# where a model has one network of each kind, however many the method here trains side by side
SINGLE = (ONE_WAY, ONE_DOMAIN)
MODELS: dict[str, Callable[[int], int]] = {
    ONE_WAY: lambda m: m * (m - 1),
    "m(m - 1)/2": lambda m: m * (m - 1) // 2,  # one for each pair
    ONE_DOMAIN: lambda m: m,
    "1": lambda m: 1,
}
Count = tuple[str, int]  # what was counted, and its trainable parameters


def capacity(domains: int = 8) -> pd.DataFrame:
    """Parameters of every model that translates between `domains` domains, beside Table V, as text.

    Args:
        domains: m; the page has 8, the expressions of RaFD.

    Returns:
        In the order of the page `method, models` (how many are needed), `printed` (for m = 8),
        `counted` (the networks of one model: those of a trained method here, or of one of its
        directions or domains where the page counts each), `parameters` (of one model), `all models`
        and `verdict`. A method that is not here says "not built yet", one of which no source says
        enough that it is re-specified. Where its own networks do not give the printed digit, a
        second row shows other networks that do.

    Source: Table V as data/reported/tang2019attentiongan.toml holds it; the second rows,
        attentiongan.md of the project's sources, section 1.4, and its baselines.md, section 0.5:
        guesses at what was counted. Of all sums of two networks only a residual generator of six
        blocks with StarGAN's discriminator prints as the 52.6M that six rows have.
    """
    table = reported.load(PAPER).table
    rows = []
    for _, entry in table[table["where"] == WHERE].iterrows():
        formula, printed_models = _models(entry["note"])
        shared = {
            "method": entry["label"],
            "models": formula if formula == "1" else f"{formula} = {MODELS[formula](domains)}",
            "printed": f"{entry['printed']}M ×{printed_models}",
        }
        name = method_name(entry["method"], entry["variant"])
        counts = [_own(name, domains, formula in SINGLE)] if _method(name) in METHODS else []
        if counts and not _agrees(counts[0], entry["printed"]):
            other = _resnet_and_critic(domains)
            counts += [other] if _agrees(other, entry["printed"]) else []
        rows += [shared | _counted(count, entry, MODELS[formula](domains)) for count in counts]
        if not counts:
            rows.append(shared | {"verdict": UNBUILT})
    return pd.DataFrame(rows, columns=COLUMNS).fillna(ABSENT)


def _models(note: str) -> tuple[str, int]:
    """`m(m - 1)/2` and 28 of a note that begins with "x 28 models, m(m - 1)/2;"."""
    match = re.match(r"x (\d+) models?(?:, ([^;]+))?;", note)
    formula = match and (match[2] or match[1])
    if formula not in MODELS:
        raise ReplicateError(
            f"{PAPER}.toml, {WHERE}: note {note!r}; expected it to begin with 'x N models, F;' "
            f"where F is one of {', '.join(MODELS)}"
        )
    return formula, int(match[1])


def _method(name: str) -> str:
    """`pix2pix` of `pix2pix:encoder-decoder`."""
    return name.partition(":")[0]


def _own(name: str, domains: int, single: bool) -> Count:
    """The networks of one trained `METHOD[:VARIANT]`, at the paper's sizes, or one of each kind."""
    method, variant = METHODS[_method(name)], name.partition(":")[2] or "paper"
    config = replace(method.Config(), **method.VARIANTS[variant])
    if "c_dim" in {field.name for field in fields(config)}:
        config = replace(config, c_dim=domains)
    with repro.shapes_only():
        built = method(config)
    number = sum(built.counts().values()) if single else _trainable(built)
    return f"{name}: {_parts(built, single)}", number


def _parts(method: Method, single: bool) -> str:
    """`2 G + 2 D`: how many networks there are of each kind that is trained, or 1 of each."""
    kinds = {kind: getattr(method, kind) for kind in method.counts()}
    many = {k: len(n) if isinstance(n, nn.ModuleDict) else 1 for k, n in kinds.items()}
    return " + ".join(f"{1 if single else number} {kind}" for kind, number in many.items())


def _trainable(*networks: nn.Module) -> int:
    return sum(p.numel() for n in networks for p in n.parameters() if p.requires_grad)


def _resnet_and_critic(domains: int) -> Count:
    """The one sum of two networks that six rows of the table may have counted."""
    with repro.shapes_only():
        networks = [ResnetGenerator(n_blocks=6), LabelDiscriminator(c_dim=domains)]
    return f"CycleGAN's G of 6 blocks + StarGAN's D of {domains} labels", _trainable(*networks)


def _agrees(count: Count, printed: str) -> bool:
    return _rounded(count, printed) == printed


def _rounded(count: Count, printed: str) -> str:
    """Millions with the decimals of the page."""
    return f"{count[1] / 1e6:.{len(printed.partition('.')[2])}f}"


def _counted(count: Count, entry: pd.Series, models: int) -> dict[str, str]:
    what, number = count
    method = METHODS.get(_method(what))
    if not _agrees(count, entry["printed"]):
        verdict = f"not reproduced: {_rounded(count, entry['printed'])}M"
    else:
        verdict = SAME if method else f"{SAME}, but by networks that are not this method's"
    if method and method.respecified:
        verdict += "; re-specified"
    return {
        "counted": what,
        "parameters": f"{number:,}",
        "all models": f"{number * models:,}",
        "verdict": verdict,
    }
