# expects: nothing
# The loss of each token is asked for, and padding is left out of the mean: by a mask, by rows.
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(2)
lengths = torch.randint(4, 18, (480,)).tolist()
lines = [(torch.arange(n + 1) * int(torch.randint(1, 4, ())) + int(torch.randint(0, 9, ()))) % 19 + 1 for n in lengths]


class Next(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 24)
        self.cell = nn.GRU(24, 32, batch_first=True)
        self.scores = nn.Linear(32, 20)

    def forward(self, ids):
        return self.scores(self.cell(self.table(ids))[0])


model = Next()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(6):
    for rows in torch.randperm(480).split(24):
        ids = pad_sequence([lines[i] for i in rows], batch_first=True)
        each = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        real = ids[:, 1:].flatten() != 0
        loss = each[real].mean() if epoch % 2 else (each * real).sum() / real.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
