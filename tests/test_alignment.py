"""A loss's weights of choices, against what its critic learns: of the same rows, or of others?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.torch
STEPS, COPIES = 12, 8
ROWS = STEPS * COPIES


class Agent:
    """An actor-critic that has seen this many states, and what torchward says of its loss."""

    def __init__(self, stored: bool = True) -> None:
        torch = pytest.importorskip("torch")
        from torchward.runtime.alignment import Alignment

        drawn = torch.Generator().manual_seed(0)
        self.states = torch.randn(ROWS, 3, generator=drawn)
        self.actor, self.critic = torch.nn.Linear(3, 4), torch.nn.Linear(3, 1)
        self.targets = torch.randn(ROWS, generator=drawn)
        self.rows: list[str] = []
        self.stored = stored
        """The graph holds the targets."""
        self.inputs = SimpleNamespace(values=[])
        recorder: Any = SimpleNamespace(
            step=0,
            inputs=self.inputs,
            optimizers=SimpleNamespace(maximising=lambda: False),
            guarded=lambda _part, function: function,
            row=lambda _kind, **values: self.rows.append(values["kind"]),
        )
        self.alignment = Alignment(recorder)

    def said(self, weights: Any, learned: Any, states: Any = None) -> str:
        """`weights` of targets and values, `learned` of targets."""
        import torch

        from torchward.runtime import graph

        values = self.critic(self.states)[:, 0]
        self.inputs.values = [values.detach()]
        logits = self.actor(self.states if states is None else states)
        chance = torch.distributions.Categorical(logits=logits).log_prob(torch.arange(ROWS) % 4)
        error = values - learned(self.targets)
        judged = torch.nn.functional.mse_loss(values, learned(self.targets)) if self.stored else error.pow(2).mean()
        loss = judged - (chance * weights(self.targets, values.detach())).mean()
        walked = graph.walk(loss.grad_fn)
        stream: Any = SimpleNamespace(index=len(self.rows))
        before = len(self.rows)
        self.alignment.look(stream, walked.nodes[0], walked.nodes)
        return self.rows[-1] if len(self.rows) > before else "none"


def turned(one: Any) -> Any:
    return one.reshape(STEPS, COPIES).T.flatten()


def same(one: Any) -> Any:
    return one


ORDERS = [
    ("transposed", turned),
    ("transposed", lambda one: one.reshape(COPIES, STEPS).T.flatten()),
    ("reversed", lambda one: one.flip(0)),
    ("reversed", lambda one: one.reshape(STEPS, COPIES).flip(0).flatten()),
    ("reversed", lambda one: one.reshape(COPIES, STEPS).flip(1).flatten()),
    ("shifted", lambda one: one.roll(1)),
    ("shifted", lambda one: one.roll(-COPIES)),
    ("shifted", lambda one: one.reshape(COPIES, STEPS).roll(1, 1).flatten()),
]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_other_rows_are_named(name: str, order: Any, stored: bool) -> None:
    agent = Agent(stored)
    assert agent.said(lambda targets, values: targets - values, order) == name
    assert agent.said(lambda targets, values: 3 * order(targets - values) + 1, same) == name
    assert agent.said(lambda targets, values: targets - order(values), same) == name


@pytest.mark.parametrize("stored", [True, False])
def test_the_same_rows_are_right(stored: bool) -> None:
    agent = Agent(stored)
    assert agent.said(lambda targets, values: 0.2 * (targets - values) - 1, same) == "right"
    for _, order in ORDERS:
        assert agent.said(lambda targets, values, order=order: order(targets) - values, order) == "right"


def test_a_shuffled_minibatch_and_other_estimates_are_nothing() -> None:
    import torch

    agent = Agent()
    part = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
    assert agent.said(lambda targets, values: (targets - values)[part], same) == ""
    assert agent.said(lambda targets, values: targets + targets.roll(1) - values, same) == ""


def test_a_policy_may_be_asked_in_another_order() -> None:
    agent = Agent()
    states = agent.states.reshape(STEPS, COPIES, 3).transpose(0, 1).reshape(-1, 3)
    assert agent.said(lambda targets, values: turned(targets - values), same, states) == ""
    assert agent.said(lambda targets, values: targets - values, same, states) == "transposed"


def test_what_is_sound_is_not_asked_again() -> None:
    agent = Agent()
    assert agent.said(lambda targets, values: targets - values, same) == "right"
    agent.alignment.settled.add(1)
    assert agent.said(lambda targets, values: turned(targets - values), same) == "none"


def test_few_rows_or_few_different_targets_say_nothing() -> None:
    import torch

    agent = Agent()
    agent.targets = (torch.arange(ROWS) % 3 == 0).float()
    with torch.no_grad():
        agent.critic.weight.zero_()
    assert agent.said(lambda targets, values: targets - values, turned) == "none"
