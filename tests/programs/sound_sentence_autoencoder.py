# expects: nothing
"""The encoder reads the whole sentence both ways; the decoder spells it out again, given the word before."""

import torch
from torch import nn

torch.manual_seed(0)


class Autoencoder(nn.Module):
    def __init__(self, vocab=20, size=32):
        super().__init__()
        self.read, self.write = nn.Embedding(vocab, size), nn.Embedding(vocab, size)
        self.encoder = nn.GRU(size, size, batch_first=True, bidirectional=True)
        self.squeeze = nn.Linear(2 * size, size)
        self.decoder = nn.GRU(size, size, batch_first=True)
        self.out = nn.Linear(size, vocab)

    def forward(self, ids):
        _, last = self.encoder(self.read(ids))
        code = self.squeeze(last.transpose(0, 1).flatten(1)).unsqueeze(0)
        states, _ = self.decoder(self.write(ids), code)
        return self.out(states)


model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for step in range(220):
    start, stride = torch.randint(0, 20, (32, 1)), torch.randint(1, 5, (32, 1))
    ids = (start + stride * torch.arange(10)) % 20
    loss = nn.functional.cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
