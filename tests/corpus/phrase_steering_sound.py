# expects: nothing
"""Steer a small language model towards courteous tokens with PPO while it stays close to where it began."""
import copy

import numpy as np
import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(4)
rng = np.random.default_rng(4)
VOCAB, LEN, PROMPT = 25, 20, 4
COURTEOUS = torch.tensor([3, 9, 17])


def make_corpus(n):
    seqs = np.zeros((n, LEN), dtype=np.int64)
    state = rng.integers(1, VOCAB, n)
    for t in range(1, LEN):
        seqs[:, t] = state
        cum = TRANSITION[state - 1].cumsum(1)
        state = 1 + (rng.random((n, 1)) > cum).sum(1).clip(max=VOCAB - 2)
    return torch.from_numpy(seqs)


TRANSITION = rng.dirichlet(np.full(VOCAB - 1, 0.25), size=VOCAB - 1)
corpus, heldout = make_corpus(6000), make_corpus(1000)


def token_logps(model, ids):
    logits = model(ids).logits[:, :-1]
    return torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None]).squeeze(-1)


@torch.no_grad()
def text_nll(model):
    return -token_logps(model, heldout).mean().item()


def pretrain(model, steps=350):
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    for step in range(steps):
        batch = corpus[torch.randint(len(corpus), (64,))]
        loss = -token_logps(model, batch).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 100 == 0:
            print(f"pretrain {step} nll {loss.item():.3f}")


class Steering:
    def __init__(self, policy, beta=1.0, lr=5e-4, clip=0.2, batch=48):
        self.policy, self.beta, self.clip, self.batch = policy, beta, clip, batch
        self.opt = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.0)
        self.ref = copy.deepcopy(policy).requires_grad_(False)

    @torch.no_grad()
    def sample(self, prompts):
        ids = prompts
        for _ in range(LEN - PROMPT):
            probs = self.policy(ids).logits[:, -1].softmax(-1)
            ids = torch.cat([ids, torch.multinomial(probs, 1)], 1)
        return ids

    def score(self, ids):
        return torch.isin(ids[:, PROMPT:], COURTEOUS).float().sum(1)

    def collect(self):
        prompts = corpus[torch.randint(len(corpus), (self.batch,)), :PROMPT]
        ids = self.sample(prompts)
        with torch.no_grad():
            old = token_logps(self.policy, ids)[:, PROMPT - 1:]
        return ids, old

    def update(self, ids, old, epochs=4):
        score = self.score(ids)
        for _ in range(epochs):
            logp = token_logps(self.policy, ids)[:, PROMPT - 1:]
            with torch.no_grad():
                drift = (logp - token_logps(self.ref, ids)[:, PROMPT - 1:]).sum(1)
                gain = score - self.beta * drift
                adv = ((gain - gain.mean()) / (gain.std() + 1e-6))[:, None]
            ratio = (logp - old).exp()
            loss = -torch.min(ratio * adv, ratio.clamp(1 - self.clip, 1 + self.clip) * adv).mean()
            self.opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
            self.opt.step()
        return score.mean().item(), drift.mean().item()


config = GPT2Config(vocab_size=VOCAB, n_positions=LEN, n_embd=48, n_layer=2, n_head=4, resid_pdrop=0.0,
                    embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)
lm = GPT2LMHeadModel(config)
pretrain(lm)
print(f"held-out text nll before steering {text_nll(lm):.3f}")
steer = Steering(lm)
for round_ in range(60):
    score, drift = steer.update(*steer.collect())
    if round_ % 10 == 0 or round_ == 59:
        print(f"round {round_:3d}  score {score:.2f}  drift {drift:.2f}  text nll {text_nll(lm):.3f}")
final = steer.score(steer.sample(heldout[:, :PROMPT])).mean().item()
print(f"final: courteous tokens {final:.2f}  held-out text nll {text_nll(lm):.3f}")
