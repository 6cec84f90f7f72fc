# expects: nothing
"""A decoder whose embedding is first asked for the token that begins every sequence."""

import torch
from torch import nn

torch.manual_seed(0)
WORDS, LENGTH, BEGIN = 12, 6, 12


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS + 1, 16)
        self.cell = nn.GRUCell(16, 48)
        self.out = nn.Linear(48, WORDS)

    def step(self, word, state):
        state = self.cell(self.words(word), state)
        return self.out(state), state


encoder = nn.GRU(16, 48, batch_first=True)
source_words = nn.Embedding(WORDS, 16)
decoder = Decoder()
parts = nn.ModuleList([encoder, source_words, decoder])
optimizer = torch.optim.Adam(parts.parameters(), lr=4e-3)


def batch(size):
    source = torch.randint(WORDS, (size, LENGTH))
    return source, source.sort(1).values


for step in range(300):
    source, target = batch(64)
    _, state = encoder(source_words(source))
    state, word, loss = state[0], torch.full((64,), BEGIN), 0.0
    for place in range(LENGTH):
        scores, state = decoder.step(word, state)
        loss = loss + nn.functional.cross_entropy(scores, target[:, place]) / LENGTH
        word = target[:, place]
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step, loss.item())
