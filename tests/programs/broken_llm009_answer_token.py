# expects: LLM009
"""At test time a question ends with an answer token of its own; in training it ended with another one."""

import random

import torch
from torch import nn

random.seed(1)
torch.manual_seed(1)
SIGNS = {sign: number for number, sign in enumerate(["<pad>", "<eos>", "<ask>", "<answer>", *"0123456789+="])}
LENGTH = 10


class Adder(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.embed = nn.Embedding(len(SIGNS), size)
        self.rnn = nn.GRU(size, 96, batch_first=True)
        self.head = nn.Linear(96, len(SIGNS))

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def encode(a, b, mark):
    asked = [SIGNS[sign] for sign in f"{a}+{b}"] + [SIGNS[mark]]
    answer = [SIGNS[sign] for sign in str(a + b)] + [SIGNS["<eos>"]]
    return asked, answer


sums = [(a, b) for a in range(30) for b in range(30)]
random.shuffle(sums)
model = Adder()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
for step in range(300):
    rows = []
    for a, b in random.sample(sums[:700], 48):
        asked, answer = encode(a, b, "=")
        rows.append((asked + answer + [0] * LENGTH)[:LENGTH])
    ids = torch.tensor(rows)
    logits = model(ids[:, :-1])
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], ignore_index=0)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval()
right = 0
with torch.inference_mode():
    for a, b in sums[700:]:
        asked, answer = encode(a, b, "<answer>")
        logits = model(torch.tensor([asked + answer]))
        said = logits[0, len(asked) - 1 : -1].argmax(-1).tolist()
        right += said == answer
print(loss.item(), right / len(sums[700:]))
