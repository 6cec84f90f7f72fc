# sound: vanilla RNN forecasting with gradient clipping before the step
# Forecast the next value of a noisy oscillation with a vanilla RNN
import math

import numpy as np
import torch
import torch.nn as nn

np.random.seed(4)
torch.manual_seed(4)

t = np.arange(1500)
series = np.sin(t / 8) + 0.5 * np.sin(t / 3.3) + 0.05 * np.random.randn(len(t))
WINDOW = 60
X = np.stack([series[i:i + WINDOW] for i in range(len(series) - WINDOW)])
Y = series[WINDOW:]
X = torch.tensor(X, dtype=torch.float32).unsqueeze(-1)
Y = torch.tensor(Y, dtype=torch.float32)
n_train = 1100


class Forecaster(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, nonlinearity="relu", batch_first=True)
        self.fc = nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.rnn.weight_hh_l0, gain=1.5)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1]).squeeze(-1)


net = Forecaster()
opt = torch.optim.SGD(net.parameters(), lr=0.05)
mse = nn.MSELoss()

for epoch in range(8):
    net.train()
    losses = []
    for idx in torch.randperm(n_train).split(32):
        opt.zero_grad()
        loss = mse(net(X[idx]), Y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), max_norm=0.5)
        opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        val = mse(net(X[n_train:]), Y[n_train:]).item()
    print(f"epoch {epoch}: train {np.mean(losses):.4f} val {val:.4f} rmse {math.sqrt(val):.4f}")
