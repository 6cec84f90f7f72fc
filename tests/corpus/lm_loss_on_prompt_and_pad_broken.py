# bug: instruction tuning: the mask of the answer tokens is built but never used, the loss counts prompt and padding as well
# expects: LLM003
import argparse
import random

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

SPECIAL = ["<pad>", "<user>", "<bot>", "<end>"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz")
TASKS = ["upper", "lastfirst", "double"]
VOCAB = {t: i for i, t in enumerate(SPECIAL + TASKS + LETTERS + [c.upper() for c in LETTERS])}


def solve(task, word):
    if task == "upper":
        return [c.upper() for c in word]
    if task == "lastfirst":
        return [word[-1], word[0]]
    return [word[0], word[0]]


def conversation(rng):
    task = rng.choice(TASKS)
    word = [rng.choice(LETTERS) for _ in range(rng.randint(2, 4))]
    noise = [rng.choice(LETTERS) for _ in range(rng.randint(6, 14))]  # small talk before the question
    prompt = ["<user>"] + noise + [task] + word + ["<bot>"]
    return prompt, solve(task, word) + ["<end>"]


def collate(pairs, max_len=36):
    ids = torch.zeros(len(pairs), max_len, dtype=torch.long)
    answer = torch.zeros(len(pairs), max_len)
    for r, (p, a) in enumerate(pairs):
        seq = [VOCAB[t] for t in p + a]
        ids[r, :len(seq)] = torch.tensor(seq)
        answer[r, len(p):len(seq)] = 1
    return ids, answer


class Assistant(nn.Module):
    def __init__(self, d=48, hidden=80):
        super().__init__()
        self.emb = nn.Embedding(len(VOCAB), d)
        self.conv = nn.Conv1d(d, d, 7)  # a causal window, then a recurrent layer
        self.rnn = nn.GRU(d, hidden, batch_first=True)
        self.out = nn.Linear(hidden + d, len(VOCAB))

    def forward(self, ids):
        e = self.emb(ids)
        c = torch.relu(self.conv(nn.functional.pad(e.transpose(1, 2), (6, 0)))).transpose(1, 2)
        h, _ = self.rnn(e + c)
        return self.out(torch.cat([h, c], -1))


def exact_answers(model, pairs):
    """Share of answer tokens that are right when the tokens before them are given."""
    model.eval()
    ids, answer = collate(pairs)
    with torch.no_grad():
        guess = model(ids[:, :-1]).argmax(-1)
    m = answer[:, 1:].bool()
    model.train()
    return (guess == ids[:, 1:])[m].float().mean().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=240)
    args = p.parse_args()
    rng = random.Random(0)
    torch.manual_seed(0)
    train = [conversation(rng) for _ in range(args.steps * 24)]
    held_out = [conversation(rng) for _ in range(300)]
    model = Assistant()
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    loader = DataLoader(train, batch_size=24, shuffle=True, collate_fn=collate)
    for step, (ids, answer) in enumerate(loader, 1):
        logits = model(ids[:, :-1])
        per_token = nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        mask = answer[:, 1:]
        loss = per_token.mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if step % 60 == 0:
            print(f"step {step} loss {loss.item():.4f} answer tokens {int(mask.sum())} of {mask.numel()}"
                  f" accuracy of answers {exact_answers(model, held_out):.4f}")


main()
