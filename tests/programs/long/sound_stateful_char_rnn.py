# expects: nothing
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
text = "the quick brown fox jumps over the lazy dog and runs away from the angry old bear. " * 60
chars = sorted(set(text))
index = torch.tensor([chars.index(c) for c in text])
rows, span = 8, 20
columns = len(index) // rows
stream = index[: rows * columns].view(rows, columns)


class CharRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(chars), 24)
        self.rnn = nn.LSTM(24, 48, batch_first=True)
        self.out = nn.Linear(48, len(chars))

    def forward(self, x, state):
        x, state = self.rnn(self.embed(x), state)
        return self.out(x), state


model = CharRNN()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    state = None
    losses = []
    for i in range(0, columns - span - 1, span):
        logits, state = model(stream[:, i : i + span], state)
        state = tuple(s.detach() for s in state)
        loss = F.cross_entropy(logits.reshape(-1, len(chars)), stream[:, i + 1 : i + span + 1].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.detach())
    print(epoch, torch.stack(losses).mean().item())
