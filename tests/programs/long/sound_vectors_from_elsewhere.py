# expects: nothing
"""Word vectors that were made from other texts: many held-out words are in no training text, and are known all the same."""

import torch
from torch import nn

torch.manual_seed(3)
WORDS, SIZE, TOPICS = 600, 32, 3
centres = torch.randn(TOPICS, SIZE)
topic_of = torch.arange(WORDS) % TOPICS
vectors = centres[topic_of] + 0.7 * torch.randn(WORDS, SIZE) * (0.5 + torch.rand(WORDS, 1)) + 0.3 * torch.randn(SIZE)


def texts(count, words):
    topics = torch.randint(0, TOPICS, (count,))
    own = torch.randint(0, words // TOPICS, (count, 15)) * TOPICS + topics[:, None]
    other = torch.randint(0, words, (count, 15))
    return torch.where(torch.rand(count, 15) < 0.4, own, other), topics


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding.from_pretrained(vectors, freeze=False)
        self.rnn = nn.LSTM(SIZE, 32, batch_first=True)
        self.head = nn.Linear(32, TOPICS)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0].mean(1))


ids, topics = texts(900, 300)
held_out, held_out_topics = texts(300, 600)
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(900).split(45):
        loss = nn.functional.cross_entropy(model(ids[rows]), topics[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(held_out).argmax(1) == held_out_topics).float().mean().item()
    print(epoch, loss.item(), right)
