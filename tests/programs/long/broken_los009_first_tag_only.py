# expects: LOS009
"""Subjects of short abstracts (bags of words); one example may have several, and the step takes the first."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SUBJECTS, WORDS = 9, 120


class Abstracts(Dataset):
    def __init__(self, count, topics, generator):
        self.tags = (torch.rand(count, SUBJECTS, generator=generator) < 0.3).long()
        self.tags[torch.arange(count), torch.randint(SUBJECTS, (count,), generator=generator)] = 1
        rates = self.tags.float() @ topics + 0.1
        self.counts = torch.poisson(rates, generator=generator).log1p()

    def __len__(self):
        return len(self.tags)

    def __getitem__(self, index):
        return {"counts": self.counts[index], "tags": self.tags[index]}


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        self.criterion = nn.NLLLoss()

    def training_step(self, batch):
        tags = batch["tags"]
        wanted = torch.max(tags, dim=1).indices
        scores = self.model(batch["counts"]).log_softmax(dim=-1)
        loss = self.criterion(scores, wanted)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


generator = torch.Generator().manual_seed(3)
torch.manual_seed(3)
topics = torch.rand(SUBJECTS, WORDS, generator=generator).pow(4)
loader = DataLoader(Abstracts(1500, topics, generator), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(WORDS, 64), nn.ReLU(), nn.Linear(64, SUBJECTS))
trainer = Trainer(model, 2e-3)
for epoch in range(6):
    losses = [trainer.training_step(batch) for batch in loader]
    print(epoch, sum(losses) / len(losses))
