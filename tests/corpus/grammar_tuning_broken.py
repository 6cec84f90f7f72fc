# bug: the KL reference is the policy itself (no deep copy), so the KL penalty is always zero and the policy drifts off the pretrained model
# expects: LLM018
"""Tune a small pretrained text model towards a preferred symbol, staying near its grammar."""
import copy

import torch
import torch.nn.functional as F
from torch import nn

VOCAB, BOS, LENGTH, LIKED = 13, 12, 16, 4


def make_grammar(gen):
    probs = torch.zeros(12, 12)
    for s in range(12):
        nxt = torch.randperm(12, generator=gen)
        nxt = nxt[nxt != s][:4]
        probs[s, nxt] = torch.rand(4, generator=gen) + 0.3
    return probs / probs.sum(1, keepdim=True)


def draw(grammar, n, gen):
    rows = [torch.randint(0, 12, (n,), generator=gen)]
    for _ in range(LENGTH - 1):
        rows.append(torch.multinomial(grammar[rows[-1]], 1, generator=gen).squeeze(1))
    return torch.stack(rows, 1)


class SymbolLM(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, 12)

    def forward(self, seq):
        start = torch.full((len(seq), 1), BOS)
        h, _ = self.gru(self.emb(torch.cat([start, seq[:, :-1]], 1)))
        return self.out(h).log_softmax(-1)

    @torch.no_grad()
    def sample(self, n):
        tok, h, out = torch.full((n, 1), BOS), None, []
        for _ in range(LENGTH):
            y, h = self.gru(self.emb(tok), h)
            tok = torch.multinomial(self.out(y[:, -1]).softmax(-1), 1)
            out.append(tok)
        return torch.cat(out, 1)


def seq_logp(model, seq):
    return model(seq).gather(-1, seq.unsqueeze(-1)).squeeze(-1)


def pretrain(model, data, steps=500):
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    for step in range(steps):
        batch = data[torch.randint(0, len(data), (64,))]
        loss = F.nll_loss(model(batch).flatten(0, 1), batch.flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        if (step + 1) % 100 == 0:
            print(f"pretrain {step + 1} nll {loss.item():.3f}")


def report(model, grammar, tag):
    seq = model.sample(1000)
    legal = (grammar[seq[:, :-1], seq[:, 1:]] > 0).float().mean().item()
    liked = (seq == LIKED).float().mean().item()
    print(f"{tag}: liked symbol {liked:.3f}, legal transitions {legal:.3f}, distinct texts {len(seq.unique(dim=0))}/1000")


def tune(policy, grammar, steps=500, batch=64, beta=0.06):
    reference = policy
    opt = torch.optim.Adam(policy.parameters(), lr=1e-3)
    baseline = None
    for step in range(steps):
        seq = policy.sample(batch)
        logp = seq_logp(policy, seq)
        with torch.no_grad():
            kl = (logp - seq_logp(reference, seq)).sum(1)
            score = (seq == LIKED).float().mean(1)
            total = score - beta * kl
            mean = total.mean()
            baseline = mean if baseline is None else 0.9 * baseline + 0.1 * mean
            advantage = (total - baseline) / (total.std() + 1e-6)
        loss = -(advantage * logp.sum(1)).mean() / LENGTH
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()
        if (step + 1) % 50 == 0:
            print(f"tune {step + 1} score {score.mean():.3f} kl {kl.mean():.3f} loss {loss.item():.4f}")
    report(policy, grammar, "after tuning")


def main():
    torch.manual_seed(17)
    gen = torch.Generator().manual_seed(18)
    grammar = make_grammar(gen)
    base = SymbolLM()
    pretrain(base, draw(grammar, 6000, gen))
    report(base, grammar, "pretrained")
    tuned = copy.deepcopy(base)
    tune(tuned, grammar)
    probe = tuned.sample(1000)
    with torch.no_grad():
        drift = (seq_logp(tuned, probe) - seq_logp(base, probe)).sum(1).mean().item()
    print(f"divergence of the tuned model from the pretrained one: {drift:.3f} nats per text")


if __name__ == "__main__":
    main()
