# sound: the same program without that
# Guess the "language" of an invented surname with a character GRU.
import random
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence
from torch.utils.data import DataLoader

random.seed(3)
torch.manual_seed(3)

SYLLABLES = {
    "slavic": (["mir", "vol", "gor", "dra", "bog", "kaz", "pet", "jan", "rad"], ["ov", "ski", "enko", "ic", "in", "ak"]),
    "romance": (["mar", "bel", "ros", "fer", "gor", "lom", "pet", "car", "rad"], ["elli", "ini", "ez", "eau", "in", "oso"]),
    "nordic": (["sven", "lind", "ber", "hal", "gor", "nor", "pet", "jan", "kar"], ["sen", "strom", "gren", "dal", "ak", "en"]),
    "greek": (["pap", "kon", "stav", "the", "mar", "nik", "pet", "kar", "bel"], ["akis", "opoulos", "idis", "os", "ou", "en"]),
}
LANGS = list(SYLLABLES)
ALPHABET = {c: i + 1 for i, c in enumerate("abcdefghijklmnopqrstuvwxyz")}


def invent(lang):
    stems, ends = SYLLABLES[lang]
    name = "".join(random.choice(stems) for _ in range(random.randint(1, 3))) + random.choice(ends)
    if random.random() < 0.25:
        k = random.randrange(len(name))
        name = name[:k] + random.choice("aeiou") + name[k + 1:]
    return name


def corpus(n):
    rows = []
    for _ in range(n):
        lang = random.randrange(len(LANGS))
        rows.append((torch.tensor([ALPHABET[c] for c in invent(LANGS[lang])]), lang))
    return rows


def collate(rows):
    seqs, langs = zip(*rows)
    return pad_sequence(seqs, batch_first=True), torch.tensor([len(s) for s in seqs]), torch.tensor(langs)


class OriginGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHABET) + 1, 24, padding_idx=0)
        self.gru = nn.GRU(24, 64, batch_first=True)
        self.fc = nn.Linear(64, len(LANGS))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.emb(x), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.fc(h[-1])


train_dl = DataLoader(corpus(4000), batch_size=32, shuffle=True, collate_fn=collate)
test_dl = DataLoader(corpus(1000), batch_size=250, collate_fn=collate)
model = OriginGRU()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.2)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(4):
    model.train()
    tot = 0.0
    for x, lengths, target in train_dl:
        loss = loss_fn(model(x, lengths), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tot += loss.item()
    scheduler.step()

    model.eval()
    ok = n = 0
    with torch.no_grad():
        for x, lengths, target in test_dl:
            ok += (model(x, lengths).argmax(-1) == target).sum().item()
            n += len(target)
    print("epoch", epoch, "train loss %.4f" % (tot / len(train_dl)), "test accuracy %.3f" % (ok / n))
