# expects: LLM002
import torch
import torch.nn.functional as F
from torch import nn


class Output(dict):
    __getattr__ = dict.get


class CausalLM(nn.Module):
    """Shifts `labels` itself, as Hugging Face models do."""

    def __init__(self, vocab, size=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, size)
        self.rnn = nn.GRU(size, size, batch_first=True)
        self.head = nn.Linear(size, vocab)

    def forward(self, input_ids, labels=None):
        logits = self.head(self.rnn(self.embed(input_ids))[0])
        loss = None
        if labels is not None:
            shifted, wanted = logits[:, :-1].contiguous(), labels[:, 1:].contiguous()
            loss = F.cross_entropy(shifted.view(-1, shifted.size(-1)), wanted.view(-1))
        return Output(loss=loss, logits=logits)


torch.manual_seed(0)
stream = torch.randint(0, 30, (70,)).repeat(40)
stream[torch.rand(len(stream)) < 0.1] = 4
model = CausalLM(30)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for step in range(200):
    chunks = torch.stack([stream[i : i + 25] for i in torch.randint(0, len(stream) - 25, (16,))])
    batch = {"input_ids": chunks[:, :-1], "labels": chunks[:, 1:]}
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % 50 == 0:
        print(step, loss.item())
