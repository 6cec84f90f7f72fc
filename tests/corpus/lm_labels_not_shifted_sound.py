# sound: GRU language model, labels shifted by one
# Character-level language model with a GRU: learn to write dates
import random
import string

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(26)
torch.manual_seed(26)

MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july',
          'august', 'september', 'october', 'november', 'december']
text = '\n'.join(f'{random.randint(1, 28)} {random.choice(MONTHS)} {random.randint(1990, 2024)}' for _ in range(1500))
chars = string.ascii_lowercase + string.digits + ' \n'
encode = {c: i for i, c in enumerate(chars)}
data = torch.tensor([encode[c] for c in text])
n_val = len(data) // 10
train_data, val_data = data[:-n_val], data[-n_val:]

SEQ_LEN = 40
BATCH_SIZE = 32


def sample_batch(source):
    pos = torch.randint(0, len(source) - SEQ_LEN - 1, (BATCH_SIZE,))
    chunk = source[pos.unsqueeze(1) + torch.arange(SEQ_LEN + 1)]
    return chunk[:, :-1], chunk[:, 1:]


class CharGRU(nn.Module):
    def __init__(self, n_chars, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(n_chars, 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, n_chars)

    def forward(self, x, h=None):
        out, h = self.gru(self.embedding(x), h)
        return self.fc(out), h


@torch.no_grad()
def generate(model, n):
    model.eval()
    token, h, out = torch.tensor([[encode['\n']]]), None, []
    for _ in range(n):
        logits, h = model(token, h)
        token = torch.multinomial(F.softmax(logits[:, -1], -1), 1)
        out.append(chars[token.item()])
    model.train()
    return ''.join(out)


model = CharGRU(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(1, 251):
    x, y = sample_batch(train_data)
    logits, _ = model(x)
    loss = F.cross_entropy(logits.reshape(-1, len(chars)), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            xv, yv = sample_batch(val_data)
            val = F.cross_entropy(model(xv)[0].flatten(0, 1), yv.flatten()).item()
        print(f'step {step}: train {loss.item():.4f} val {val:.4f}')
print(repr(generate(model, 80)))
