# expects: nothing
"""Estimate the topic mixture of short documents from their word counts (label distribution learning)."""

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, TOPICS, WORDS = 400, 8, 120


def corpus(n, word_given_topic):
    mix = torch.distributions.Dirichlet(torch.full((TOPICS,), 0.35)).sample((n,))
    words = torch.multinomial(mix @ word_given_topic, WORDS, replacement=True)
    counts = torch.zeros(n, VOCAB).scatter_add_(1, words, torch.ones(n, WORDS))
    mix = mix.clamp_min(1e-6)
    return counts, mix / mix.sum(1, keepdim=True)


class MixtureHead(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.embed = nn.Linear(VOCAB, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, TOPICS)

    def forward(self, counts):
        h = self.embed(counts.sqrt())
        return F.log_softmax(self.out(F.gelu(self.norm(h))), dim=-1)


def report(name, model, counts, mix):
    model.eval()
    with torch.no_grad():
        p = model(counts).exp()
    tv = 0.5 * (p - mix).abs().sum(1).mean().item()
    top = (p.argmax(1) == mix.argmax(1)).float().mean().item()
    sharp = p.max(1).values.mean().item()
    print(
        f"{name}: total variation {tv:.3f}  main topic right {top:.3f}  "
        f"mean top share {sharp:.3f} (true {mix.max(1).values.mean().item():.3f})"
    )
    model.train()


def run(seed=2, epochs=5, batch=64):
    torch.manual_seed(seed)
    word_given_topic = torch.distributions.Dirichlet(torch.full((VOCAB,), 0.08)).sample((TOPICS,))
    tr_c, tr_m = corpus(8000, word_given_topic)
    te_c, te_m = corpus(1000, word_given_topic)

    model = MixtureHead()
    optim = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    divergence = nn.KLDivLoss(reduction="batchmean")
    report("untrained", model, te_c, te_m)
    for epoch in range(epochs):
        order = torch.randperm(len(tr_c))
        total = 0.0
        for i in range(0, len(order), batch):
            b = order[i : i + batch]
            log_p = model(tr_c[b])
            loss = divergence(log_p, tr_m[b])
            optim.zero_grad()
            loss.backward()
            optim.step()
            total += loss.item() * len(b)
        print(f"epoch {epoch}: loss {total / len(tr_c):.4f}")
        report("   test", model, te_c, te_m)


run()
