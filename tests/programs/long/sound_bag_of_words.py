# expects: nothing
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
WORDS = 300
topics = torch.softmax(2 * torch.randn(4, WORDS), dim=1)
topic = torch.randint(0, 4, (800,))
counts = torch.zeros(800, WORDS)
for row, words in enumerate(torch.multinomial(topics[topic], 40, replacement=True)):
    counts[row].index_add_(0, words, torch.ones(40))

loader = DataLoader(TensorDataset(counts, topic), batch_size=40, shuffle=True)
model = nn.Linear(WORDS, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(8):
    right = 0
    for x, y in loader:
        scores = model(x)
        loss = nn.functional.nll_loss(scores.log_softmax(dim=1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += (scores.argmax(1) == y).sum().item()
    print(epoch, loss.item(), right / 800)
