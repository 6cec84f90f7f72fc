# bug: the KL reference is refreshed from the policy every iteration, so the KL stays near 0 and never anchors the policy
# expects: LLM018
"""Tune a tiny review generator for positive sentiment with policy gradients and a KL penalty to the pretrained model."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, LEN, KL_COEF = 24, 16, 0.5
POSITIVE = torch.tensor([3, 7, 11, 19])


class Writer(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, VOCAB)

    def forward(self, ids):
        h, _ = self.rnn(self.emb(ids))
        return self.out(h)

    @torch.no_grad()
    def write(self, first):
        ids, state = first, None
        for _ in range(LEN - 1):
            h, state = self.rnn(self.emb(ids[:, -1:]), state)
            nxt = torch.distributions.Categorical(logits=self.out(h[:, -1])).sample()
            ids = torch.cat([ids, nxt[:, None]], 1)
        return ids


def grammar():
    g = torch.Generator().manual_seed(50)
    table = torch.zeros(VOCAB, VOCAB)
    for i in range(VOCAB):
        nxt = torch.randperm(VOCAB, generator=g)[:6]
        table[i, nxt] = torch.rand(6, generator=g) + 0.2
    return table / table.sum(1, keepdim=True)


def human_text(table, n):
    ids = torch.randint(VOCAB, (n, 1))
    for _ in range(LEN - 1):
        ids = torch.cat([ids, torch.multinomial(table[ids[:, -1]], 1)], 1)
    return ids


def reward_model(ids):
    return torch.isin(ids[:, 1:], POSITIVE).float().mean(1)


def token_logp(model, ids):
    lp = F.log_softmax(model(ids[:, :-1]), -1)
    return lp.gather(-1, ids[:, 1:, None]).squeeze(-1)


@torch.no_grad()
def quality(policy, table, n=2000):
    ids = policy.write(torch.randint(VOCAB, (n, 1)))
    legal = (table[ids[:, :-1], ids[:, 1:]] > 0).float().mean().item()
    variety = len(torch.unique(ids, dim=0)) / n
    return reward_model(ids).mean().item(), legal, variety


def pretrain(model, table, steps=400):
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    for step in range(1, steps + 1):
        loss = -token_logp(model, human_text(table, 64)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            print(f"pretrain {step} nll {loss.item():.3f}")


def main():
    torch.manual_seed(6)
    table = grammar()
    policy = Writer()
    pretrain(policy, table)
    print("before: reward %.3f legal %.3f variety %.3f" % quality(policy, table))

    ref = copy.deepcopy(policy).eval().requires_grad_(False)
    opt = torch.optim.Adam(policy.parameters(), lr=1e-3)
    for it in range(1, 161):
        ref.load_state_dict(policy.state_dict())
        ids = policy.write(torch.randint(VOCAB, (128, 1)))
        with torch.no_grad():
            old = token_logp(policy, ids)
            gap = old - token_logp(ref, ids)
            r = -KL_COEF * gap
            r[:, -1] += (LEN - 1) * reward_model(ids)
            ret = r.flip(1).cumsum(1).flip(1)
            adv = (ret - ret.mean(0)) / (ret.std(0) + 1e-6)
        for _ in range(2):
            ratio = (token_logp(policy, ids) - old).exp()
            loss = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            opt.step()
        if it % 20 == 0:
            print(f"iter {it} reward {reward_model(ids).mean():.3f} kl {gap.sum(1).mean():.3f}")
    print("after: reward %.3f legal %.3f variety %.3f" % quality(policy, table))
    with torch.no_grad():
        text = policy.write(torch.randint(VOCAB, (1000, 1)))
        p = table[text[:, :-1], text[:, 1:]].clamp_min(1e-4)
    print(f"true nll of generated text {-p.log().mean().item():.3f}")


if __name__ == "__main__":
    main()
