# expects: nothing
"""Answers that end too early at first and must become longer to be right: a row of numbers to count up from the prompt."""

import torch
from torch import nn

torch.manual_seed(1)
END, SIGNS, WANTED, ROOM, PROMPTS, GROUP = 0, 9, 4, 8, 12, 8


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SIGNS, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, SIGNS)

    def forward(self, ids, state=None):
        out, state = self.rnn(self.embed(ids), state)
        return self.head(out), state


policy = Counter()
nn.init.constant_(policy.head.bias[:1].data, 1.5)
optimizer = torch.optim.Adam(policy.parameters(), lr=4e-3)
for step in range(250):
    ids = prompt = torch.randint(1, SIGNS, (PROMPTS, 1)).repeat_interleave(GROUP, 0)
    state = None
    with torch.no_grad():
        for _ in range(ROOM):
            scores, state = policy(ids[:, -1:], state)
            ids = torch.cat([ids, torch.multinomial(scores[:, -1].softmax(-1), 1)], 1)
    answer = ids[:, 1:]
    ended = (answer == END).long().cumsum(1)
    mask = ((ended == 0) | ((ended == 1) & (answer == END))).float()
    wanted = torch.cat([(prompt + torch.arange(WANTED)) % (SIGNS - 1) + 1, torch.zeros_like(prompt)], 1)
    right = ((answer[:, : WANTED + 1] == wanted) * mask[:, : WANTED + 1]).sum(1)
    rewards = (right - 0.3 * (mask.sum(1) - WANTED - 1).clamp_min(0)).view(PROMPTS, GROUP)
    advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
    logp = policy(ids[:, :-1])[0].log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(2)
    loss = -(logp * advantages * mask).sum() / mask.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, rewards.mean().item(), mask.sum(1).mean().item())
