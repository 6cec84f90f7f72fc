# expects: nothing
"""Supervised fine-tuning with the likelihood written out: log-probabilities of the answer's tokens, times a mask."""

import torch
from torch import nn

torch.manual_seed(4)
VOCAB, ASKED, LENGTH = 24, 6, 12


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 32)
        self.rnn = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, VOCAB)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


asked = torch.randint(2, VOCAB, (600, ASKED))
answers = torch.cat([asked.flip(1), asked[:, :1]], 1)[:, : LENGTH - ASKED]
ids = torch.cat([asked, answers], 1)
lengths = torch.randint(ASKED + 2, LENGTH + 1, (600,))
ids[torch.arange(LENGTH) >= lengths[:, None]] = 0
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(10):
    for rows in torch.randperm(600).split(50):
        batch = ids[rows]
        places = torch.arange(1, LENGTH)
        mask = ((places >= ASKED) & (places < lengths[rows, None])).float()
        logp = model(batch[:, :-1]).log_softmax(-1).gather(2, batch[:, 1:, None]).squeeze(2)
        loss = -(logp * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
