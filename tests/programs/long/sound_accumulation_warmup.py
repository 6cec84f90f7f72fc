# expects: nothing
"""Gradient accumulation over 8 micro-batches, clipping, warm-up and linear decay; zero_grad behind the step."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(42)
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32)[order] / 16
y = torch.tensor(digits.target)[order]
loader = DataLoader(TensorDataset(x[:1536], y[:1536]), batch_size=12, shuffle=True)

accumulation_steps = 8
epochs = 12
updates = epochs * len(loader) // accumulation_steps
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda n: min((n + 1) / 20, max(0.0, (updates - n) / (updates - 20)))
)
optimizer.zero_grad()
for epoch in range(epochs):
    model.train()
    for i, (inputs, labels) in enumerate(loader, 1):
        loss = nn.functional.cross_entropy(model(inputs), labels) / accumulation_steps
        loss.backward()
        if i % accumulation_steps == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1536:]).argmax(1) == y[1536:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item() * accumulation_steps:.3f}, held-out accuracy {accuracy:.3f}")
