"""A loss read as a sum, and reshapes that scramble: small graphs and shapes, written as users write them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.torch

Written = Callable[[ModuleType, Any, Any], Any]


@pytest.fixture(name="torch")
def _torch() -> ModuleType:
    """Loaded when a test runs, not when it is collected."""
    return pytest.importorskip("torch")


def _computed(torch: ModuleType, *shape: int) -> Any:
    """Values that something made: no leaf."""
    return torch.randn(*shape, requires_grad=True) * 1


def _formula(torch: ModuleType, mean: Any, log_variance: Any) -> Any:
    return -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum(1).mean()


def _library(torch: ModuleType, mean: Any, raw: Any) -> Any:
    own = torch.distributions.Normal(mean, torch.nn.functional.softplus(raw))
    return torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0)).sum() / len(mean)


def _log_deviation(torch: ModuleType, mean: Any, log_std: Any) -> Any:
    return (0.5 * (mean**2 + torch.exp(2 * log_std) - 1) - log_std).sum() / len(mean)


@pytest.mark.parametrize("written", [_formula, _library, _log_deviation])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_divergence_is_found_with_its_sign(torch: ModuleType, written: Written, sign: int) -> None:
    from torchward.runtime import terms

    error = torch.nn.functional.mse_loss(_computed(torch, 6, 20), torch.zeros(6, 20))
    loss = error + sign * written(torch, _computed(torch, 6, 3), _computed(torch, 6, 3))
    found = terms.divergence(loss.grad_fn)
    assert found is not None
    assert found.factor == pytest.approx(sign * 0.5 / 6)
    assert found.judged == pytest.approx(1 / 120)


def test_an_uncertainty_that_weighs_an_error_is_no_divergence(torch: ModuleType) -> None:
    from torchward.runtime import terms

    log_variance, error = _computed(torch, 6), (_computed(torch, 6) - 1).square()
    assert terms.divergence((error * torch.exp(-log_variance) + log_variance).mean().grad_fn) is None


def test_a_number_that_is_added_is_told_from_an_empty_start(torch: ModuleType) -> None:
    from torchward.runtime import terms

    penalty = 0.1 * _computed(torch, 5).square().sum()
    for loss, rest in ((penalty + 2.5, 2.5), (0 + penalty, 0.0)):
        assert terms.adds_number(loss.grad_fn)
        assert terms.constant_in(loss.grad_fn, loss.item(), {}) == pytest.approx(rest, abs=1e-5)
    assert not terms.adds_number(penalty.grad_fn)


@pytest.mark.parametrize("create", [True, False])
def test_a_derivative_without_a_graph_is_lost(torch: ModuleType, create: bool) -> None:
    from torchward.runtime import graph, terms

    model = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    place = torch.rand(16, 1, requires_grad=True)
    value = model(place)
    total = value.sum()
    result = torch.autograd.grad(total, place, retain_graph=True, create_graph=create)
    taken = terms.derivative(total, place, result)
    if create:
        assert taken is None
        return
    assert taken is not None
    assert terms.is_lost(taken, graph.walk((result[0] + 2 * value).square().mean().grad_fn), adds=False)
    assert not terms.is_lost(taken, graph.walk(model(torch.rand(16, 1)).square().mean().grad_fn), adds=False)


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        ((16, 3, 12, 12), (16, 9, 48), True),
        ((16, 3, 12, 12), (16, 144, 3), True),
        ((16, 64, 4, 4), (16, 16, 64), True),
        ((16, 4, 10, 8), (16, 10, 4, 8), True),
        ((10, 16, 8), (16, 80), True),
        ((16, 3, 12, 12), (16, 3, 144), False),
        ((16, 12, 12, 3), (16, 3, 4, 3, 4, 3), False),
        ((16, 10, 64), (16, 10, 4, 16), False),
        ((16, 10, 64), (16, 5, 128), False),
        ((16, 10, 8), (160, 8), False),
        ((1, 16, 8), (16, 8), False),
        ((16, 4, 4, 2, 2), (16, 16, 4), False),  # patches: a grid joined, and what is in each
    ],
)
def test_reshapes_that_cut_across_axes(
    torch: ModuleType, before: tuple[int, ...], after: tuple[int, ...], wrong: bool
) -> None:
    from torchward.runtime.reshapes import scrambles

    assert torch.zeros(before).reshape(after).shape == after
    assert scrambles(before, after, 16) is wrong


def _sum_of_squares(_: ModuleType, weights: list[Any]) -> Any:
    return 0.25 * sum(weight.pow(2).sum() for weight in weights)


def _side_by_side(torch: ModuleType, weights: list[Any]) -> Any:
    return 0.25 * torch.cat([weight.view(-1) for weight in weights]).square().sum()


def _norms_squared(torch: ModuleType, weights: list[Any]) -> Any:
    return sum(torch.norm(weight) ** 2 for weight in weights) / 4


def _products(_: ModuleType, weights: list[Any]) -> Any:
    return sum((weight * weight).sum() for weight in weights) * 0.25


@pytest.mark.parametrize("written", [_sum_of_squares, _side_by_side, _norms_squared, _products])
def test_a_penalty_on_weights_is_found_with_its_factor(torch: ModuleType, written: Any) -> None:
    from torchward.runtime import graph, terms

    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 3))
    weights = [layer.weight for layer in model]
    loss = torch.nn.functional.mse_loss(model(torch.randn(7, 5)), torch.zeros(7, 3))
    found, alone = terms.penalties(graph.walk((loss + written(torch, weights)).grad_fn))
    assert not alone
    assert {id(leaf) for one in found for leaf in one.leaves} == set(map(id, weights))
    assert {(one.kind, round(one.factor, 6)) for one in found} == {("squares", 0.25)}
    assert terms.penalties(graph.walk((loss.detach() + written(torch, weights)).grad_fn))[1]
    assert terms.penalties(graph.walk(loss.grad_fn)) == ([], False)


def test_what_uses_the_size_of_a_weight_is_no_penalty(torch: ModuleType) -> None:
    from torchward.runtime import graph, terms

    weight, bias = torch.randn(3, 5, requires_grad=True), torch.randn(3, requires_grad=True)
    scaled = torch.randn(7, 5) @ (weight / weight.norm()).T + bias.pow(2)
    assert terms.penalties(graph.walk((scaled - 1).square().mean().grad_fn)) == ([], False)
