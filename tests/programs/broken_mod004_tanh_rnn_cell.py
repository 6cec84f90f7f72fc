# expects: MOD004 NUM002
# also: NUM003 TRN001
"""A hand-written recurrent net with weights of unit size."""

import torch


class Elman(torch.nn.Module):
    def __init__(self, inputs=3, size=32):
        super().__init__()
        self.w_in = torch.nn.Parameter(torch.randn(inputs, size) * 4)
        self.w_rec = torch.nn.Parameter(torch.randn(size, size) * 4)
        self.readout = torch.nn.Linear(size, 2)

    def forward(self, seq):
        h = seq.new_zeros(seq.shape[0], self.w_rec.shape[0])
        for t in range(seq.shape[1]):
            h = torch.tanh(seq[:, t] @ self.w_in + h @ self.w_rec)
        return self.readout(h)


torch.manual_seed(0)
model = Elman()
opt = torch.optim.Adam(model.parameters(), lr=5e-4)
ce = torch.nn.CrossEntropyLoss()
for i in range(250):
    seq = torch.randn(40, 9, 3)
    label = (seq[:, 0, 0] > 0).long()
    loss = ce(model(seq), label)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 50 == 0:
        print(i, loss.item())
