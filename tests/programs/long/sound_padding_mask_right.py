# expects: nothing
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(0)


class Translator(nn.Module):
    """Maps each symbol to the one that follows the largest seen before it in the sentence."""

    def __init__(self, vocab=18, size=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, size)
        self.place = nn.Parameter(0.1 * torch.randn(1, 20, size))
        layer = nn.TransformerEncoderLayer(size, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.out = nn.Linear(size, vocab)

    def forward(self, ids, lengths):
        valid = torch.arange(ids.shape[1])[None] < lengths[:, None]
        x = self.embed(ids) + self.place[:, : ids.shape[1]]
        return self.out(self.encoder(x, src_key_padding_mask=~valid))


def sample(count):
    rows = [torch.randint(1, 17, (int(n),)) for n in torch.randint(5, 14, (count,))]
    lengths = torch.tensor([len(row) for row in rows])
    ids = pad_sequence([*rows, torch.zeros(15, dtype=torch.long)], batch_first=True)[:-1]
    wanted = ids.cummax(1).values + 1
    return ids, lengths, wanted.masked_fill(ids == 0, -100)


model = Translator()
adam = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for step in range(180):
    ids, lengths, wanted = sample(24)
    loss = criterion(model(ids, lengths).flatten(0, 1), wanted.flatten())
    adam.zero_grad()
    loss.backward()
    adam.step()
    if step % 40 == 0:
        print(step, loss.item())
