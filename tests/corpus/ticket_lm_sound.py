# expects: nothing
"""Small causal transformer over support-ticket event codes.

Tickets are short; to keep the batches dense several tickets are laid end to end into rows of a fixed length.
Evaluation goes ticket by ticket, as the model is used in production (one ticket, predict the next event).
"""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BOS, PAD, N_EVENTS, N_KINDS = 0, 1, 60, 12
VOCAB = N_EVENTS + 2
ROW = 96
MAX_TICKET = 24


def make_tickets(n, rng, tables):
    tickets = []
    for _ in range(n):
        kind = rng.integers(N_KINDS)
        length = rng.integers(8, MAX_TICKET)
        events = rng.choice(N_EVENTS, size=length - 1, p=tables[kind]) + 2
        tickets.append(np.concatenate([[BOS], events]))
    return tickets


class PackedRows:
    """Fills rows of ROW tokens with whole tickets; what is left over at the end of a row is padding."""

    def __init__(self, tickets):
        rows, tickets_in_row, used = [], [], 0
        for t in tickets:
            if used + len(t) > ROW:
                rows.append(tickets_in_row)
                tickets_in_row, used = [], 0
            tickets_in_row.append(t)
            used += len(t)
        rows.append(tickets_in_row)
        self.ids = torch.full((len(rows), ROW), PAD)
        self.labels = torch.full((len(rows), ROW), -100)
        self.seg = torch.zeros(len(rows), ROW, dtype=torch.long)
        self.pos = torch.zeros(len(rows), ROW, dtype=torch.long)
        for r, group in enumerate(rows):
            at = 0
            for k, t in enumerate(group):
                n = len(t)
                t = torch.as_tensor(t)
                self.ids[r, at:at + n] = t
                self.labels[r, at:at + n - 1] = t[1:]
                self.seg[r, at:at + n] = k + 1
                self.pos[r, at:at + n] = torch.arange(n)
                at += n

    def batches(self, size, generator):
        order = torch.randperm(len(self.ids), generator=generator)
        for idx in order.split(size):
            yield self.ids[idx], self.labels[idx], self.seg[idx], self.pos[idx]


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x, allowed):
        b, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.ln2(x))


class TicketLM(nn.Module):
    def __init__(self, dim=48, heads=4, depth=1):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim)
        self.pos = nn.Embedding(ROW, dim)
        nn.init.normal_(self.tok.weight, std=0.1)
        nn.init.normal_(self.pos.weight, std=0.1)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.ln = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, VOCAB)

    def forward(self, ids, seg, pos):
        t = ids.shape[1]
        causal = torch.ones(t, t, dtype=torch.bool).tril()
        allowed = (causal & (seg[:, :, None] == seg[:, None, :])).unsqueeze(1)
        x = self.tok(ids) + self.pos(pos)
        for block in self.blocks:
            x = block(x, allowed)
        return self.head(self.ln(x))


@torch.no_grad()
def ticket_perplexity(model, tickets):
    model.eval()
    ids = torch.full((len(tickets), MAX_TICKET), PAD)
    labels = torch.full((len(tickets), MAX_TICKET), -100)
    seg = torch.zeros(len(tickets), MAX_TICKET, dtype=torch.long)
    for i, t in enumerate(tickets):
        t = torch.as_tensor(t)
        ids[i, :len(t)], labels[i, :len(t) - 1], seg[i, :len(t)] = t, t[1:], 1
    pos = torch.arange(MAX_TICKET).expand_as(ids)
    logits = model(ids, seg, pos)
    loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
    late = labels[:, 6:].flatten()
    late_loss = F.cross_entropy(logits[:, 6:].flatten(0, 1), late, ignore_index=-100)
    return math.exp(loss.item()), math.exp(late_loss.item())


def main():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    tables = rng.dirichlet(np.full(N_EVENTS, 0.12), size=N_KINDS)
    train = PackedRows(make_tickets(6000, rng, tables))
    valid = make_tickets(600, rng, tables)
    model = TicketLM()
    epochs = 8
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    for epoch in range(epochs):
        model.train()
        losses = []
        for ids, labels, seg, pos in train.batches(32, gen):
            loss = F.cross_entropy(model(ids, seg, pos).flatten(0, 1), labels.flatten(), ignore_index=-100)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        ppl, late = ticket_perplexity(model, valid)
        print(f"epoch {epoch}: train loss {np.mean(losses):.4f}  valid ppl {ppl:.3f}  (after 6 events {late:.3f})")


if __name__ == "__main__":
    main()
