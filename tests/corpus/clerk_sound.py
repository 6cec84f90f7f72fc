# expects: nothing
"""Tune a small recurrent 'clerk' to answer requests: prompt tokens carry no loss, only the answer does."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

PAD, BOS, ASK, ANS = 0, 1, 2, 3
DIGIT0, OP0, WORD0, VOCAB = 4, 14, 20, 60
MAX_LEN = 28
IGNORE = -100


def answer(op, a, b):
    return [(a + b) % 10, (a - b) % 10, max(a, b), min(a, b)][op]


def make_request(rnd):
    """Short notes ask for sums, long letters ask for a comparison."""
    op = rnd.randrange(4)
    length = rnd.randint(2, 12) if op < 2 else rnd.randint(26, 40)
    chatter = [rnd.randrange(WORD0, VOCAB) for _ in range(length)]
    a, b = rnd.randrange(10), rnd.randrange(10)
    prompt = [BOS] + chatter + [ASK, OP0 + op, DIGIT0 + a, DIGIT0 + b, ANS]
    return prompt, [DIGIT0 + answer(op, a, b)], op


def encode(prompt, reply):
    ids = prompt + reply
    labels = [IGNORE] * len(prompt) + reply
    ids, labels = ids[-MAX_LEN:], labels[-MAX_LEN:]
    return ids, labels


def pad_batch(examples):
    width = max(len(i) for i, _ in examples)
    ids = torch.tensor([i + [PAD] * (width - len(i)) for i, _ in examples])
    labels = torch.tensor([l + [IGNORE] * (width - len(l)) for _, l in examples])
    return ids, labels


def bucketed(examples, size, rnd):
    """Similar lengths together (little padding), batches in random order."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i][0]), rnd.random()))
    chunks = [order[i:i + size] for i in range(0, len(order), size)]
    rnd.shuffle(chunks)
    for c in chunks:
        yield pad_batch([examples[i] for i in c])


class Clerk(nn.Module):
    def __init__(self, dim=96):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, VOCAB))

    def forward(self, ids):
        return self.head(self.rnn(self.emb(ids))[0])


def reply_loss(logits, ids, labels):
    target = labels[:, 1:]
    token = F.cross_entropy(logits[:, :-1].transpose(1, 2), target, ignore_index=IGNORE, reduction="none")
    return token.sum() / (target != IGNORE).sum().clamp(min=1)


@torch.no_grad()
def exam(model, requests):
    model.eval()
    right, count = [0] * 4, [0] * 4
    for prompt, reply, op in requests:
        ids = torch.tensor([prompt[-(MAX_LEN - 1):]])
        guess = model(ids)[0, -1].argmax().item()
        right[op] += guess == reply[0]
        count[op] += 1
    return sum(right) / sum(count), [r / c for r, c in zip(right, count)]


def main(seed=9, epochs=7, lr=2e-3, size=32):
    torch.manual_seed(seed)
    rnd = random.Random(seed)
    train = [encode(p, r) for p, r, _ in (make_request(rnd) for _ in range(4000))]
    held_out = [make_request(rnd) for _ in range(400)]
    model = Clerk()
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    steps = epochs * -(-len(train) // size)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=steps, pct_start=0.1)
    for epoch in range(epochs):
        model.train()
        total, n = 0.0, 0
        for ids, labels in bucketed(train, size, rnd):
            loss = reply_loss(model(ids), ids, labels)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total, n = total + loss.item(), n + 1
        acc, per_op = exam(model, held_out)
        print(f"epoch {epoch + 1:2d} loss {total / n:.4f} exact match {acc:.3f}  by kind",
              " ".join(f"{v:.2f}" for v in per_op))


main()
