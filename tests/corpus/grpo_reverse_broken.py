# bug: every answer of a group is drawn with the same seed
# expects: LLM011
"""Critic-free policy gradient (several completions per prompt, advantage relative to the group)
on a toy transduction task: write the prompt's symbols in reverse order."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    seed: int = 21
    vocab: int = 8
    length: int = 3
    hidden: int = 64
    prompts_per_step: int = 32
    group_size: int = 8
    steps: int = 220
    lr: float = 3e-3
    entropy_coef: float = 0.005
    log_every: int = 22


class Policy(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.bos = cfg.vocab
        self.embed = nn.Embedding(cfg.vocab + 1, cfg.hidden)
        self.slot = nn.Embedding(cfg.length, cfg.hidden)
        self.encoder = nn.Linear(cfg.length * cfg.hidden, cfg.hidden)
        self.cell = nn.GRUCell(cfg.hidden, cfg.hidden)
        self.head = nn.Linear(cfg.hidden, cfg.vocab)

    def encode(self, prompt):
        return torch.tanh(self.encoder(self.embed(prompt).flatten(1)))

    def step(self, token, t, h):
        h = self.cell(self.embed(token) + self.slot.weight[t], h)
        return self.head(h), h

    @torch.no_grad()
    def generate(self, prompt, generator=None):
        """Samples with the generator given; without one, the most likely token is taken."""
        h, token, out = self.encode(prompt), torch.full((len(prompt),), self.bos), []
        for t in range(self.cfg.length):
            logits, h = self.step(token, t, h)
            if generator is None:
                token = logits.argmax(-1)
            else:
                token = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(1)
            out.append(token)
        return torch.stack(out, 1)

    def log_probs(self, prompt, completion):
        h, token = self.encode(prompt), torch.full((len(prompt),), self.bos)
        logp, ent = [], []
        for t in range(self.cfg.length):
            logits, h = self.step(token, t, h)
            token = completion[:, t]
            lp = F.log_softmax(logits, -1)
            logp.append(lp.gather(1, token[:, None]).squeeze(1))
            ent.append(-(lp.exp() * lp).sum(-1))
        return torch.stack(logp, 1), torch.stack(ent, 1)


def reward_fn(prompt, completion):
    return (completion == prompt.flip(1)).float().mean(1)


def rollout(policy, prompts, cfg, step):
    """Returns completions (G, B, L) and rewards (G, B); reproducible for a given step."""
    completions = []
    for g in range(cfg.group_size):
        gen = torch.Generator().manual_seed(cfg.seed + step)
        completions.append(policy.generate(prompts, gen))
    completions = torch.stack(completions)
    rewards = torch.stack([reward_fn(prompts, c) for c in completions])
    return completions, rewards


def group_advantage(rewards, eps=1e-4):
    mean = rewards.mean(0, keepdim=True)
    std = rewards.std(0, keepdim=True)
    return (rewards - mean) / (std + eps)


def evaluate(policy, prompts):
    out = policy.generate(prompts)
    target = prompts.flip(1)
    return (out == target).float().mean().item(), (out == target).all(1).float().mean().item()


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    grid = torch.cartesian_prod(*[torch.arange(cfg.vocab)] * cfg.length)
    grid = grid[torch.randperm(len(grid))]
    held_out, pool = grid[:50], grid[50:]

    policy = Policy(cfg)
    opt = torch.optim.Adam(policy.parameters(), lr=cfg.lr)
    run_loss, run_reward = 0.0, 0.0
    for step in range(1, cfg.steps + 1):
        prompts = pool[torch.randint(len(pool), (cfg.prompts_per_step,))]
        completions, rewards = rollout(policy, prompts, cfg, step)
        adv = group_advantage(rewards)

        flat_prompts = prompts.repeat(cfg.group_size, 1)
        logp, ent = policy.log_probs(flat_prompts, completions.flatten(0, 1))
        loss = -(adv.flatten()[:, None] * logp).mean() - cfg.entropy_coef * ent.mean()

        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()

        run_loss += loss.item()
        run_reward += rewards.mean().item()
        if step % cfg.log_every == 0:
            tok, exact = evaluate(policy, held_out)
            print(f"step {step:4d}  loss {run_loss / cfg.log_every:+.4f}  reward {run_reward / cfg.log_every:.3f}  "
                  f"held-out token acc {tok:.3f}  exact {exact:.3f}")
            run_loss = run_reward = 0.0


if __name__ == "__main__":
    main()
