"""One number of two sets of images by a call: `replicate.metrics.kid(fake, real)`."""

from pathlib import Path
from types import ModuleType

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.score import Score

USUAL = {"kid": "kid/torch-fidelity", "fid": "fid/torch-fidelity"}  # where none is named
Images = np.ndarray | Path | str


class Metric(ModuleType):
    """The module of an estimator, which can be called with images."""

    def __call__(
        self,
        fake: Images,
        real: Images,
        protocol: str = "",
        weights: Path | str | None = None,
        device: str = "cpu",
        **sets: Images,
    ) -> Score:
        """The score of one protocol; `.value` is the plain number.

        Args:
            fake: translations: a folder, or (N, H, W, 3) uint8.
            real: images of the target domain.
            protocol: one of this metric (`replicate protocols`); empty: torch-fidelity's. The id
                `kid/standin` needs no weights, and orders methods on one data set.
            weights: a file of Inception weights in place of those among the data.
            device: of the feature network.
            sets: what a protocol needs besides: `source`, `real_train`.

        Raises:
            UnknownName: no such protocol.
            ReplicateError: one of another metric, images or weights that it needs are missing.
        """
        from replicate.metrics.compare import Bench, lacking, row
        from replicate.metrics.protocols import computable, find

        name = self.__name__.rpartition(".")[2]
        asked = find(protocol or USUAL[name])
        if asked.metric != name or asked not in computable():
            raise ReplicateError(
                f"{asked.id} is no protocol of {name} that can be computed; expected one such as "
                f"{name}/standin: `replicate protocols` lists them"
            )
        given = {"fake": fake, "real": real, **sets}
        images = {key: _images(key, value) for key, value in given.items()}
        if missing := lacking(asked, images):
            raise ReplicateError(f"{asked.id} needs {', '.join(missing)}, too; name it in the call")
        return row(asked, Bench(images, None, Path(weights) if weights else None, device))


def _images(name: str, value: Images):
    from replicate.metrics.images import Folder, Stack

    return Folder(value) if isinstance(value, str | Path) else Stack(value, name)
