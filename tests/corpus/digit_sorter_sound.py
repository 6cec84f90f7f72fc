# expects: nothing
"""GRPO on a tiny GPT-2: after a short supervised warm-up the policy learns to write sorted digit strings."""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel

PAD, SEP = 10, 11
N_IN = 4


@dataclass
class Settings:
    warmup_steps: int = 50
    grpo_steps: int = 140
    prompts_per_step: int = 12
    group: int = 8
    inner: int = 2
    clip: float = 0.2
    lr_sft: float = 1e-3
    lr_rl: float = 5e-4
    seed: int = 9


def draw_prompts(n, gen, held_out=False):
    """Prompts whose digit sum is a multiple of ten are kept for the evaluation."""
    first = torch.randint(0, 10, (n, N_IN - 1), generator=gen)
    total = torch.zeros(n, dtype=torch.long) if held_out else torch.randint(1, 10, (n,), generator=gen)
    last = (total - first.sum(1)) % 10
    return torch.cat([first, last.unsqueeze(1), torch.full((n, 1), SEP)], dim=1)


def reward(prompts, completions):
    """Share of positions that match the ascending order of the prompt digits."""
    target = prompts[:, :N_IN].sort(dim=1).values
    return (completions == target).float().mean(dim=1)


def completion_log_probs(model, sequences):
    logits = model(sequences[:, :-1]).logits[:, N_IN:]
    logp = F.log_softmax(logits, dim=-1)
    return logp.gather(-1, sequences[:, N_IN + 1:].unsqueeze(-1)).squeeze(-1)


@torch.no_grad()
def rollout(model, prompts, group):
    model.eval()
    prompts = prompts.repeat_interleave(group, dim=0)
    out = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        max_new_tokens=N_IN,
        min_new_tokens=N_IN,
        do_sample=True,
        top_k=0,
        pad_token_id=PAD,
    )
    return prompts, out


@torch.no_grad()
def evaluate(model, prompts):
    model.eval()
    out = model.generate(prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=N_IN,
                         min_new_tokens=N_IN, do_sample=False, pad_token_id=PAD)
    completions = out[:, N_IN + 1:]
    exact = (reward(prompts, completions) == 1.0).float().mean().item()
    return reward(prompts, completions).mean().item(), exact


def supervised_warmup(model, cfg, gen):
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr_sft)
    model.train()
    for step in range(cfg.warmup_steps):
        prompts = draw_prompts(32, gen)
        sequences = torch.cat([prompts, prompts[:, :N_IN].sort(dim=1).values], dim=1)
        loss = -completion_log_probs(model, sequences).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"warm-up done, loss {loss.item():.3f}")


def grpo(model, cfg, gen):
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr_rl, weight_decay=0.0)
    for step in range(1, cfg.grpo_steps + 1):
        prompts, sequences = rollout(model, draw_prompts(cfg.prompts_per_step, gen), cfg.group)
        rewards = reward(prompts, sequences[:, N_IN + 1:]).view(-1, cfg.group)
        advantages = (rewards - rewards.mean(dim=1, keepdim=True)) / (rewards.std(dim=1, keepdim=True) + 1e-4)
        advantages = advantages.view(-1, 1)
        with torch.no_grad():
            old = completion_log_probs(model, sequences)
        for _ in range(cfg.inner):
            new = completion_log_probs(model, sequences)
            ratio = (new - old).exp()
            clipped = ratio.clamp(1 - cfg.clip, 1 + cfg.clip)
            loss = -torch.min(ratio * advantages, clipped * advantages).mean()
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
        if step % 20 == 0:
            print(f"grpo step {step:4d}  mean reward {rewards.mean():.3f}  loss {loss.item():+.4f}")


def main():
    cfg = Settings()
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=12, n_positions=2 * N_IN + 2, n_embd=64, n_layer=2, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=SEP, eos_token_id=PAD,
    ))
    held_out = draw_prompts(500, torch.Generator().manual_seed(12345), held_out=True)
    supervised_warmup(model, cfg, gen)
    print("after warm-up: reward %.3f, exact %.3f" % evaluate(model, held_out))
    grpo(model, cfg, gen)
    print("after GRPO:    reward %.3f, exact %.3f" % evaluate(model, held_out))


if __name__ == "__main__":
    main()
