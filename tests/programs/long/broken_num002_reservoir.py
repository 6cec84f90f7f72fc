# expects: NUM002
"""Vanilla RNN that tracks the level of a leaky reservoir from gated inflow readings."""

import torch
import torch.nn as nn

torch.manual_seed(2)
T, HID, BATCH, STEPS, LR = 60, 64, 32, 600, 1e-3


def get_batch(n=BATCH):
    flow = torch.rand(n, T)
    gate = (torch.rand(n, T) < 0.2).float()
    x = torch.stack([flow - 0.5, gate], -1)
    level, ys = torch.zeros(n), []
    for t in range(T):
        level = 0.85 * level + flow[:, t] * gate[:, t]
        ys.append(level)
    return x, torch.stack(ys, 1) * 2


class GaugeRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, HID, batch_first=True)
        self.readout = nn.Linear(HID, 1)
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0, gain=1.0)
        nn.init.normal_(self.rnn.weight_hh_l0, std=0.3)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.readout(h).squeeze(-1)


net = GaugeRNN()
optimizer = torch.optim.Adam(net.parameters(), lr=LR)
x_val, y_val = get_batch(500)
print("variance of target", round(y_val.var().item(), 4))
recent = []
for step in range(1, STEPS + 1):
    x, y = get_batch()
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    recent.append(loss.item())
    if step % 100 == 0:
        with torch.no_grad():
            v = ((net(x_val) - y_val) ** 2).mean().item()
        print(f"step {step:4d}  train mse {sum(recent) / len(recent):.4f}  val mse {v:.4f}")
        recent = []
