# bug: outputs of all steps are kept, and never cleared
# expects: MEM003
"""Tagging machine log lines with a GRU; a bare-bones module in the manner of Lightning and a fitting loop."""
import resource

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, TAGS, LENGTH = 50, 12, 40


def log_sequences(n, rng):
    """the tag of an event depends on the event itself and on the mode set by the last control event (id < 4)"""
    table = np.random.default_rng(1000).integers(0, TAGS, (4, VOCAB))
    events = rng.integers(4, VOCAB, (n, LENGTH))
    control = rng.random((n, LENGTH)) < 0.12
    control[:, 0] = True
    events[control] = rng.integers(0, 4, control.sum())
    tags = np.zeros_like(events)
    for i in range(n):
        mode = 0
        for t in range(LENGTH):
            if events[i, t] < 4:
                mode = events[i, t]
            tags[i, t] = table[mode, events[i, t]]
    flip = rng.random(tags.shape) < 0.03
    tags[flip] = rng.integers(0, TAGS, flip.sum())
    return TensorDataset(torch.tensor(events), torch.tensor(tags))


class TaggerModule(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 32)
        self.rnn = nn.GRU(32, hidden, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(hidden, 64), nn.ReLU(), nn.Linear(64, TAGS))
        self.criterion = nn.CrossEntropyLoss()
        self.outputs = {"train": [], "valid": []}

    def forward(self, events):
        return self.mlp(self.rnn(self.embed(events))[0])

    def shared_step(self, batch, stage):
        events, tags = batch
        logits = self(events)
        loss = self.criterion(logits.flatten(0, 1), tags.flatten())
        self.outputs[stage].append({"loss": loss.detach(), "logits": logits.detach(), "tags": tags})
        return loss

    def epoch_end(self, stage):
        outs = self.outputs[stage]
        loss = torch.stack([o["loss"] for o in outs]).mean().item()
        logits = torch.cat([o["logits"] for o in outs])
        tags = torch.cat([o["tags"] for o in outs])
        accuracy = (logits.argmax(-1) == tags).float().mean().item()
        return {f"{stage}_loss": loss, f"{stage}_acc": accuracy}

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=4e-3)


class Fitter:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def fit(self, module, train_loader, valid_loader):
        optimizer = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            module.train()
            for batch in train_loader:
                loss = module.shared_step(batch, "train")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            logs = module.epoch_end("train")
            module.eval()
            with torch.no_grad():
                for batch in valid_loader:
                    module.shared_step(batch, "valid")
            logs.update(module.epoch_end("valid"))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"epoch {epoch}: " + "  ".join(f"{k} {v:.4f}" for k, v in logs.items()) + f"  peak {peak} MiB")
        return logs


def main():
    torch.manual_seed(40)
    rng = np.random.default_rng(40)
    train, valid = log_sequences(2000, rng), log_sequences(400, rng)
    fitter = Fitter(max_epochs=10)
    logs = fitter.fit(
        TaggerModule(),
        DataLoader(train, batch_size=40, shuffle=True),
        DataLoader(valid, batch_size=100),
    )
    print(f"validation accuracy {logs['valid_acc']:.4f}")


if __name__ == "__main__":
    main()
