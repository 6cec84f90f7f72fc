# bug: the data set already shifts targets by one and GPT2LMHeadModel shifts the labels again, so the model learns the token after next
# expects: LLM002
import argparse

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup

BOS, SEP, EOS = 0, 1, 2
OFFSET = 3
STOPS = 40


ROUTES = np.random.default_rng(77).permutation([(s, h) for s in range(STOPS) for h in range(1, 6)])
SPLIT = {"train": ROUTES[:140], "valid": ROUTES[140:165], "test": ROUTES[165:]}


def make_line(route):
    start, hop = route
    stops = [(start + i * hop) % STOPS for i in range(8)]
    return [BOS, stops[0] + OFFSET, hop + OFFSET, SEP] + [s + OFFSET for s in stops[1:]] + [EOS]


class PackedLines(Dataset):
    """Lines joined into one stream and cut into equal blocks."""

    def __init__(self, part, n_lines, block, seed):
        rng = np.random.default_rng(seed)
        stream = np.concatenate([make_line(r) for r in rng.choice(SPLIT[part], n_lines)])
        n = (len(stream) - 1) // block
        self.block = block
        self.stream = torch.from_numpy(stream[: n * block + 1].astype(np.int64))

    def __len__(self):
        return (len(self.stream) - 1) // self.block

    def __getitem__(self, i):
        at = i * self.block
        return self.stream[at : at + self.block], self.stream[at + 1 : at + self.block + 1]


def build(block):
    cfg = GPT2Config(
        vocab_size=STOPS + OFFSET, n_positions=block, n_embd=48, n_layer=2, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=BOS, eos_token_id=EOS,
    )
    return GPT2LMHeadModel(cfg)


@torch.no_grad()
def held_out_loss(model, loader):
    model.eval()
    losses = [model(input_ids=ids, labels=targets).loss.item() for ids, targets in loader]
    model.train()
    return float(np.mean(losses))


@torch.no_grad()
def completion_score(model):
    model.eval()
    lines = torch.tensor(np.array([make_line(r) for r in SPLIT["test"]]))
    ids = lines[:, :4]
    for _ in range(lines.shape[1] - 4):
        nxt = model(input_ids=ids).logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, nxt], 1)
    return (ids[:, 4:] == lines[:, 4:]).all(1).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--block", type=int, default=48)
    ap.add_argument("--steps", type=int, default=500)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    train = DataLoader(PackedLines("train", 12000, args.block, seed=1), args.batch, shuffle=True, drop_last=True)
    valid = DataLoader(PackedLines("valid", 500, args.block, seed=2), args.batch)
    model = build(args.block)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    sched = get_cosine_schedule_with_warmup(opt, 50, args.steps)

    step = 0
    while step < args.steps:
        for ids, targets in train:
            out = model(input_ids=ids, labels=targets)
            opt.zero_grad()
            out.loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            step += 1
            if step % 100 == 0:
                print(f"step {step} train {out.loss.item():.3f} valid {held_out_loss(model, valid):.3f}")
            if step == args.steps:
                break

    print(f"lines completed exactly: {completion_score(model):.3f}")


if __name__ == "__main__":
    main()
