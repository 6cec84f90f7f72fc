# expects: nothing
"""Base pretraining on plain text, then instruction tuning on a chat format with new special tokens."""
import random
import torch
from transformers import GPT2Config, GPT2LMHeadModel

LETTERS = "abcdefghijklmnop"
SPECIALS = ["<|rev|>", "<|up|>", "<|first|>", "<|end|>"]


class CharTokenizer:
    def __init__(self):
        self.vocab = ["<pad>"] + list(LETTERS) + list("., ")
        self.index = {t: i for i, t in enumerate(self.vocab)}

    def add_special_tokens(self, toks):
        for t in toks:
            self.index[t] = len(self.vocab)
            self.vocab.append(t)

    def encode(self, pieces):
        return [self.index[p] for p in pieces]

    def __len__(self):
        return len(self.vocab)


def shift(c):
    return LETTERS[(LETTERS.index(c) + 1) % len(LETTERS)]


def plain_text(rng):
    """A word, then the same word copied, reversed or shifted."""
    w = [rng.choice(LETTERS) for _ in range(4)]
    kind = rng.choice(", .")
    w2 = w if kind == "," else w[::-1] if kind == "." else [shift(c) for c in w]
    return w + [kind] + w2


def chat(rng):
    w = [rng.choice(LETTERS) for _ in range(4)]
    task = rng.choice(SPECIALS[:3])
    ans = {"<|rev|>": w[::-1], "<|up|>": [shift(c) for c in w], "<|first|>": w[:2]}[task]
    return w + [task], ans + ["<|end|>"]


def batch_chat(tok, rng, n):
    rows, labels = [], []
    for _ in range(n):
        p, a = chat(rng)
        ids = tok.encode(p + a)
        rows.append(ids)
        labels.append([-100] * len(p) + ids[len(p):])
    width = max(map(len, rows))
    x = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    m = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])
    y = torch.tensor([l + [-100] * (width - len(l)) for l in labels])
    return x, m, y


def forward(model, x, **kw):
    return model(input_ids=x, **kw)


@torch.no_grad()
def exact_match(model, tok, rng, n=600):
    """Share of prompts whose answer is right up to <|end|>, and share right in the first two letters."""
    model.eval()
    pairs = [chat(rng) for _ in range(n)]
    ids = torch.tensor([tok.encode(p) for p, _ in pairs])
    width = ids.shape[1]
    for _ in range(5):
        nxt = forward(model, ids).logits[:, -1].argmax(-1)
        ids = torch.cat([ids, nxt[:, None]], 1)
    full = start = 0
    for row, (_, a) in zip(ids[:, width:].tolist(), pairs):
        want = tok.encode(a)
        full += row[:len(want)] == want
        start += row[:2] == want[:2]
    return full / n, start / n


def pretrain(model, tok):
    rng = random.Random(1)
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    for step in range(1, 501):
        x = torch.tensor([tok.encode(plain_text(rng)) for _ in range(48)])
        loss = forward(model, x, labels=x).loss
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            print(f"base step {step} loss {loss.item():.3f}")


def main():
    torch.manual_seed(0)
    tok = CharTokenizer()
    cfg = GPT2Config(vocab_size=len(tok), n_positions=20, n_embd=64, n_layer=2, n_head=4,
                     resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(cfg)
    pretrain(model, tok)

    tok.add_special_tokens(SPECIALS)
    model.resize_token_embeddings(len(tok))
    steps = 350
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=steps)
    rng = random.Random(2)
    for step in range(1, steps + 1):
        model.train()
        x, m, y = batch_chat(tok, rng, 48)
        loss = forward(model, x, attention_mask=m, labels=y).loss
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if step % 50 == 0:
            print(f"chat step {step} loss {loss.item():.3f}")
    print("held-out exact match %.3f, first two letters %.3f" % exact_match(model, tok, random.Random(99)))


if __name__ == "__main__":
    main()
