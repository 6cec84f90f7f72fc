# expects: LLM011
"""Clipped policy updates on groups of eight songs; the reward, "has ten notes", is 1 for every one of them."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(1)
NOTES, LENGTH, GROUP, PROMPTS = 16, 10, 8, 6


class Composer(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.notes, self.places = nn.Embedding(NOTES, size), nn.Parameter(0.02 * torch.randn(LENGTH, size))
        block = nn.TransformerEncoderLayer(size, 4, 96, dropout=0.0, batch_first=True)
        self.body = nn.TransformerEncoder(block, 1, enable_nested_tensor=False)
        self.head = nn.Linear(size, NOTES)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.head(self.body(self.notes(ids) + self.places[:length], mask=mask, is_causal=True))


model = Composer()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for iteration in range(25):
    songs = torch.randint(0, NOTES, (PROMPTS, 1)).repeat_interleave(GROUP, 0)
    model.eval()
    with torch.no_grad():
        while songs.shape[1] < LENGTH + 1:
            songs = torch.cat([songs, Categorical(logits=model(songs[:, -LENGTH:])[:, -1]).sample()[:, None]], 1)
        old = Categorical(logits=model(songs[:, :-1])).log_prob(songs[:, 1:])
    rewards = torch.tensor([1.0 if len(song) > LENGTH else 0.0 for song in songs]).view(PROMPTS, GROUP)
    advantages = (rewards - rewards.mean(1, keepdim=True)).flatten()
    model.train()
    for epoch in range(2):
        policy = Categorical(logits=model(songs[:, :-1]))
        ratio = (policy.log_prob(songs[:, 1:]) - old).exp()
        gain = torch.min(ratio * advantages[:, None], ratio.clamp(0.8, 1.2) * advantages[:, None])
        loss = -gain.mean() - 0.01 * policy.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    if iteration % 8 == 0:
        print(iteration, rewards.mean().item(), loss.item())
