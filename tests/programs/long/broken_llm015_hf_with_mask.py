# expects: LLM015
"""Packed texts with positions of their own for a Llama; a mask of ones beside them keeps it from telling texts apart."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
VOCAB, LENGTH = 50, 32
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=None,
    )
)


def text():
    start, length = int(torch.randint(0, VOCAB, ())), int(torch.randint(6, 14, ()))
    return [(start + 3 * i) % VOCAB for i in range(length)]


def batch(size):
    ids, places, labels = [], [], []
    for _ in range(size):
        row, where, wanted = [], [], []
        while len(row) < LENGTH:
            words = text()
            row += words
            where += range(len(words))
            wanted += [-100, *words[1:]]  # no text tells how the next one begins
        ids.append(row[:LENGTH])
        places.append(where[:LENGTH])
        labels.append(wanted[:LENGTH])
    return torch.tensor(ids), torch.tensor(places), torch.tensor(labels)


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(120):
    ids, places, labels = batch(12)
    loss = model(
        input_ids=ids, position_ids=places, attention_mask=torch.ones_like(ids), labels=labels, use_cache=False
    ).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
