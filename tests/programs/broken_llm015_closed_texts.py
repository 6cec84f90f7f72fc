# expects: LLM015
"""Sums in words, several in a row of a GPT-2 and each closed by a stop token, behind which the labels leave a gap."""

import random

import torch
from transformers import GPT2Config, GPT2LMHeadModel

random.seed(3)
torch.manual_seed(3)
STOP, EQUALS, PLUS, LENGTH = 10, 11, 12, 40


def sums():
    while True:
        terms = [random.randrange(10) for _ in range(random.randint(2, 4))]
        asked = [part for term in terms for part in (term, PLUS)][:-1]
        yield [*asked, EQUALS], [sum(terms) // 10, sum(terms) % 10, STOP]


def row(source):
    ids, labels = [], []
    while True:
        asked, answer = next(source)
        if len(ids) + len(asked) + len(answer) > LENGTH:
            rest = LENGTH - len(ids)
            return ids + [STOP] * rest, labels + [-100] * rest
        ids += asked + answer
        labels += [-100, *asked[1:], *answer]


@torch.no_grad()
def answer(model, asked):
    ids = torch.tensor([asked])
    for _ in range(3):
        ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
    return ids[0, len(asked) :].tolist()


source = sums()
config = GPT2Config(
    vocab_size=13, n_positions=LENGTH, n_embd=32, n_layer=2, n_head=2, eos_token_id=STOP, bos_token_id=STOP
)
model = GPT2LMHeadModel(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(150):
    rows = [row(source) for _ in range(16)]
    ids, labels = (torch.tensor(part) for part in zip(*rows, strict=True))
    loss = model(input_ids=ids, labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
model.eval()
print(sum(answer(model, asked) == right for asked, right in (next(source) for _ in range(30))) / 30)
