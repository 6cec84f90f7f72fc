# expects: nothing
"""The word language model of old: (time, batch), the hidden state carried over and detached."""

import torch
import torch.nn as nn

torch.manual_seed(0)
VOCAB, BATCH, BPTT = 25, 10, 12
words = torch.randint(0, VOCAB, (80,)).repeat(40)
words[torch.rand(len(words)) < 0.1] = 2
columns = words[: len(words) // BATCH * BATCH].view(BATCH, -1).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(VOCAB, 32)
        self.rnn = nn.LSTM(32, 48)
        self.decoder = nn.Linear(48, VOCAB)

    def forward(self, tokens, hidden):
        output, hidden = self.rnn(self.encoder(tokens), hidden)
        return self.decoder(output).view(-1, VOCAB), hidden


model, criterion = RNNModel(), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(7):
    hidden = (torch.zeros(1, BATCH, 48), torch.zeros(1, BATCH, 48))
    for i in range(0, columns.size(0) - 1 - BPTT, BPTT):
        data, targets = columns[i : i + BPTT], columns[i + 1 : i + 1 + BPTT].view(-1)
        hidden = tuple(h.detach() for h in hidden)
        optimizer.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(epoch, loss.item())
