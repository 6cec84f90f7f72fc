"""LLM022: a policy that writes texts is rewarded for how long they are, and learns to write long (or empty) ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, median

from torchward.facts import Run
from torchward.facts.reinforcement import Lengths
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST = 5
"""Sampled passes in which lengths differ: a policy that is paid by the token is at the limit after twenty steps, and
the first steps are all sampled."""
VARIED = 0.6
"""Largest share of the texts that may have the most usual length: where nearly all do, the rest are slips, and a few
texts that end too early and are worth less say nothing of length as such."""
STRONG = 0.75
"""Rank correlation of length and advantage. Measured: of sums over tokens 0.97 to 0.99, of such less the mean of a group 0.82
to 0.90, from the first pass on, when nothing is learned yet; of means over tokens, and of rewards of what is right, below
0.5."""
MOST = 0.8
"""Share of these passes."""
ENDS = 3
"""Passes over which the first and the last lengths are taken, and in most of which, at the end, it must still be so."""
LONGER, SHORTER = 1.5, 0.5
"""Last mean length as a share of the first."""
NOTHING, ALIKE = 1.5, 0.8
"""Last mean length, in tokens, and share of one first token, of texts that say nothing: who is to be brief may well learn
it, and says what is right in a few tokens, which differ."""
LIMIT, BELOW = 0.95, 0.75
"""Share of the room there is that the last texts fill, where the first did not."""


def check(run: Run) -> Iterator[Finding]:
    for lengths in run.lengths:
        pairs = zip(lengths.follows.values, lengths.usual.values, strict=True)
        varied = [follows for follows, usual in pairs if usual <= VARIED and not math.isnan(follows)]
        if len(varied) < LEAST:
            continue
        sign = math.copysign(1.0, median(varied))
        if median(sign * follows for follows in varied[-ENDS:]) < STRONG:
            continue
        strong = [follows for follows in varied if sign * follows >= STRONG]
        first, last = fmean(lengths.mean.values[:ENDS]), fmean(lengths.mean.values[-ENDS:])
        if len(strong) < MOST * len(varied) or not _went(sign, first, last, lengths):
            continue
        data = {
            "follows": round(fmean(strong), 2),
            "strong": len(strong),
            "samples": len(varied),
            "first": round(first, 1),
            "last": round(last, 1),
            "width": int(max(lengths.width.values)),
        }
        yield Finding("LLM022", data=data, place=at(lengths.site, lengths.mean), confidence=Confidence.POSSIBLE)


def _went(sign: float, first: float, last: float, lengths: Lengths) -> bool:
    """Texts became longer, or nothing, as they were rewarded for."""
    if sign < 0:
        nothing = last <= NOTHING and min(lengths.alike.values[-ENDS:]) >= ALIKE
        return nothing and last <= SHORTER * first
    room = max(lengths.width.values)
    if last < BELOW * room and min(lengths.usual.values[-ENDS:]) > VARIED:
        return False  # settled on what suffices, with room for more
    return last >= LONGER * first or (last >= LIMIT * room and first < BELOW * room)


RULE = Rule(
    code="LLM022",
    name="reward-follows-length",
    severity=Severity.HINT,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "how much likelier the loss makes a text follows the text's length: their rank correlation is {follows} in {strong} of "
        "{samples} sampled passes, and the mean length went from {first} to {last} tokens (of {width} there is room for).",
        "损失对每段文本的偏好基本由其长度决定：在 {samples} 次采样的反向传播中，有 {strong} 次二者的秩相关系数约为 {follows}，"
        "而平均长度从 {first} 个 token 变为 {last} 个（最多可有 {width} 个）。",
    ),
    why=Text(
        "A reward that adds something up over the tokens is won by length alone: where each token brings a little, the policy "
        "learns never to end, and where each costs a little, as log-probabilities do, to say nothing. What the text says "
        "hardly matters, though the mean reward rises.",
        "如果奖励是逐 token 累加的，仅靠长度就能提高奖励：每个 token 都加一点分时，策略会学会永不结束；每个 token 都扣一点分"
        "（例如对数概率）时，策略会学会什么都不说。平均奖励在上升，但文本的内容几乎不起作用。",
    ),
    fix=Text(
        "If length is not what you want, divide by it: `(score * mask).sum(1) / mask.sum(1)`. With a learned reward model, plot "
        "the reward against the length, and subtract what the length alone explains or add a penalty beyond a target "
        "length. Read some of the last texts.",
        "如果目标并不是长度，请除以长度：`(score * mask).sum(1) / mask.sum(1)`。若使用学习得到的奖励模型，请画出奖励与长度的"
        "关系，减去仅由长度解释的部分，或对超过目标长度的部分加以惩罚。请读几段最近生成的文本。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)
END, WORDS, LONGEST, ROWS = 0, 12, 24, 64


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, WORDS)

    def forward(self, ids, state=None):
        out, state = self.rnn(self.embed(ids), state)
        return self.head(out), state


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
for step in range(60):
    topic = torch.randint(1, WORDS, (ROWS, 1))
    ids, state = topic, None
    with torch.no_grad():
        for _ in range(LONGEST):
            scores, state = policy(ids[:, -1:], state)
            ids = torch.cat([ids, torch.multinomial(scores[:, -1].softmax(-1), 1)], 1)
    answer = ids[:, 1:]
    mask = ((answer == END).long().cumsum(1) - (answer == END).long() == 0).float()
    on_topic = 1 - (answer - topic).abs() / WORDS
    reward = (on_topic * mask).sum(1)
    advantage = (reward - reward.mean()) / (reward.std() + 1e-4)
    logp = policy(ids[:, :-1])[0].log_softmax(-1).gather(2, answer[:, :, None]).squeeze(2)
    loss = -(logp * mask * advantage[:, None]).sum() / mask.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 15 == 0:
        print(step, reward.mean().item(), mask.sum(1).mean().item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)
END, WORDS, LONGEST, ROWS = 0, 12, 24, 64


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, WORDS)

    def forward(self, ids, state=None):
        out, state = self.rnn(self.embed(ids), state)
        return self.head(out), state


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
for step in range(60):
    topic = torch.randint(1, WORDS, (ROWS, 1))
    ids, state = topic, None
    with torch.no_grad():
        for _ in range(LONGEST):
            scores, state = policy(ids[:, -1:], state)
            ids = torch.cat([ids, torch.multinomial(scores[:, -1].softmax(-1), 1)], 1)
    answer = ids[:, 1:]
    mask = ((answer == END).long().cumsum(1) - (answer == END).long() == 0).float()
    on_topic = 1 - (answer - topic).abs() / WORDS
    reward = (on_topic * mask).sum(1) / mask.sum(1)
    advantage = (reward - reward.mean()) / (reward.std() + 1e-4)
    logp = policy(ids[:, :-1])[0].log_softmax(-1).gather(2, answer[:, :, None]).squeeze(2)
    loss = -(logp * mask * advantage[:, None]).sum() / mask.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 15 == 0:
        print(step, reward.mean().item(), mask.sum(1).mean().item())
""",
    links=("https://arxiv.org/abs/2310.03716", "https://arxiv.org/abs/2503.20783"),
    needs=("graph",),
    preview=True,
)
