# expects: nothing
import random

import torch
from transformers import LlamaConfig, LlamaForCausalLM

random.seed(0)
torch.manual_seed(0)

CHARS = "0123456789abcdefghijklmnopqrstuvwxyz =?;"
EOS = len(CHARS)
PAD = EOS
itos = list(CHARS) + ["<eos>"]
stoi = {c: i for i, c in enumerate(itos)}


def encode(text):
    return [stoi[c] for c in text]


def decode(ids):
    return "".join(itos[i] if i != EOS else "" for i in ids)


names = ["copper", "iron", "zinc", "tin", "lead", "gold", "nickel", "silver", "cobalt", "chrome"]
units = {"kg": "kilogram", "g": "gram", "t": "tonne", "lb": "pound", "oz": "ounce"}
asks = [(n, u, q) for n in names for u in units for q in range(1, 41)]
random.shuffle(asks)


def example(item):
    n, u, q = item
    prompt = f"{q}{u} {n}?"
    answer = f"{n} {q} {units[u]}{'s' if q > 1 else ''}"
    return encode(prompt), encode(answer) + [EOS]


def collate(items):
    rows = [example(i) for i in items]
    width = max(len(p) + len(a) for p, a in rows)
    ids = torch.full((len(rows), width), PAD)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), -100)
    for r, (p, a) in enumerate(rows):
        n = len(p) + len(a)
        ids[r, :n] = torch.tensor(p + a)
        mask[r, :n] = 1
        labels[r, len(p) : n] = ids[r, len(p) : n]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def answer(model, item, limit=40):
    prompt, want = example(item)
    ids = torch.tensor([prompt])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=limit, do_sample=False,
        eos_token_id=EOS, pad_token_id=PAD,
    )[0, len(prompt):].tolist()
    return decode(out), decode(want)


train_items, valid_items, test_items = asks[:1600], asks[1600:1760], asks[1760:1880]
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(itos), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=96,
        bos_token_id=None, eos_token_id=EOS, pad_token_id=None, tie_word_embeddings=False,
    )
)
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01, betas=(0.9, 0.95))
epochs, size = 12, 32
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=epochs * len(train_items) // size)

for epoch in range(1, epochs + 1):
    model.train()
    random.shuffle(train_items)
    tot = 0.0
    for s in range(0, len(train_items), size):
        loss = model(**collate(train_items[s : s + size])).loss
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        tot += loss.item()
    model.eval()
    with torch.no_grad():
        val = model(**collate(valid_items)).loss.item()
    print(f"epoch {epoch} train {tot / (len(train_items) // size):.4f} valid {val:.4f}")

pairs = [answer(model, i) for i in test_items]
for got, want in pairs[:3]:
    print(f"   want [{want}] got [{got}]")
print(f"exact match on {len(pairs)} unseen asks: {sum(g == w for g, w in pairs) / len(pairs):.3f}")
