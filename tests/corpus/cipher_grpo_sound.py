# expects: nothing
# Group-relative policy optimisation of a small sequence policy: rewrite a code under a named rule.
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

ap = argparse.ArgumentParser()
ap.add_argument("--updates", type=int, default=180)
ap.add_argument("--prompts", type=int, default=24)
ap.add_argument("--group", type=int, default=16)
ap.add_argument("--lr", type=float, default=6e-4)
ap.add_argument("--clip", type=float, default=0.2)
ap.add_argument("--epochs", type=int, default=2)
ap.add_argument("--seed", type=int, default=4)
args = ap.parse_args()

V, LEN = 8, 5
RULES = 4
SHIFT = torch.tensor([1, 3, 5, 6])
# the scorer grades each rule on its own scale
SCALE = torch.tensor([1.0, 0.5, 2.0, 1.0])
BASE = torch.tensor([0.0, 2.5, -3.0, 1.0])


def draw_prompts(pool, n, gen):
    return pool[torch.randint(len(pool), (n,), generator=gen)]


def target_of(prompt):
    rule, code = prompt[:, 0], prompt[:, 1:]
    return (code + SHIFT[rule].unsqueeze(1)) % V


def score(prompt, reply):
    rule = prompt[:, 0]
    frac = (reply == target_of(prompt)).float().mean(1)
    return BASE[rule] + SCALE[rule] * frac


class Policy(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.rule = nn.Embedding(RULES, d)
        self.tok = nn.Embedding(V, d)
        self.prev = nn.Embedding(V + 1, d)
        self.cell = nn.GRUCell(3 * d, d)
        self.head = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, V))
        self.mix = nn.Linear(2 * d, d)

    def step(self, prompt, t, prev, h):
        r, c = self.rule(prompt[:, 0]), self.tok(prompt[:, 1 + t])
        h = self.cell(torch.cat([r, c, self.prev(prev)], 1), h)
        local = torch.tanh(self.mix(torch.cat([r, c], 1)))
        return self.head(torch.cat([h, local], 1)), h

    def log_probs(self, prompt, reply):
        h = torch.zeros(len(prompt), self.cell.hidden_size)
        prev = torch.full((len(prompt),), V)
        out = []
        for t in range(LEN):
            logits, h = self.step(prompt, t, prev, h)
            out.append(F.log_softmax(logits, -1).gather(1, reply[:, t:t + 1]))
            prev = reply[:, t]
        return torch.cat(out, 1)

    @torch.no_grad()
    def generate(self, prompt, greedy=False):
        h = torch.zeros(len(prompt), self.cell.hidden_size)
        prev = torch.full((len(prompt),), V)
        out = []
        for t in range(LEN):
            logits, h = self.step(prompt, t, prev, h)
            prev = logits.argmax(-1) if greedy else torch.multinomial(logits.softmax(-1), 1).squeeze(1)
            out.append(prev)
        return torch.stack(out, 1)


def advantages(rewards):
    """rewards: (prompts, group)"""
    mean = rewards.mean(dim=1, keepdim=True)
    std = rewards.std(dim=1, keepdim=True)
    return (rewards - mean) / (std + 1e-4)


torch.manual_seed(args.seed)
gen = torch.Generator().manual_seed(args.seed + 1)
grid = torch.cartesian_prod(torch.arange(RULES), *[torch.arange(V)] * LEN)
grid = grid[torch.randperm(len(grid), generator=gen)]
held, pool = grid[:2000], grid[2000:]

policy = Policy()
opt = torch.optim.Adam(policy.parameters(), lr=args.lr)


def evaluate():
    return (policy.generate(held, greedy=True) == target_of(held)).float().mean().item()


for update in range(1, args.updates + 1):
    prompt = draw_prompts(pool, args.prompts, gen)
    flat = prompt.repeat_interleave(args.group, 0)
    reply = policy.generate(flat)
    rewards = score(flat, reply).view(args.prompts, args.group)
    adv = advantages(rewards).reshape(-1, 1)
    with torch.no_grad():
        old = policy.log_probs(flat, reply)
    for _ in range(args.epochs):
        new = policy.log_probs(flat, reply)
        ratio = (new - old).exp()
        surrogate = torch.min(ratio * adv, ratio.clamp(1 - args.clip, 1 + args.clip) * adv)
        loss = -surrogate.mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()
    if update % 20 == 0:
        entropy = -old.mean().item()
        print(f"update {update:4d}  reward {rewards.mean():.3f}  loss {loss.item():+.4f}  "
              f"neg-logp {entropy:.3f}  held-out token acc {evaluate():.3f}")

print(f"final held-out token accuracy: {evaluate():.4f}")
