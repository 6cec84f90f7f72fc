"""RL025: each action is credited with other rewards than those that came after it."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Alignment, Returns, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

LEAST_SAMPLES = 4
"""Each is an exact match of 8 rewards and more, or of 32 rows of a minibatch, of which there is none by chance. Only for
constant rewards without a discount are sums from the start and opposite sums the same, and both are wrong."""


def check(run: Run) -> Iterator[Finding]:
    named: set[int] = set()
    seen: tuple[Returns | Alignment, ...] = (*run.returns, *run.alignments)
    for returns in seen:
        wrong = {kind: times for kind, times in returns.kinds.items() if kind not in ("", "right")}
        total = sum(wrong.values())
        if total < LEAST_SAMPLES or returns.kinds.get("right", 0) > 0 or returns.stream in named:
            continue
        named.add(returns.stream)
        kind = max(wrong, key=lambda one: wrong[one])
        yield Finding(
            "RL025",
            data={"kind": kind, "matched": total, "samples": sum(returns.kinds.values())},
            place=at(returns.site),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="RL025",
    name="returns-misplaced",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the loss does not weigh the actions with the discounted sums of the rewards that came after them. In {matched} of "
        "{samples} samples its weights are exactly `{kind}` (`negative`: these sums with the wrong sign; `forward`: sums of "
        "the rewards up to each action; `reversed`: these sums in the wrong order; `across`: sums that go on past the end of an "
        "episode; `transposed`: those of other copies of the environment, as if steps and copies had been taken for one another; "
        "`shifted`: those of the step before or after; `ends`: sums that break off at other steps than the last one of an "
        "episode, as with the flag of the step before, of the step after, or of the last step of a rollout for all). Beside a critic, these are its advantages, or what it learns: where rewards "
        "are not known, advantages are compared with targets less values of the same rows.",
        "损失没有用每个动作之后奖励的折扣和来加权动作。在 {samples} 次采样中有 {matched} 次，其权重恰好是 `{kind}`"
        "（`negative`：折扣和的符号相反；`forward`：截至每个动作为止的奖励之和；`reversed`：折扣和的次序颠倒；"
        "`across`：越过回合结尾继续累加；`transposed`：取到了其他环境副本的值，仿佛步与副本两个轴被互换；"
        "`shifted`：取到了前一步或后一步的值；`ends`：在并非回合最后一步的地方中断累加，例如用了前一步、后一步的结束标志，"
        "或者整个轨迹都用最后一步的标志）。若有评论家（critic），则指其优势，或它所学的目标；"
        "奖励未知时，用同一行的目标减去估值来核对优势。",
    ),
    why=Text(
        "An action can change only what comes after it. Credited with anything else, the policy learns to do what happened to be "
        "done late, or early, or what ends badly.",
        "动作只能影响它之后的结果。若按其他奖励来评价，策略学到的只是偶然做得较晚或较早的动作，或是结果不好的动作。",
    ),
    fix=Text(
        "Add up from the end, put each sum in front, and begin anew at the end of an episode: `for reward, over in "
        "zip(reversed(rewards), reversed(ends)): total = reward + gamma * total * (1 - over); returns.insert(0, total)`; the loss "
        "is `-(log_prob * returns).sum()`. The flag that belongs to a step is the one that this step returned: where `dones[t]` "
        "holds the flag from before step t, that is `dones[t + 1]`. Where rows are flattened and shuffled, give states, actions and advantages the same "
        "layout first, such as (steps, copies).",
        "从末尾向前累加，把每个和插到最前面，并在回合结束处清零：`for reward, over in zip(reversed(rewards), reversed(ends)): "
        "total = reward + gamma * total * (1 - over); returns.insert(0, total)`；损失为 `-(log_prob * returns).sum()`。"
        "每一步对应的是这一步返回的结束标志：若 `dones[t]` 存的是第 t 步之前的标志，则应取 `dones[t + 1]`。"
        "若要展平并打乱各行，先让状态、动作和优势采用相同的布局，例如（步数, 副本数）。",
    ),
    bad="""\
import gymnasium as gym
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for episode in range(60):
    state, _ = env.reset(seed=episode)
    log_probs, rewards, done = [], [], False
    while not done:
        choice = Categorical(logits=policy(torch.from_numpy(state)))
        action = choice.sample()
        log_probs.append(choice.log_prob(action))
        state, reward, terminated, truncated, _ = env.step(action.item())
        rewards.append(reward)
        done = terminated or truncated
    returns, total = [], 0.0
    for reward in rewards:
        total = reward + 0.99 * total
        returns.append(total)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(episode, len(rewards))
""",
    good="""\
import gymnasium as gym
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
env = gym.make("CartPole-v1", max_episode_steps=200)
policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for episode in range(60):
    state, _ = env.reset(seed=episode)
    log_probs, rewards, done = [], [], False
    while not done:
        choice = Categorical(logits=policy(torch.from_numpy(state)))
        action = choice.sample()
        log_probs.append(choice.log_prob(action))
        state, reward, terminated, truncated, _ = env.step(action.item())
        rewards.append(reward)
        done = terminated or truncated
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        returns.insert(0, total)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 10 == 0:
        print(episode, len(rewards))
""",
    links=("https://spinningup.openai.com/en/latest/spinningup/rl_intro3.html",),
    explains=("TRN*", "RL002"),
    needs=("loss", "graph"),
    preview=True,
)
