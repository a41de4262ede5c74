"""Networks and losses in float64, where they agree with official code to 1e-9 and not to 1e-4."""

from collections.abc import Iterator

import pytest
import torch
from support.golden import dropped

from replicate.networks import unet


@pytest.fixture(autouse=True)
def in_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every tensor is float64 and stays so.

    Networks and losses call `float()` where autocast must not reach, which here would round.
    """
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No initial weights are drawn: the formula replaces them, and drawing would take a minute.

    A parameter that the formula misses is memory as it lay, and shows.
    """
    for name in ("normal_", "trunc_normal_", "uniform_", "kaiming_uniform_"):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)


@pytest.fixture
def fixed_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The U-Net drops by the protocol's mask."""
    monkeypatch.setattr(unet, "_half_dropped", dropped)


@pytest.fixture
def every(request: pytest.FixtureRequest) -> bool:
    """Whether all cases and iterations are compared, as `make test-all` does, or the quick ones."""
    return request.config.getoption("--all-variants")
