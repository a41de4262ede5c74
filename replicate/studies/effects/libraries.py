"""The same images scored by other libraries, and which printed number may stand beside which."""

import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image

from replicate import reported
from replicate.metrics.comparisons import COMPARISONS, partners
from replicate.metrics.fid import fid
from replicate.metrics.inception import Inception
from replicate.metrics.kid import default_subset, kid, kid_subsets
from replicate.metrics.protocols import find
from replicate.studies.effects.studies import Study

RUNG = "do nothing"  # a distance well above 0: near 0 a relative difference says nothing
SUBSETS = 100
Pair = tuple[np.ndarray, np.ndarray]  # fake and real, equally many
Distances = dict[str, float]


class Reference(NamedTuple):
    """How a library is asked, and which of our protocols has its features."""

    protocol: str
    starts_from: str
    theirs: Callable[[Pair, Pair, Inception], Distances]
    ours: Callable[[Pair], Distances]


def parity(study: Study, references: list[str]) -> pd.DataFrame:
    """FID and KID of the inputs against real images, by other libraries and by us.

    Args:
        study: its sample is scored, on the same weights everywhere.
        references: names of `REFERENCES`.

    Returns:
        `reference` (with its version), `starts from` ("images" or "our features"), `metric,
        theirs, ours, difference` (relative), `note`; NaN and "not installed" where it is not.
    """
    rows = []
    for name in references:
        reference = REFERENCES[name]
        protocol = find(reference.protocol)
        images = _pair(study.sample.rungs()[RUNG], study.sample.real)
        features = tuple(study.features(stack, protocol, RUNG) for stack in images)
        about = {"reference": name, "starts from": reference.starts_from}
        try:
            about["reference"] = f"{name} {version(name)}"
        except PackageNotFoundError:
            rows.append(about | {"note": "not installed"})
            continue
        theirs = reference.theirs(images, features, study.extractor(protocol))
        rows += [about | row for row in compared(theirs, reference.ours(features))]
    columns = ["reference", "starts from", "metric", "theirs", "ours", "difference", "note"]
    return pd.DataFrame(rows, columns=columns)


def compared(theirs: Distances, ours: Distances) -> list[dict]:
    """One row a metric, with the difference relative to theirs."""
    return [
        {"metric": metric, "theirs": value, "ours": ours[metric]}
        | {"difference": abs(ours[metric] - value) / abs(value), "note": ""}
        for metric, value in theirs.items()
    ]


def full(features: Pair) -> Distances:
    """FID and the KID of the full samples."""
    return {"FID": fid(*features), "KID": kid(*features)[0]}


def of_subsets(features: Pair) -> Distances:
    """FID and the KID over 100 subsets of half the images."""
    size = default_subset(*map(len, features))
    return {"FID": fid(*features), "KID": kid_subsets(*features, size, SUBSETS)[0]}


def torch_fidelity(images: Pair, features: Pair, network: Inception) -> Distances:
    """torch-fidelity from uint8 images, with its own network and resize, on our weights."""
    from torch_fidelity import calculate_metrics

    tensors = [_Tensors(stack) for stack in images]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = calculate_metrics(
            input1=tensors[0], input2=tensors[1], fid=True, kid=True, kid_subsets=SUBSETS,
            kid_subset_size=default_subset(*map(len, images)), cuda=False, cache=False,
            verbose=False, batch_size=8, feature_extractor="inception-v3-compat",
            feature_extractor_weights_path=str(network.file),
        )  # fmt: skip
    return {
        "FID": metrics["frechet_inception_distance"],
        "KID": metrics["kernel_inception_distance_mean"],
    }


def clean_fid(images: Pair, features: Pair, network: Inception) -> Distances:
    """clean-fid from PNG files with its own resize, on our network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanfid.fid import fid_from_feats, get_folder_features, kernel_distance

        activations = []
        for stack in images:
            with tempfile.TemporaryDirectory() as folder:
                for i, image in enumerate(stack):
                    Image.fromarray(image).save(Path(folder) / f"{i:05d}.png")
                activations.append(
                    get_folder_features(
                        folder, network.network, num_workers=0, batch_size=8,
                        device=torch.device("cpu"), mode="clean", verbose=False,
                    )
                )  # fmt: skip
        # Its subsets hold all images where these are fewer than 1,000.
        return {"FID": float(fid_from_feats(*activations)), "KID": kernel_distance(*activations)}


def torchmetrics(images: Pair, features: Pair, network: Inception) -> Distances:
    """torchmetrics from our features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

        identity, distances = _Given(features[0].shape[1]), {}
        # One subset of all images; torchmetrics asks for fewer than there are only in its message.
        for name, metric in (
            ("FID", FrechetInceptionDistance(feature=identity)),
            ("KID", KernelInceptionDistance(identity, subsets=1, subset_size=len(features[0]))),
        ):
            metric.set_dtype(torch.float64)
            for rows, real in zip(features, (False, True), strict=True):
                metric.update(torch.from_numpy(rows.astype(np.float64)), real=real)
            value = metric.compute()
            distances[name] = float(value[0] if name == "KID" else value)
        return distances


REFERENCES = {
    "torch-fidelity": Reference("fid/torch-fidelity", "images", torch_fidelity, of_subsets),
    "clean-fid": Reference("fid/clean", "images", clean_fid, full),
    "torchmetrics": Reference("fid/clean", "our features", torchmetrics, full),
}


class _Tensors(torch.utils.data.Dataset):
    """Images (N, H, W, 3) as torch-fidelity reads them."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.from_numpy(self.images[i].transpose(2, 0, 1).copy())


class _Given(torch.nn.Module):
    """A feature network whose input are the features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def _pair(fake: np.ndarray, real: np.ndarray) -> Pair:
    """The first of both, equally many: libraries draw from the larger set unseeded."""
    n = min(len(fake), len(real))
    return fake[:n], real[:n]


def comparisons() -> pd.DataFrame:
    """Every pair of protocols that compare, as far as they do; all others do not.

    Returns:
        Text: `protocol, compares with, in, because, certainty`, and `computed here`: "both", the
        one that is, or "neither".
    """
    rows = []
    for entry in COMPARISONS:
        computed = [id for id in (entry.first, entry.second) if find(id).estimator]
        here = {0: "neither", 1: computed[0] if computed else "", 2: "both"}[len(computed)]
        rows.append(
            {"protocol": entry.first, "compares with": entry.second, "in": entry.what}
            | {"because": entry.why, "certainty": entry.certainty, "computed here": here}
        )
    return pd.DataFrame(rows)


def printed(paper: str, dataset: str) -> pd.DataFrame:
    """What a paper prints of a data set's distances, and which protocols may stand beside it.

    Args:
        paper: a name of `reported.keys()`.
        dataset: as the paper's file calls it.

    Returns:
        Text: `where, method, direction, printed, as` (the protocol of the printed number), `beside
        it` (those that compare).
    """
    table = reported.load(paper).table
    here = (table["dataset"] == dataset) & table["metric"].isin(["kid", "fid"])
    entries = table[here & table["value"].notna()]
    rows = [
        {"where": row.where, "method": row.label, "direction": row.direction}
        | {"printed": row.printed, "as": row.protocol, "beside it": beside(row.protocol)}
        for row in entries.itertuples()
    ]
    columns = ["where", "method", "direction", "printed", "as", "beside it"]
    return pd.DataFrame(rows, columns=columns)


def beside(protocol: str) -> str:
    """The protocols computed here that compare with one, or that none does."""
    computed = [id for id in partners(protocol) if find(id).estimator]
    return ", ".join(computed) or "nothing that is computed here"
