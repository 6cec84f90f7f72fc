"""RL013: the entropy of the policy is added to the loss, which makes it smaller, instead of subtracted."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 10


def check(run: Run) -> Iterator[Finding]:
    if run.learners:
        return  # what a library logs of itself says more: RL002
    for entropy in run.entropies:
        if len(entropy.factor) < LEAST_SAMPLES or min(entropy.factor.values) <= 0:
            continue
        yield Finding(
            "RL013",
            data={
                "samples": len(entropy.factor),
                "first": entropy.nats.values[0],
                "last": entropy.nats.values[-1],
                "step": entropy.nats.steps[-1],
            },
            place=at(entropy.site, entropy.factor),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL013",
    name="entropy-penalised",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the entropy of the policy enters the loss with a positive factor in all {samples} samples, so the loss falls when "
        "the policy tries less: it has gone from {first} to {last} nats at step {step}.",
        "在全部 {samples} 次采样中，策略的熵都以正系数进入损失，因此策略探索得越少损失越小：到第 {step} 步，它从 {first} 变为 {last} nats。",
    ),
    why=Text(
        "The bonus for entropy is there to keep the policy trying. With its sign the wrong way round the policy settles on "
        "one action soon, whether that is a good one or not, and then sees no other rewards to learn from.",
        "熵奖励的作用是让策略保持探索。符号反了之后，无论好坏，策略很快就固定在一个动作上，此后再也看不到其他奖励可学。",
    ),
    fix=Text(
        "Subtract it: `loss = policy_loss + value_coef * value_loss - entropy_coef * entropy`, with `entropy = "
        "-(p * log_p).sum(-1).mean()`.",
        "应减去它：`loss = policy_loss + value_coef * value_loss - entropy_coef * entropy`，其中 `entropy = "
        "-(p * log_p).sum(-1).mean()`。",
    ),
    bad="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
for step in range(300):
    seen = torch.randn(64, 4)
    logp = F.log_softmax(policy(seen), dim=1)
    action = torch.multinomial(logp.detach().exp(), 1)
    reward = (action == seen.argmax(1, keepdim=True)).float().squeeze(1)
    chosen = logp.gather(1, action).squeeze(1)
    entropy = -(logp.exp() * logp).sum(1).mean()
    loss = -(chosen * (reward - reward.mean())).mean() + 0.05 * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(reward.mean().item())
""",
    good="""\
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
for step in range(300):
    seen = torch.randn(64, 4)
    logp = F.log_softmax(policy(seen), dim=1)
    action = torch.multinomial(logp.detach().exp(), 1)
    reward = (action == seen.argmax(1, keepdim=True)).float().squeeze(1)
    chosen = logp.gather(1, action).squeeze(1)
    entropy = -(logp.exp() * logp).sum(1).mean()
    loss = -(chosen * (reward - reward.mean())).mean() - 0.05 * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(reward.mean().item())
""",
    links=("https://arxiv.org/abs/1602.01783",),
    explains=("RL002",),
    needs=("loss",),
)
