# expects: nothing
import random

import torch
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup, set_seed

LETTERS = "abcdefgh"
OPS = ["copy", "flip", "next", "ends"]


class Tokenizer:
    def __init__(self):
        self.vocab = ["<pad>", "<eos>", "<ans>"] + OPS + list(LETTERS)
        self.ids = {t: i for i, t in enumerate(self.vocab)}
        self.pad_id, self.eos_id = 0, 1

    def encode(self, text):
        return [self.ids[t] for t in text.split()] + [self.eos_id]

    def decode(self, ids):
        out = []
        for i in ids:
            if i == self.eos_id:
                break
            out.append(self.vocab[i])
        return " ".join(out)


def solve(op, word):
    if op == "copy":
        return word
    if op == "flip":
        return word[::-1]
    if op == "next":
        return [LETTERS[(LETTERS.index(c) + 1) % len(LETTERS)] for c in word]
    return [word[0], word[-1]]


def make_examples(n, seed, exclude=()):
    rnd, seen, rows = random.Random(seed), set(exclude), []
    while len(rows) < n:
        op = rnd.choice(OPS)
        word = [rnd.choice(LETTERS) for _ in range(rnd.randint(3, 4))]
        prompt = f"{op} {' '.join(word)} <ans>"
        if prompt in seen:
            continue
        seen.add(prompt)
        rows.append((prompt, " ".join(solve(op, word))))
    return rows


def tokenize(rows, tok):
    feats = []
    for prompt, answer in rows:
        ids = tok.encode(f"{prompt} {answer}")
        n_prompt = len(tok.encode(prompt)) - 1
        feats.append((ids, [-100] * n_prompt + ids[n_prompt:]))
    return feats


def collate(batch, pad_id):
    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([i + [pad_id] * (width - len(i)) for i, _ in batch])
    labels = torch.tensor([l + [-100] * (width - len(l)) for _, l in batch])
    mask = torch.tensor([[1] * len(i) + [0] * (width - len(i)) for i, _ in batch])
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@torch.no_grad()
def val_loss(model, feats, pad_id):
    model.eval()
    losses = [model(**collate(feats[i:i + 100], pad_id)).loss.item() for i in range(0, len(feats), 100)]
    return sum(losses) / len(losses)


@torch.no_grad()
def exact_match(model, rows, tok):
    model.eval()
    hits = 0
    for prompt, answer in rows:
        ids = [tok.ids[t] for t in prompt.split()]
        start = len(ids)
        for _ in range(6):
            nxt = model(torch.tensor([ids])).logits[0, -1].argmax().item()
            ids.append(nxt)
            if nxt == tok.eos_id:
                break
        hits += tok.decode(ids[start:]) == answer
    return hits / len(rows)


def main():
    set_seed(4)
    tok = Tokenizer()
    train_rows = make_examples(6000, seed=1)
    test_rows = make_examples(200, seed=2, exclude=[p for p, _ in train_rows])
    train, test = tokenize(train_rows, tok), tokenize(test_rows, tok)
    config = GPT2Config(
        vocab_size=len(tok.vocab), n_positions=16, n_embd=64, n_layer=2, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=tok.eos_id, eos_token_id=tok.eos_id, pad_token_id=tok.pad_id,
    )
    model = GPT2LMHeadModel(config)
    epochs, batch_size = 4, 32
    steps = epochs * (len(train) // batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    scheduler = get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
    for epoch in range(epochs):
        model.train()
        random.shuffle(train)
        total = 0.0
        for i in range(len(train) // batch_size):
            batch = collate(train[i * batch_size:(i + 1) * batch_size], tok.pad_id)
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            total += loss.item()
        print(f"epoch {epoch + 1}: train {total / (len(train) // batch_size):.4f}, held-out {val_loss(model, test, tok.pad_id):.4f}")
    print(f"held-out exact match: {exact_match(model, test_rows, tok):.3f}")


if __name__ == "__main__":
    main()
