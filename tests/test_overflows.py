"""Infinities within a model: those that change what it returns, and those that were meant or change nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture(name="torch")
def _torch() -> ModuleType:
    """Loaded when a test runs, not when it is collected."""
    return pytest.importorskip("torch")


class _Recorder:
    def site(self, frame: Any) -> int:
        return int(frame.f_lineno)


class _Capture:
    """Of a model that was given one tensor."""

    def __init__(self, given: Any) -> None:
        self.args, self.kwargs, self.examples = (given,), {}, len(given)
        self.recorder, self.overflows = _Recorder(), None

    def call(self, model: Any, args: Any, kwargs: Any) -> list[Any]:
        return [model(*args, **kwargs)]

    def chosen(self, outputs: list[Any]) -> Any:
        return outputs[0]


def _look(torch: ModuleType, forward: Any, given: Any) -> dict[str, Any] | None:
    from torchward.runtime.overflows import hidden
    from torchward.runtime.reshapes import scrambled

    class Model(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.out = torch.nn.Linear(given.shape[1], 2)

        def forward(self, x: Any) -> Any:
            return self.out(forward(x).float())

    torch.manual_seed(0)
    model, capture = Model(), _Capture(given)
    scrambled(model, capture)  # type: ignore[arg-type]
    return hidden(model, capture)  # type: ignore[arg-type]


def _given(torch: ModuleType, scale: float) -> Any:
    return torch.randn(16, 12, generator=torch.Generator().manual_seed(1)) * scale


def test_a_square_in_half_precision(torch: ModuleType) -> None:
    rows = _given(torch, 300.0)
    rows[4:] /= 300
    found = _look(torch, lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5), rows.half())
    assert found is not None
    assert found["operation"] == "pow"
    assert found["dtype"] == "float16"
    assert 1 <= found["changed"] <= 4
    assert not found["handled"]


def test_work_in_place_and_casts(torch: ModuleType) -> None:
    def squared(x: Any) -> Any:
        energy = x.clone()
        energy *= energy
        return x / (energy.sum(-1, keepdim=True) + 1).sqrt()

    found = _look(torch, squared, _given(torch, 400.0).half())
    assert found is not None
    assert found["operation"] == "mul"
    found = _look(torch, lambda x: 1 / (1 + x.square().half() / 1e6), _given(torch, 900.0))
    assert found is not None
    assert found["operation"] == "half"


def test_single_precision(torch: ModuleType) -> None:
    found = _look(torch, lambda x: x / (1e-6 + x.pow(20).sum(-1, keepdim=True).pow(0.05)), _given(torch, 300.0))
    assert found is not None
    assert found["dtype"] == "float32"


def test_infinities_that_are_looked_for(torch: ModuleType) -> None:
    found = _look(torch, lambda x: torch.nan_to_num(x.square(), posinf=0.0), _given(torch, 400.0).half())
    assert found is not None
    assert found["handled"]


def test_infinities_that_change_nothing(torch: ModuleType) -> None:
    def masked(x: Any) -> Any:
        return torch.softmax((x + (x > 1).half() * -1e9).float(), -1)

    def hidden_by_least(x: Any) -> Any:
        return torch.softmax(x + torch.where(x > 1, torch.finfo(x.dtype).min, 0.0) * 2, -1)

    def filled(x: Any) -> Any:
        return torch.softmax(x.masked_fill(x > 1, float("-inf")), -1)

    def degrees(x: Any) -> Any:
        scale = (x > 1.5).to(x.dtype).sum(-1, keepdim=True).pow(-0.5)
        return x * scale.masked_fill(scale == float("inf"), 0.0)

    def gate(x: Any) -> Any:
        return 1 / (1 + torch.exp(x * 40))

    def random(x: Any) -> Any:
        return x + torch.randn_like(x) + 0 * gate(x)

    small = _given(torch, 1.0)
    for forward in (masked, hidden_by_least, filled, degrees, gate, random):
        for given in (small.half(), small):
            assert _look(torch, forward, given) is None, forward.__name__
