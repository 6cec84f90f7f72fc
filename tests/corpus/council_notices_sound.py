# expects: nothing
"""Topic of short council notices: few labelled texts, word vectors from a large unlabelled archive."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

TOPICS, PER_TOPIC, COMMON, WORDS = 8, 90, 120, 14
VOCAB = TOPICS * PER_TOPIC + COMMON
DIM = 32


def write_notices(rng, n):
    topic = rng.integers(0, TOPICS, n)
    docs = np.empty((n, WORDS), dtype=np.int64)
    for i, t in enumerate(topic):
        on_topic = rng.random(WORDS) < 0.36
        stray = rng.random(WORDS) < 0.15
        src = np.where(stray, rng.integers(0, TOPICS, WORDS), t)
        own = src * PER_TOPIC + rng.integers(0, PER_TOPIC, WORDS)
        filler = TOPICS * PER_TOPIC + rng.integers(0, COMMON, WORDS)
        docs[i] = np.where(on_topic, own, filler)
    return docs, topic


def word_vectors(docs):
    onehot = np.zeros((len(docs), VOCAB), dtype=np.float32)
    for j in range(docs.shape[1]):
        np.add.at(onehot, (np.arange(len(docs)), docs[:, j]), 1.0)
    together = onehot.T @ onehot
    np.fill_diagonal(together, 0.0)
    freq = together.sum(1) + 1.0
    ppmi = np.log1p(together * together.sum() / np.outer(freq, freq))
    u, s, _ = np.linalg.svd(ppmi, full_matrices=False)
    vec = u[:, :DIM] * np.sqrt(s[:DIM])
    return torch.tensor((vec - vec.mean(0)) / vec.std(0), dtype=torch.float32)


class NoticeTagger(L.LightningModule):
    def __init__(self, vectors, hidden=48):
        super().__init__()
        self.place = nn.Embedding(WORDS, DIM)
        self.gate = nn.Linear(DIM, 1)
        self.body = nn.Sequential(nn.Dropout(0.2), nn.Linear(DIM, hidden), nn.Tanh(),
                                  nn.Linear(hidden, TOPICS))
        self.apply(self._init_weights)
        self.words = nn.Embedding.from_pretrained(vectors, freeze=True)
        self.right, self.total = 0, 0

    @staticmethod
    def _init_weights(module):
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)

    def forward(self, tokens):
        e = self.words(tokens)
        weight = torch.softmax(self.gate(e + self.place.weight), dim=1)
        return self.body((weight * e).sum(1) * 2.0)

    def training_step(self, batch, _):
        tokens, topic = batch
        loss = nn.functional.cross_entropy(self(tokens), topic)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def on_train_epoch_end(self):
        if (self.current_epoch + 1) % 10 == 0:
            loss = self.trainer.callback_metrics["loss"].item()
            print(f"epoch {self.current_epoch + 1:3d}  step {self.global_step}  loss {loss:.4f}")

    def test_step(self, batch, _):
        tokens, topic = batch
        self.right += (self(tokens).argmax(1) == topic).sum().item()
        self.total += len(topic)

    def configure_optimizers(self):
        trainable = [p for p in self.parameters() if p.requires_grad]
        return torch.optim.AdamW(trainable, lr=3e-3, weight_decay=0.05)


def main():
    L.seed_everything(17, verbose=False)
    rng = np.random.default_rng(17)
    archive, _ = write_notices(rng, 15000)
    x_tr, y_tr = write_notices(rng, 320)
    x_te, y_te = write_notices(rng, 2000)
    vectors = word_vectors(archive)

    train = DataLoader(TensorDataset(torch.tensor(x_tr), torch.tensor(y_tr)), batch_size=32, shuffle=True)
    test = DataLoader(TensorDataset(torch.tensor(x_te), torch.tensor(y_te)), batch_size=500)
    tagger = NoticeTagger(vectors)
    trainer = L.Trainer(max_epochs=60, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(tagger, train)
    trainer.test(tagger, test, verbose=False)
    print(f"test accuracy {tagger.right / tagger.total:.4f}")


if __name__ == "__main__":
    main()
