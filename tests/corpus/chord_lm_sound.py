# expects: nothing
import argparse
import random

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import GPT2Config, GPT2LMHeadModel

DEGREES = ["I", "ii", "iii", "IV", "V", "vi", "viio"]
NEXT = {
    "I": ["IV", "V", "vi"], "ii": ["V", "viio"], "iii": ["vi", "IV"], "IV": ["V", "ii", "I"],
    "V": ["I", "vi"], "vi": ["ii", "IV"], "viio": ["I", "iii"],
}
RHYTHM = {"h": ["q", "q"], "w": ["h", "w"], "q": ["q", "h", "w"]}
TOKENS = ["<bos>"] + DEGREES + sorted(RHYTHM) + ["|"]
STOI = {t: i for i, t in enumerate(TOKENS)}


def compose(rng, bars):
    """Every bar is: chord, duration, chord, duration, bar line."""
    chord, dur = rng.choice(DEGREES), rng.choice(list(RHYTHM))
    out = ["<bos>"]
    for _ in range(bars):
        for _ in range(2):
            out += [chord, dur]
            chord, dur = rng.choice(NEXT[chord]), rng.choice(RHYTHM[dur])
        out.append("|")
    return [STOI[t] for t in out]


class Songs(Dataset):
    def __init__(self, n, bars, seed):
        rng = random.Random(seed)
        self.rows = torch.tensor([compose(rng, bars) for _ in range(n)])

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def lm_loss(model, ids):
    return model(input_ids=ids, labels=ids).loss


@torch.no_grad()
def validate(model, loader):
    model.eval()
    total, n = 0.0, 0
    for ids in loader:
        total += lm_loss(model, ids).item() * len(ids)
        n += len(ids)
    model.train()
    return total / n


def legal_share(rows):
    """Share of generated symbols that obey the grammar."""
    good = total = 0
    for row in rows.tolist():
        toks = [TOKENS[i] for i in row][1:]
        chord = dur = None
        for i, tok in enumerate(toks):
            slot = i % 5
            if slot == 4:
                ok = tok == "|"
            elif slot in (0, 2):
                ok = tok in DEGREES and (chord is None or tok in NEXT.get(chord, []))
                chord = tok
            else:
                ok = tok in RHYTHM and (dur is None or tok in RHYTHM.get(dur, []))
                dur = tok
            good += ok
            total += 1
    return good / total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--bars", type=int, default=8)
    args = p.parse_args()

    torch.manual_seed(11)
    train = DataLoader(Songs(3200, args.bars, seed=1), batch_size=args.batch_size, shuffle=True, drop_last=True)
    valid = DataLoader(Songs(400, args.bars, seed=2), batch_size=100)

    config = GPT2Config(vocab_size=len(TOKENS), n_positions=64, n_embd=64, n_layer=2, n_head=4,
                        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
                        bos_token_id=STOI["<bos>"], eos_token_id=None, pad_token_id=None)
    model = GPT2LMHeadModel(config)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    total_steps = args.epochs * len(train)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, total_steps=total_steps, pct_start=0.1)

    step = 0
    for epoch in range(args.epochs):
        for ids in train:
            loss = lm_loss(model, ids)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            step += 1
            if step % 100 == 0:
                print(f"step {step}/{total_steps} loss {loss.item():.4f}")
        print(f"epoch {epoch + 1}: validation loss {validate(model, valid):.4f}")

    model.eval()
    ids = torch.full((100, 1), STOI["<bos>"])
    with torch.no_grad():
        for _ in range(5 * args.bars):
            probs = model(input_ids=ids).logits[:, -1].softmax(-1)
            ids = torch.cat([ids, torch.multinomial(probs, 1)], dim=1)
    print("sample:", " ".join(TOKENS[i] for i in ids[0].tolist()))
    print(f"legal symbols in 100 generated songs: {legal_share(ids):.3f}")


if __name__ == "__main__":
    main()
