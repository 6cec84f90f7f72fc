"""LLM011: every answer of a group gets the same reward, so all advantages are 0 and nothing is learned from them."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 8
ZERO = 1e-5
"""Equal rewards less their mean: 0, or a rounding of it. Advantages are of the size of the rewards, or about 1."""
NEARLY = 1e-3
"""Where they are divided by their deviation plus a small number, such as 1e-4, the rounding grows to that."""
SHARE = 0.9
"""Of the sampled steps: where rewards are rare, some groups get none, and a solved task ends without differences."""


def check(run: Run) -> Iterator[Finding]:
    for advantages in run.advantages:
        seen = advantages.largest
        zero, nearly = (sum(value < limit for value in seen.values) for limit in (ZERO, NEARLY))
        if len(seen) < LEAST_SAMPLES or nearly < SHARE * len(seen):
            continue
        sure = zero >= SHARE * len(seen)
        yield Finding(
            "LLM011",
            data={"zero": nearly, "samples": len(seen), "count": advantages.count},
            place=at(advantages.site, seen),
            confidence=Confidence.LIKELY if sure else Confidence.POSSIBLE,
            severity=None if sure else Severity.HINT,
        )


RULE = Rule(
    code="LLM011",
    name="advantages-zero",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the advantages that weigh the log-probabilities of the answers are 0 but for rounding, all {count} of them, in {zero} of "
        "{samples} sampled steps.",
        "在 {samples} 次采样的步骤中，有 {zero} 次用来加权回答对数概率的优势值（共 {count} 个）除舍入误差外全部为 0。",
    ),
    why=Text(
        "An advantage is a reward less the mean of its group. Where all answers of a group get the same reward (none is "
        "right, all are, or the reward function never finds the answer in the text) it is 0, and so is the gradient; what "
        "is left of the loss, a penalty for leaving the reference model, teaches nothing of the task.",
        "优势值是奖励减去同组的平均奖励。同组回答的奖励都相同时（全错、全对，或奖励函数根本没能从文本中取出答案），"
        "优势值为 0，梯度也为 0；损失中剩下的对参考模型的 KL 惩罚与任务无关。",
    ),
    fix=Text(
        "Print a few answers with their rewards, and check the reward function on an answer that is right. If it is sound: "
        "draw more answers per question or at a higher temperature, begin with easier questions (or with supervised "
        "training), or give part of the reward for partial success.",
        "打印几个回答及其奖励，并用一个正确答案检查奖励函数。若奖励函数无误：每题多采样一些回答或提高温度，"
        "先用较简单的题目（或先做监督训练），或为部分正确给出部分奖励。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP = "0123456789;", 5, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(SIGNS), 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, len(SIGNS))

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def reward(asked, answer):
    return float(f"<answer>{asked}</answer>" in answer)


policy, reference = Policy(), Policy()
reference.load_state_dict(policy.state_dict())
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for step in range(80):
    asked = torch.randint(0, 10, (8, 1)).repeat_interleave(GROUP, 0)
    ids = asked
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
        answers = ["".join(SIGNS[i] for i in row) for row in ids[:, 1:]]
        rewards = torch.tensor([reward(SIGNS[a], answer) for a, answer in zip(asked[:, 0], answers)]).view(-1, GROUP)
        advantages = (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)
        kept = reference(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    logp = policy(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    kl = (kept - logp).exp() - (kept - logp) - 1
    loss = (0.04 * kl - (logp - logp.detach()).exp() * advantages.view(-1, 1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, rewards.mean().item(), loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
SIGNS, LENGTH, GROUP = "0123456789;", 5, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(SIGNS), 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, len(SIGNS))

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def reward(asked, answer):
    return float(asked in answer)


policy, reference = Policy(), Policy()
reference.load_state_dict(policy.state_dict())
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-3)
for step in range(80):
    asked = torch.randint(0, 10, (8, 1)).repeat_interleave(GROUP, 0)
    ids = asked
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
        answers = ["".join(SIGNS[i] for i in row) for row in ids[:, 1:]]
        rewards = torch.tensor([reward(SIGNS[a], answer) for a, answer in zip(asked[:, 0], answers)]).view(-1, GROUP)
        advantages = (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)
        kept = reference(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    logp = policy(ids[:, :-1]).log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    kl = (kept - logp).exp() - (kept - logp) - 1
    loss = (0.04 * kl - (logp - logp.detach()).exp() * advantages.view(-1, 1)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, rewards.mean().item(), loss.item())
""",
    links=("https://arxiv.org/abs/2402.03300", "https://huggingface.co/docs/trl/main/en/grpo_trainer"),
    explains=("LLM013", "MOD011", "MOD005", "TRN001", "TRN010", "OPT008"),
    needs=("graph",),
    preview=True,
)
