# expects: nothing
"""A slow copy makes targets with a graph that is cut off afterwards; what a recurrent net remembers is cut at each step."""

import torch
from torch import nn

torch.manual_seed(5)
WIDTH = 384


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(8, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, 8)

    def forward(self, x, state=None):
        made, state = self.cell(x, state)
        return self.head(made), state


fast, slow = Reader(), Reader()
slow.load_state_dict(fast.state_dict())
optimizer = torch.optim.Adam(fast.parameters(), lr=2e-3)
signal = torch.sin(torch.arange(20_000)[:, None] * torch.rand(8) * 0.3).view(10, 2000, 8)
state, per_round = None, []
for step in range(150):
    begin = step * 12 % 1900
    piece = signal[:, begin : begin + 13]
    guess, state = fast(piece[:, :-1], state)
    taught, _ = slow(piece[:, :-1])
    loss = nn.functional.mse_loss(guess, piece[:, 1:]) + 0.1 * nn.functional.mse_loss(guess, taught.detach())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    state = state.detach()
    with torch.no_grad():
        for mine, other in zip(slow.parameters(), fast.parameters()):
            mine.lerp_(other, 0.05)
    if step % 30 == 29:
        per_round.append(fast(signal[:2, :20])[0])
        print(f"{step + 1}: loss {loss.item():.4f}, moved {(per_round[-1] - per_round[0]).abs().mean().item():.3f}")
