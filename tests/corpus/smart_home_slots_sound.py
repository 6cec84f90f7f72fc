# sound: the same program without that
"""Tiny decoder-only model that turns a spoken home command into a structured call."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

rnd = random.Random(4)
torch.manual_seed(4)

DEVICES = ["lamp", "heater", "fan", "blinds", "radio", "kettle"]
ROOMS = ["kitchen", "bedroom", "office", "hall", "garage"]
VALUES = ["low", "medium", "high", "off"]
FILLER = ["please", "could", "you", "now", "quickly", "the", "my", "hey", "just", "thanks"]
SPECIAL = ["<pad>", "<eos>", "<call>", ";"]
VOCAB = {w: i for i, w in enumerate(SPECIAL + DEVICES + ROOMS + VALUES + FILLER)}
PAD, EOS, CALL = 0, 1, 2


def example():
    slots = [rnd.choice(DEVICES), rnd.choice(ROOMS), rnd.choice(VALUES)]
    words = slots[:]
    rnd.shuffle(words)
    for _ in range(rnd.randint(0, 6)):
        words.insert(rnd.randint(0, len(words)), rnd.choice(FILLER))
    prompt = [VOCAB[w] for w in words] + [CALL]
    answer = [VOCAB[slots[0]], VOCAB[";"], VOCAB[slots[1]], VOCAB[";"], VOCAB[slots[2]], EOS]
    return prompt, answer


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__()
        self.h = h
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ff = nn.Sequential(nn.Linear(d, 3 * d), nn.GELU(), nn.Linear(3 * d, d))

    def forward(self, x, mask):
        B, T, D = x.shape
        q, k, v = (t.view(B, T, self.h, D // self.h).transpose(1, 2) for t in self.qkv(self.n1(x)).chunk(3, -1))
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.proj(a.transpose(1, 2).reshape(B, T, D))
        return x + self.ff(self.n2(x))


class Decoder(nn.Module):
    def __init__(self, vocab, d=48, layers=2, heads=4, max_len=40):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(max_len, d)
        nn.init.normal_(self.tok.weight, std=0.1)
        nn.init.normal_(self.pos.weight, std=0.1)
        self.blocks = nn.ModuleList([Block(d, heads) for _ in range(layers)])
        self.norm, self.lm_head = nn.LayerNorm(d), nn.Linear(d, vocab)

    def forward(self, ids, attention_mask):
        T = ids.shape[1]
        positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)
        causal = torch.ones(T, T, dtype=torch.bool).tril()
        mask = causal[None] & attention_mask[:, None, :].bool()
        mask = (mask | torch.eye(T, dtype=torch.bool)[None])[:, None]
        x = self.tok(ids) + self.pos(positions)
        for b in self.blocks:
            x = b(x, mask)
        return self.lm_head(self.norm(x))


def train_batch(examples):
    L = max(len(p) + len(a) for p, a in examples)
    ids, labels = torch.full((len(examples), L), PAD), torch.full((len(examples), L), -100)
    att = torch.zeros(len(examples), L)
    for i, (p, a) in enumerate(examples):
        n = len(p) + len(a)
        ids[i, :n] = torch.tensor(p + a)
        labels[i, len(p):n] = torch.tensor(a)
        att[i, :n] = 1
    return ids, att, labels


def pad_prompts(prompts):
    L = max(map(len, prompts))
    ids = torch.tensor([[PAD] * (L - len(p)) + p for p in prompts])
    return ids, (ids != PAD).float()


@torch.no_grad()
def generate(model, prompts, max_new_tokens=6):
    ids, att = pad_prompts(prompts)
    start = ids.shape[1]
    finished = torch.zeros(len(prompts), dtype=torch.bool)
    for _ in range(max_new_tokens):
        nxt = model(ids, att)[:, -1].argmax(-1)
        nxt = torch.where(finished, torch.full_like(nxt, EOS), nxt)
        ids = torch.cat([ids, nxt[:, None]], 1)
        att = torch.cat([att, torch.ones(len(prompts), 1)], 1)
        finished |= nxt == EOS
    return ids[:, start:].tolist()


train, val = [example() for _ in range(4000)], [example() for _ in range(200)]
model = Decoder(len(VOCAB))
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(1, 241):
    model.train()
    ids, att, labels = train_batch(rnd.sample(train, 48))
    logits = model(ids, att)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if step % 60 == 0:
        model.eval()
        correct = 0
        for i in range(0, len(val), 40):
            part = val[i:i + 40]
            outs = generate(model, [p for p, _ in part])
            for (p, a), o in zip(part, outs):
                correct += o[:len(a)] == a
        print(f"step {step}: loss {loss.item():.4f} exact match on val {correct / len(val):.3f}")
