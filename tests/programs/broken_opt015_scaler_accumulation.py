# expects: OPT015
"""Mixed precision with accumulation over six batches; the loss is scaled for precision, not for accumulation."""

import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
bunch = load_digits()
data = TensorDataset(torch.tensor(bunch.data, dtype=torch.float32) / 16, torch.tensor(bunch.target))
loader = DataLoader(data, batch_size=8, shuffle=True, drop_last=True)
GRAD_ACCUM = 6


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 10))

    def forward(self, pixels):
        return self.layers(pixels)


model = Classifier()
optimizer = optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
criterion = nn.CrossEntropyLoss()
seen = 0
for epoch in range(5):
    for pixels, digit in loader:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = criterion(model(pixels), digit)
        scaler.scale(loss).backward()
        seen += 1
        if seen % GRAD_ACCUM == 0:
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
    print(f"epoch {epoch} loss {loss.item():.4f}")
