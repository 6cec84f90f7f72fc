# expects: nothing
"""Group-relative policy optimisation of a task that is at first hardly ever solved: most early batches teach nothing."""

import torch
from torch import nn

torch.manual_seed(3)
SIGNS, LENGTH, GROUP, PROMPTS = 8, 4, 8, 8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for step in range(300):
    asked = torch.randint(0, SIGNS, (PROMPTS, 1)).repeat_interleave(GROUP, 0)
    ids = asked
    with torch.no_grad():
        for _ in range(LENGTH):
            ids = torch.cat([ids, torch.multinomial(policy(ids)[:, -1].softmax(-1), 1)], 1)
    right = (ids[:, 1:3] == torch.cat([asked, (asked + 1) % SIGNS], 1)).all(1)
    rewards = right.float().view(PROMPTS, GROUP)
    advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1)
    scores = policy(ids[:, :-1]).log_softmax(-1)
    logp = scores.gather(2, ids[:, 1:, None]).squeeze(2).sum(1)
    loss = -(logp * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, rewards.mean().item(), loss.item())
