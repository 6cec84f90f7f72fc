# bug: dpo_loss interleaves chosen and rejected rows (stack + flatten) but splits the log-probs with chunk(2), so unrelated replies are compared as chosen/rejected
# expects: LLM023
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PAD, BOS, EOS, SEP = 0, 1, 2, 3
TOPICS = list(range(4, 12))
WORDS = list(range(12, 36))
VOCAB, MAX_LEN = 36, 14


class ReplyLM(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, width, padding_idx=PAD)
        self.rnn = nn.LSTM(width, 64, batch_first=True)
        self.out = nn.Linear(64, VOCAB)

    def forward(self, seq):
        return self.out(self.rnn(self.tok(seq))[0])


def quality(topic, reply):
    """What customers like: words of their topic, no repetition, a short reply."""
    own = {12 + (topic * 3 + k) % 24 for k in range(6)}
    on_topic = sum(w in own for w in reply)
    repeats = len(reply) - len(set(reply))
    return on_topic - 1.0 * repeats - 0.25 * len(reply)


def draft_reply(topic, rng):
    own = [12 + (topic * 3 + k) % 24 for k in range(6)]
    n = int(rng.integers(3, 9))
    return [int(rng.choice(own)) if rng.random() < 0.3 else int(rng.choice(WORDS)) for _ in range(n)]


def to_row(topics, reply):
    row = [BOS, *topics, SEP, *reply, EOS]
    return row + [PAD] * (MAX_LEN - len(row))


def make_sft(n, rng):
    rows = []
    for _ in range(n):
        t, u = rng.choice(TOPICS, 2)
        rows.append(to_row([int(t), int(u)], draft_reply(int(t), rng)))
    return torch.tensor(rows)


def make_pairs(n, rng):
    good, bad = [], []
    while len(good) < n:
        t, u = (int(v) for v in rng.choice(TOPICS, 2))
        a, b = draft_reply(t, rng), draft_reply(t, rng)
        qa, qb = quality(t, a), quality(t, b)
        if qa == qb:
            continue
        if qa < qb:
            a, b = b, a
        good.append(to_row([t, u], a))
        bad.append(to_row([t, u], b))
    return torch.tensor(good), torch.tensor(bad)


def reply_logp(model, seq):
    logits, target = model(seq)[:, :-1], seq[:, 1:]
    logp = F.log_softmax(logits, dim=-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    after_sep = (torch.cumsum(target == SEP, dim=1) > 0) & (target != SEP) & (target != PAD)
    return (logp * after_sep).sum(-1)


def dpo_loss(policy, ref, good, bad, beta):
    both = torch.stack([good, bad], dim=1).flatten(0, 1)
    pol_g, pol_b = reply_logp(policy, both).chunk(2)
    with torch.no_grad():
        ref_g, ref_b = reply_logp(ref, both).chunk(2)
    margin = beta * ((pol_g - ref_g) - (pol_b - ref_b))
    return -F.logsigmoid(margin).mean(), (margin > 0).float().mean()


@torch.no_grad()
def sampled_quality(model, n=1500, seed=77):
    gen = torch.Generator().manual_seed(seed)
    topics = torch.tensor(TOPICS)[torch.randint(0, len(TOPICS), (n, 2), generator=gen)]
    seq = torch.cat([torch.full((n, 1), BOS), topics, torch.full((n, 1), SEP)], 1)
    done = torch.zeros(n, dtype=torch.bool)
    while seq.shape[1] < MAX_LEN:
        probs = model(seq)[:, -1].softmax(-1)
        nxt = torch.multinomial(probs, 1, generator=gen).squeeze(1)
        nxt[done] = PAD
        done |= nxt == EOS
        seq = torch.cat([seq, nxt.unsqueeze(1)], 1)
    scores = []
    for row in seq.tolist():
        reply = [w for w in row[4:] if w not in (PAD, EOS)]
        scores.append(quality(row[1], reply))
    return float(np.mean(scores))


torch.manual_seed(31)
rng = np.random.default_rng(31)

corpus = make_sft(5000, rng)
model = ReplyLM()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(4):
    total = 0.0
    for rows in corpus[torch.randperm(len(corpus))].split(64):
        logits = model(rows)[:, :-1]
        loss = F.cross_entropy(logits.reshape(-1, VOCAB), rows[:, 1:].reshape(-1), ignore_index=PAD)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(rows)
    print(f"sft epoch {epoch}: loss {total / len(corpus):.4f}")
print(f"quality of sampled replies after sft: {sampled_quality(model):.3f}")

good, bad = make_pairs(3000, rng)
held_good, held_bad = make_pairs(800, rng)
policy, ref = model, copy.deepcopy(model).requires_grad_(False)
opt = torch.optim.AdamW(policy.parameters(), lr=1e-3, weight_decay=0.0)
for epoch in range(4):
    total = 0.0
    for idx in torch.randperm(len(good)).split(50):
        loss, _ = dpo_loss(policy, ref, good[idx], bad[idx], beta=0.2)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()
        total += loss.item() * len(idx)
    with torch.no_grad():
        held, acc = dpo_loss(policy, ref, held_good, held_bad, beta=0.2)
    print(f"dpo epoch {epoch}: loss {total / len(good):.4f} held-out {held:.4f} pair accuracy {acc:.3f}")
print(f"quality of sampled replies after dpo: {sampled_quality(policy):.3f}")
