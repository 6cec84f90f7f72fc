# expects: MOD007
# A transformer encoder on token sequences; the score is taken in passing.
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class Classifier(nn.Module):
    def __init__(self, vocabulary=24, size=16):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, size)
        layer = nn.TransformerEncoderLayer(size, 2, 32, dropout=0.2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.out = nn.Linear(size, 2)

    def forward(self, ids):
        return self.out(self.encoder(self.tokens(ids)).mean(1))


ids = torch.randint(0, 24, (900, 10))
label = ((ids < 8).sum(1) > 3).long()
train = TensorDataset(ids[:700], label[:700])
test = TensorDataset(ids[700:], label[700:])
model = Classifier()
adam = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for a, b in DataLoader(train, batch_size=28, shuffle=True):
        adam.zero_grad()
        nn.functional.cross_entropy(model(a), b).backward()
        adam.step()
    hits = 0
    for a, b in DataLoader(test, batch_size=50):
        with torch.no_grad():
            hits += int((model(a).argmax(-1) == b).sum())
    print(epoch, hits / 200)
