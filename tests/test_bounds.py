"""How large scores can become that a loss takes a softmax of: small graphs, written as users write them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.torch

BOUNDED = {
    "F.cross_entropy(scale.exp() * a @ b.T, y)": 0.2,
    "F.cross_entropy((a @ b.T) * scale.exp(), y, label_smoothing=0.1)": 0.2,
    "F.cross_entropy((a @ b.T) / scale.exp(), y)": 5.0,
    "F.cross_entropy((0.2 * a @ b.T).masked_fill(eye, -1e9), (y + 1) % n)": 0.2,
    "F.cross_entropy(0.2 * a @ b.T - 1e9 * eye.float(), (y + 1) % n)": 0.2,
    "F.cross_entropy((0.2 * a @ b.T)[~eye].view(n, n - 1), y % (n - 1))": 0.2,
    "F.cross_entropy(torch.einsum('nc,kc->nk', a, b) * 0.2, y)": 0.2,
    "F.cross_entropy(F.cosine_similarity(a[:, None], b[None], dim=-1) * 0.2, y)": 0.2,
    "F.cross_entropy(torch.cat([(a * b.detach()).sum(1, keepdim=True), a @ b.detach().T], 1) * 0.2, y * 0)": 0.2,
    "F.cross_entropy(F.linear(a, F.normalize(weight)), y % 4)": 1.0,
    "-F.log_softmax(0.2 * a @ b.T, 1).diag().mean()": 0.2,
    "-F.log_softmax(0.2 * a @ b.T, 1).gather(1, y[:, None]).mean()": 0.2,
    "-(F.log_softmax(0.2 * a @ b.T, 1) * eye.float()).sum(1).mean()": 0.2,
    "-F.log_softmax(0.2 * a @ b.T, 1).masked_fill(~eye, 0).sum(1).mean()": 0.2,
    "-F.softmax(0.2 * a @ b.T, 1)[y, y].log().mean()": 0.2,
    "(torch.logsumexp(0.2 * a @ b.T, 1) - (0.2 * a * b).sum(1)).mean()": 0.2,
    "-torch.log((0.2 * a @ b.T).exp().diag() / (0.2 * a @ b.T).exp().sum(1)).mean()": 0.2,
    "supervised(0.2 * a @ b.T)": 0.2,
}
OTHERS = [
    "F.cross_entropy(raw @ weight.T, y % 4)",
    "F.cross_entropy(F.linear(a, weight), y % 4)",
    "F.cross_entropy(F.linear(a, F.normalize(weight)) + bias.expand(n, 4), y % 4)",
    "F.cross_entropy(0.2 * a @ b.T, F.softmax(0.2 * a @ b.T, 1).detach())",
    "F.kl_div(F.log_softmax(0.2 * a @ b.T, 1), F.softmax(0.2 * a @ b.T, 1).detach(), reduction='batchmean')",
    "-(F.log_softmax(0.2 * a @ b.T, 1)[y > 3] * F.softmax(a @ b.T, 1).detach()[y > 3]).sum(1).mean()",
    "torch.logsumexp(0.2 * a @ a.T, 1).mean()",
    "F.cross_entropy(torch.softmax(a @ b.T, 1) @ raw, y % 6)",
]


@pytest.fixture(name="names")
def _names() -> dict[str, Any]:
    torch: ModuleType = pytest.importorskip("torch")
    torch.manual_seed(0)
    functional, n = torch.nn.functional, 12
    raw, other = torch.randn(2, n, 6, requires_grad=True) * 1
    kinds = torch.arange(n) % 3
    eye = torch.eye(n, dtype=torch.bool)

    def supervised(scores: Any) -> Any:
        scores = scores - scores.amax(1, keepdim=True).detach()
        log_prob = scores - torch.log((scores.exp() * ~eye).sum(1, keepdim=True))
        same = ((kinds[:, None] == kinds) & ~eye).float()
        return -((same * log_prob).sum(1) / same.sum(1)).mean()

    return {
        "torch": torch,
        "F": functional,
        "n": n,
        "raw": raw,
        "a": functional.normalize(raw, dim=1),
        "b": other / other.norm(dim=1, keepdim=True),
        "y": torch.arange(n),
        "eye": eye,
        "weight": torch.nn.Parameter(torch.randn(4, 6)),
        "bias": torch.nn.Parameter(torch.randn(4)),
        "scale": torch.nn.Parameter(torch.tensor(0.2).log()),
        "supervised": supervised,
    }


def _found(written: str, names: dict[str, Any]) -> list[Any]:
    from torchward.runtime import bounds, graph

    found = bounds.bounded(graph.walk(eval(written, names).grad_fn).nodes, set())
    return [one for one in found if float(one.uneven) <= bounds.UNEVEN]


@pytest.mark.parametrize("written", BOUNDED)
def test_bound_of_products_of_normalised_vectors(written: str, names: dict[str, Any]) -> None:
    (one,) = _found(written, names)
    assert float(one.bound) == pytest.approx(BOUNDED[written], rel=1e-3)
    assert 0 < float(one.width) <= 2 * BOUNDED[written]


@pytest.mark.parametrize("written", OTHERS)
def test_no_bound_of_other_scores(written: str, names: dict[str, Any]) -> None:
    assert not _found(written, names)
