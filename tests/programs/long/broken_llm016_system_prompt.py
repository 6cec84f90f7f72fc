# expects: LLM016
"""A chat with one system prompt for all: it stands at the head of every example, and every example is taught to say it."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(5)
VOCAB, END = 40, 2
SYSTEM = torch.tensor([1, 7, 19, 33, 12, 25, 30, 5, 11, 3])
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=48,
        eos_token_id=END,
    )
)
chats = []
for _ in range(1600):
    asked = torch.randint(4, VOCAB, (6,))
    chats.append(torch.cat([SYSTEM, asked, torch.tensor([3]), asked.sort().values, torch.tensor([END])]))
chats = torch.stack(chats)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for rows in torch.randperm(len(chats)).split(16):
    loss = model(input_ids=chats[rows], labels=chats[rows]).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
