# expects: OPT021
"""`configure` gives back one optimizer for the weights and one for the biases; the first has both."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(900, 11)
y = (x @ torch.randn(11, 1)).tanh()
loader = DataLoader(TensorDataset(x, y), batch_size=45, shuffle=True)


def configure(model):
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    return [
        torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01),
        torch.optim.AdamW(biases, lr=2e-3, weight_decay=0.0),
    ]


model = nn.Sequential(nn.Linear(11, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
optimizers = configure(model)
for epoch in range(12):
    for a, b in loader:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(a), b)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    print(epoch, loss.item())
