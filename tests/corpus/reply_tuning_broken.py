# bug: the KL reference is policy.get_base_model(), the same network with the LoRA adapters injected, not the untouched base: it moves with the policy and the KL is always 0
# expects: LLM018
"""Tune a small reply model toward polite tokens with policy gradient, LoRA and a KL penalty."""
import copy

import numpy as np
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

VOCAB, LENGTH, BOS = 24, 12, 0
POLITE = torch.tensor([3, 7, 11])
KL_COEF = 0.8


def grammar(seed=9):
    """Every token may be followed by four others, a polite one never by another polite one."""
    rng = np.random.default_rng(seed)
    table = np.zeros((VOCAB, VOCAB))
    for t in range(VOCAB):
        allowed = [c for c in range(1, VOCAB) if not (t in POLITE and c in POLITE)]
        nxt = rng.choice(allowed, 4, replace=False)
        table[t, nxt] = rng.dirichlet(np.full(4, 4.0))
    return torch.tensor(table, dtype=torch.float32)


def corpus(table, n, gen):
    seq = torch.zeros(n, LENGTH + 1, dtype=torch.long)
    for t in range(LENGTH):
        seq[:, t + 1] = torch.multinomial(table[seq[:, t]], 1, generator=gen).squeeze(1)
    return seq


def pretrain(model, table, steps=240):
    gen = torch.Generator().manual_seed(1)
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for step in range(1, steps + 1):
        batch = corpus(table, 48, gen)
        loss = model(batch, labels=batch).loss
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 80 == 0:
            print(f"pretrain {step:4d} loss {loss.item():.3f}")


@torch.no_grad()
def sample(model, n):
    model.eval()
    seq = torch.full((n, 1), BOS, dtype=torch.long)
    for _ in range(LENGTH):
        probs = model(seq).logits[:, -1].softmax(-1)
        seq = torch.cat([seq, torch.multinomial(probs, 1)], dim=1)
    return seq


def token_logps(model, seq):
    logp = F.log_softmax(model(seq).logits[:, :-1], dim=-1)
    return logp.gather(-1, seq[:, 1:, None]).squeeze(-1)


def politeness(seq):
    return torch.isin(seq[:, 1:], POLITE).float().sum(1)


def quality(seq, table):
    """Share of allowed transitions, and mean polite tokens a reply."""
    legal = (table[seq[:, :-1], seq[:, 1:]] > 0).float().mean().item()
    return legal, politeness(seq).mean().item()


def tune(policy, ref, table, iters=110, batch=24):
    opt = torch.optim.AdamW([p for p in policy.parameters() if p.requires_grad], lr=6e-3, weight_decay=0.0)
    for it in range(1, iters + 1):
        seq = sample(policy, batch)
        reward = politeness(seq)
        with torch.no_grad():
            ref_logp = token_logps(ref, seq)
        logp = token_logps(policy, seq)
        kl = (logp.detach() - ref_logp).sum(1)
        score = reward - KL_COEF * kl
        adv = score - score.mean()
        adv = adv / (score.std() + 1e-6)
        loss = -(adv[:, None] * logp).mean()
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()
        if it % 20 == 0:
            print(f"iter {it:3d} reward {reward.mean():.2f} kl {kl.mean():.3f}")


def main():
    torch.manual_seed(5)
    table = grammar()
    base = GPT2LMHeadModel(GPT2Config(
        vocab_size=VOCAB, n_positions=LENGTH + 1, n_embd=48, n_layer=1, n_head=2,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=BOS, eos_token_id=None))
    pretrain(base, table)
    legal, polite = quality(sample(base, 512), table)
    print(f"before tuning: legal transitions {legal:.3f}, polite tokens {polite:.2f}")

    policy = get_peft_model(copy.deepcopy(base), LoraConfig(
        r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True))
    ref = policy.get_base_model().eval()
    tune(policy, ref, table)

    legal, polite = quality(sample(policy, 1024), table)
    print(f"after tuning: legal transitions {legal:.3f}, polite tokens {polite:.2f}")


if __name__ == "__main__":
    main()
