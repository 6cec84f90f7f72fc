"""LLM017: a policy is paid for leaving its reference instead of for staying near it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 8


def check(run: Run) -> Iterator[Finding]:
    for reference in run.references:
        if len(reference.sign) < LEAST_SAMPLES or max(reference.sign.values) >= 0:
            continue
        yield Finding(
            "LLM017",
            data={
                "samples": len(reference.sign),
                "first": reference.apart.values[0],
                "last": reference.apart.values[-1],
                "step": reference.apart.steps[-1],
            },
            place=at(reference.site, reference.sign),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM017",
    name="leaving-reference-rewarded",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the divergence from the reference policy enters the loss with a negative sign in all {samples} samples, so the loss "
        "falls when the policy moves away: their log-probabilities differ by {last} on average at step {step} ({first} at first).",
        "在全部 {samples} 次采样中，与参考策略的散度都以负号进入损失，因此策略离得越远损失越小："
        "到第 {step} 步，两者对数概率平均相差 {last}（最初为 {first}）。",
    ),
    why=Text(
        "The term is there to keep the policy near the model that it began as. With its sign the wrong way round training can "
        "make the loss as small as it likes by giving up what the reference knows, whatever the rewards are.",
        "这一项本应让策略留在初始模型附近。符号反了之后，无论奖励如何，训练只要丢掉参考模型已有的能力，就能让损失任意变小。",
    ),
    fix=Text(
        "Add the divergence to the loss, or subtract it inside what is negated: `loss = -(ratio * advantage - beta * "
        "kl).mean()`, with `kl = (ref_logp - logp).exp() - (ref_logp - logp) - 1`, which is never negative.",
        "应把散度加到损失上，或在取负号的括号内减去它：`loss = -(ratio * advantage - beta * kl).mean()`，"
        "其中 `kl = (ref_logp - logp).exp() - (ref_logp - logp) - 1`，它不会为负。",
    ),
    bad="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP = 12, 5, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])

    def log_probs(self, ids):
        return self(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)


policy = Policy()
reference = copy.deepcopy(policy).requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for step in range(80):
    ids = torch.randint(0, SIGNS, (8, 1)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
        rewards = (ids[:, 1:] == ids[:, :1]).float().mean(1).view(-1, GROUP)
        advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        kept = reference.log_probs(ids)
    logp = policy.log_probs(ids)
    kl = (kept - logp).exp() - (kept - logp) - 1
    loss = -((logp - logp.detach()).exp() * advantages + 0.04 * kl).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, rewards.mean().item(), kl.mean().item())
""",
    good="""\
import copy

import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP = 12, 5, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])

    def log_probs(self, ids):
        return self(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)


policy = Policy()
reference = copy.deepcopy(policy).requires_grad_(False)
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for step in range(80):
    ids = torch.randint(0, SIGNS, (8, 1)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
        rewards = (ids[:, 1:] == ids[:, :1]).float().mean(1).view(-1, GROUP)
        advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        kept = reference.log_probs(ids)
    logp = policy.log_probs(ids)
    kl = (kept - logp).exp() - (kept - logp) - 1
    loss = -((logp - logp.detach()).exp() * advantages - 0.04 * kl).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, rewards.mean().item(), kl.mean().item())
""",
    links=("https://arxiv.org/abs/2402.03300", "https://arxiv.org/abs/1909.08593"),
    explains=("TRN*", "RL013", "NUM001", "NUM002"),
    needs=("loss", "graph"),
    preview=True,
)
