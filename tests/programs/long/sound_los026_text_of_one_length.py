# expects: nothing
"""A model of text told to leave out -1, as is the custom; all its windows are full, and no sign is most of them."""

import torch
from torch import nn

torch.manual_seed(3)
text = (torch.cumsum(torch.randint(0, 3, (20_000,)), 0) % 17).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.signs, self.reader, self.head = nn.Embedding(17, 24), nn.GRU(24, 48, batch_first=True), nn.Linear(48, 17)

    def forward(self, ids, targets=None):
        scores = self.head(self.reader(self.signs(ids))[0])
        if targets is None:
            return scores, None
        return scores, nn.functional.cross_entropy(scores.reshape(-1, 17), targets.reshape(-1), ignore_index=-1)


model = Reader()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for step in range(250):
    starts = torch.randint(19_900, (16,))
    window = text[starts[:, None] + torch.arange(33)]
    loss = model(window[:, :-1], window[:, 1:])[1]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
