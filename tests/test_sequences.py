"""What is read off sequences and pairs without a model: shifts, padding, the axis of a softmax, related targets."""

from __future__ import annotations

from types import ModuleType

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture(name="torch")
def _torch() -> ModuleType:
    """Loaded when a test runs, not when it is collected."""
    return pytest.importorskip("torch")


def test_padding_is_what_fills_rows_up_and_is_found_nowhere_else(torch: ModuleType) -> None:
    from torchward.runtime.padding import padding_of

    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 30, (8, 12), generator=generator)
    assert padding_of(ids) is None
    for row, length in enumerate((3, 5, 7, 8, 9, 10, 11, 12)):
        ids[row, length:] = 0
    assert padding_of(ids) == 0
    ids[7, 2] = 0
    assert padding_of(ids) is None


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_the_shift_of_targets(torch: ModuleType, shift: int) -> None:
    from torchward.runtime.sequences import Tokens

    text = torch.randint(0, 40, (6, 20), generator=torch.Generator().manual_seed(1))
    ids, target = text[:, :16], text[:, shift : shift + 16]
    for given in (target, target.reshape(-1)):
        tokens = Tokens((ids,), {"labels": text})
        tokens.saw_loss("cross_entropy", torch.zeros(96, 40), given, {}, True)
        tokens.settle()
        assert (tokens.shift, tokens.batch_first) == (shift, True)
    turned = Tokens((ids.t(),), {})
    turned.saw_loss("cross_entropy", torch.zeros(96, 40), target.t().reshape(-1), {}, True)
    turned.settle()
    # Targets that are the input fit along either axis.
    assert (turned.shift, turned.batch_first) == (shift, shift == 0)


@pytest.mark.parametrize(("axis", "wrong"), [(-1, False), (-2, True), (1, True)])
def test_a_softmax_over_another_axis_than_the_one_summed(torch: ModuleType, axis: int, wrong: bool) -> None:
    from torchward.runtime import graph, softmaxes

    scores, values = torch.randn(2, 3, 4, 5, requires_grad=True), torch.randn(2, 3, 5, 6)
    weights = torch.nn.functional.dropout(scores.softmax(axis), 0.5)
    for mixed in (
        weights @ values,
        torch.einsum("bhij,bhjd->bhid", weights, values),
        (values.transpose(2, 3) @ weights.transpose(2, 3)),
    ):
        found = softmaxes.misplaced_softmax(graph.walk(mixed.sum().grad_fn), lambda leaf: None)
        assert (found is not None) is wrong
    renewed = scores.softmax(axis)
    renewed = renewed / renewed.sum(-1, keepdim=True)
    assert softmaxes.misplaced_softmax(graph.walk((renewed @ values).sum().grad_fn), lambda leaf: None) is None


@pytest.mark.parametrize("related", [True, False])
def test_pairs_tell_related_targets_from_shuffled_ones(torch: ModuleType, related: bool) -> None:
    from torchward.runtime.models import Root
    from torchward.runtime.pairs import Pairs

    torch.manual_seed(2)
    inputs = torch.randn(400, 8)
    targets = (inputs[:, 0] * inputs[:, 1] > 0).long()
    if not related:
        targets = targets.roll(7)
    pairs, root = Pairs(), Root(0, torch.nn.Linear(8, 2))
    for rows in torch.arange(400).split(20):
        scores = torch.zeros(20, 2)
        pairs.saw_call(root, (inputs[rows],), {}, scores)
        pairs.saw_loss("cross_entropy", scores, targets[rows])
    ((_, found),) = pairs.judged()
    assert (found["explained"] > found["shuffled"] + 4 * found["shuffled_deviation"]) is related
    assert pairs.judged() == []
