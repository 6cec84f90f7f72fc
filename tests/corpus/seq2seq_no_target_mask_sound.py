# sound: sequence-to-sequence transformer with a target mask
"""Translate numbers into sorted numbers with nn.Transformer, teacher forcing."""
import math

import torch
from torch import Tensor, nn

PAD, BOS, EOS, FIRST = 0, 1, 2, 3
DIGITS, LENGTH, D = 8, 5, 32


class Seq2Seq(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.src_embed = nn.Embedding(DIGITS + FIRST, D)
        self.tgt_embed = nn.Embedding(DIGITS + FIRST, D)
        self.position = nn.Parameter(torch.randn(LENGTH + 2, D) * 0.1)
        self.transformer = nn.Transformer(D, 4, 1, 1, 64, dropout=0.0, batch_first=True)
        self.generator = nn.Linear(D, DIGITS + FIRST)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        s = self.src_embed(src) * math.sqrt(D) + self.position[: src.shape[1]]
        t = self.tgt_embed(tgt) * math.sqrt(D) + self.position[: tgt.shape[1]]
        mask = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1])
        return self.generator(self.transformer(s, t, tgt_mask=mask, tgt_is_causal=True))

    @torch.no_grad()
    def decode(self, src: Tensor) -> Tensor:
        out = torch.full((len(src), 1), BOS)
        for _ in range(LENGTH):
            logits = self(src, out)
            out = torch.cat([out, logits[:, -1:].argmax(-1)], 1)
        return out[:, 1:]


def batch(n: int, g: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    src = torch.randint(FIRST, FIRST + DIGITS, (n, LENGTH), generator=g)
    target = torch.cat([src.sort(1).values, torch.full((n, 1), EOS)], 1)
    inputs = torch.cat([torch.full((n, 1), BOS), target[:, :-1]], 1)
    return src, inputs, target


def main() -> None:
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(0)
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98))
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 40)
    test_src = batch(200, g)[0]
    for step in range(1, 401):
        model.train()
        src, inputs, target = batch(48, g)
        logits = model(src, inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        warmup.step()
        if step % 100 == 0:
            model.eval()
            acc = (model.decode(test_src) == test_src.sort(1).values).float().mean().item()
            print(f"step {step}: teacher-forced loss {loss.item():.4f}, greedy digit accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
