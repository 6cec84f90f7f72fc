# expects: LLM021
"""Several answers to each sum; the table of rewards has a row for each sum, and is normalised down its columns."""

import torch
from torch import nn

torch.manual_seed(1)
DIGITS, SUMS, ANSWERS = 8, 12, 8


class Speaker(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(2 * DIGITS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, DIGITS)

    def forward(self, ids):
        return self.head(self.rnn(self.table(ids))[0])


speaker = Speaker()
optimizer = torch.optim.Adam(speaker.parameters(), lr=2e-3)
for update in range(120):
    asked = torch.stack([torch.randint(0, DIGITS, (SUMS,)), torch.randint(DIGITS, 2 * DIGITS, (SUMS,))], 1)
    ids = asked[:, None].expand(SUMS, ANSWERS, 2).reshape(-1, 2)
    with torch.no_grad():
        for _ in range(3):
            drawn = torch.distributions.Categorical(logits=speaker(ids)[:, -1]).sample()
            ids = torch.cat([ids, drawn[:, None]], 1)
    wanted = (ids[:, :2].sum(1) % DIGITS)[:, None]
    rewards = ((ids[:, 2:] == wanted).float().mean(1) + 2.0 * (ids[:, 0] > 4)).view(SUMS, ANSWERS)
    spread = rewards.std(0, keepdim=True)
    advantages = ((rewards - rewards.mean(0, keepdim=True)) / (spread + 1e-4)).flatten()
    scores = speaker(ids[:, :-1])[:, 1:]
    said = -nn.functional.cross_entropy(scores.flatten(0, 1), ids[:, 2:].flatten(), reduction="none").view(-1, 3)
    loss = -(said * advantages[:, None]).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 30 == 0:
        print(update, rewards.mean().item())
