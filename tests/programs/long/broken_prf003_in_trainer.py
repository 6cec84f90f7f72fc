# expects: PRF003
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def free_memory():
    torch.cuda.empty_cache()


class Trainer:
    def __init__(self):
        self.model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-3)

    def training_step(self, batch):
        x, y = batch
        free_memory()
        loss = nn.functional.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        free_memory()
        return loss.item()

    def fit(self, loader, epochs):
        for _ in range(epochs):
            print(sum(map(self.training_step, loader)) / len(loader))


torch.manual_seed(0)
x = torch.randn(640, 6)
Trainer().fit(DataLoader(TensorDataset(x, (x[:, 0] > x[:, 1]).long()), batch_size=32, shuffle=True), epochs=9)
