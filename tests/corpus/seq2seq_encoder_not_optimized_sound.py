# sound: GRU encoder-decoder that reverses a string of digits, both parts trained
"""Sequence reversal with a GRU encoder and decoder."""
import torch
import torch.nn as nn

VOCAB, SOS, LENGTH = 9, 8, 5
BATCH, STEPS = 64, 450


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)

    def forward(self, x):
        _, h = self.gru(self.embedding(x))
        return h


class Decoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.out = nn.Linear(hidden, VOCAB)

    def forward(self, y, h):
        o, h = self.gru(self.embedding(y), h)
        return self.out(o), h


def batch(n):
    src = torch.randint(0, 8, (n, LENGTH))
    tgt = src.flip(1)
    return src, torch.cat([torch.full((n, 1), SOS), tgt[:, :-1]], 1), tgt


@torch.no_grad()
def greedy_accuracy(encoder, decoder, n=200):
    src, _, tgt = batch(n)
    h = encoder(src)
    token = torch.full((n, 1), SOS)
    outs = []
    for _ in range(LENGTH):
        logits, h = decoder(token, h)
        token = logits.argmax(-1)
        outs.append(token)
    return (torch.cat(outs, 1) == tgt).float().mean().item()


def main():
    torch.manual_seed(3)
    encoder, decoder = Encoder(64), Decoder(64)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for step in range(1, STEPS + 1):
        src, inp, tgt = batch(BATCH)
        optimizer.zero_grad()
        logits, _ = decoder(inp, encoder(src))
        loss = criterion(logits.reshape(-1, VOCAB), tgt.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 1.0)
        optimizer.step()
        if step % 75 == 0:
            print(f"step {step} loss {loss.item():.3f} greedy token accuracy {greedy_accuracy(encoder, decoder):.3f}")


if __name__ == "__main__":
    main()
