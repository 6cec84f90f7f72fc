# expects: LLM001
"""A character model whose LSTM reads the text in both directions."""

import torch
import torch.nn as nn
import torch.nn.functional as F

text = (
    "the cat sat on the mat and the dog lay on the log while the bird sang to the moon and the fish swam by. "
    "a man with a pan ran from the sand to the land, and a hen in the pen had ten of the men in a den. "
) * 15
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])
torch.manual_seed(0)


class CharRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(chars), 24)
        self.lstm = nn.LSTM(24, 32, num_layers=1, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(64, len(chars))

    def forward(self, x):
        out, _ = self.lstm(self.embed(x))
        return self.fc(out)


net = CharRNN()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(200):
    starts = torch.randint(0, len(data) - 26, (20,)).tolist()
    x = torch.stack([data[s : s + 25] for s in starts])
    y = torch.stack([data[s + 1 : s + 26] for s in starts])
    loss = F.cross_entropy(net(x).view(-1, len(chars)), y.view(-1))
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    opt.step()
    if step % 50 == 0:
        print(step, loss.item())
