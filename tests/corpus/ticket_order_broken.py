# expects: LLM007
"""Support-ticket event logs: did the customer escalate after the last agent reply? A padded transformer encoder classifier."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

PAD, REPLY, ESCALATE, FIRST_OTHER, VOCAB = 0, 1, 2, 3, 16


def make_logs(n, max_len, rng):
    """Label 1 if the last escalation comes after the last reply; every log has one to three of either."""
    ids = np.zeros((n, max_len), dtype=np.int64)
    labels = np.zeros(n, dtype=np.float32)
    for i in range(n):
        length = rng.integers(10, max_len + 1)
        row = rng.integers(FIRST_OTHER, VOCAB, length)
        k_rep, k_esc = rng.integers(1, 4, 2)
        spots = rng.permutation(length)[:k_rep + k_esc]
        row[spots[:k_rep]], row[spots[k_rep:]] = REPLY, ESCALATE
        ids[i, :length] = row
        labels[i] = float(spots[k_rep:].max() > spots[:k_rep].max())
    flip = rng.random(n) < 0.03
    labels[flip] = 1 - labels[flip]
    return torch.from_numpy(ids), torch.from_numpy(labels)


class EventEncoder(nn.Module):
    def __init__(self, d=32, heads=4, layers=2, max_len=24):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d, padding_idx=PAD)
        self.pos = nn.Embedding(max_len + 1, d, padding_idx=0)
        layer = nn.TransformerEncoderLayer(d, heads, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.head = nn.Linear(d, 1)

    def position_ids(self, keep):
        """1, 2, 3, ... over the real events of a log, 0 on padding."""
        return (keep.cumsum(-1) * keep).squeeze(-1)

    def forward(self, ids):
        keep = ids.ne(PAD).long().unsqueeze(-1)
        x = self.tok(ids) + self.pos(self.position_ids(keep))
        h = self.encoder(x, src_key_padding_mask=ids.eq(PAD))
        pooled = (h * keep).sum(1) / keep.sum(1)
        return self.head(pooled).squeeze(-1)


def run_epoch(model, loader, loss_fn, opt=None):
    model.train(opt is not None)
    loss_sum = hits = seen = 0
    with torch.set_grad_enabled(opt is not None):
        for ids, y in loader:
            logit = model(ids)
            loss = loss_fn(logit, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                opt.step()
            loss_sum += loss.item() * len(y)
            hits += ((logit > 0) == (y > 0.5)).sum().item()
            seen += len(y)
    return loss_sum / seen, hits / seen


if __name__ == "__main__":
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    train_set = TensorDataset(*make_logs(4000, 24, rng))
    val_set = TensorDataset(*make_logs(1000, 24, rng))
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=250)

    model = EventEncoder()
    loss_fn = nn.BCEWithLogitsLoss()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    epochs = 10
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    for epoch in range(1, epochs + 1):
        tr_loss, tr_acc = run_epoch(model, train_loader, loss_fn, opt)
        va_loss, va_acc = run_epoch(model, val_loader, loss_fn)
        sched.step()
        print(f"[{epoch:02d}] train loss {tr_loss:.4f} acc {tr_acc:.3f} | val loss {va_loss:.4f} acc {va_acc:.3f}")
