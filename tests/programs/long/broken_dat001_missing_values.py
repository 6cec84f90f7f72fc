# expects: DAT001
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Survey(Dataset):
    """Answers of 1,000 people; some left a question out."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.answers = rng.normal(size=(1000, 11)).astype(np.float32)
        self.group = (self.answers[:, 0] + self.answers[:, 1] > 0).astype(np.int64)
        self.answers[rng.random(self.answers.shape) < 0.003] = np.nan

    def __len__(self):
        return len(self.answers)

    def __getitem__(self, i):
        return self.answers[i], self.group[i]


torch.manual_seed(0)
loader = DataLoader(Survey(), batch_size=25, shuffle=True)
model = nn.Sequential(nn.Linear(11, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(5):
    for answers, group in loader:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(answers), group)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
