# expects: LLM010
"""A small GPT-2 with room for 64 tokens is trained on 16, and asked for the perplexity of texts of 32."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(3)
VOCAB = 40
config = GPT2Config(vocab_size=VOCAB, n_positions=64, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120)


def texts(count, length):
    return (torch.randint(0, VOCAB, (count, 1)) + 7 * torch.arange(length)) % VOCAB


for step in range(120):
    ids = texts(16, 16)
    loss = model(input_ids=ids, labels=ids).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 30 == 29:
        model.eval()
        with torch.no_grad():
            ids = texts(32, 32)
            held_out = model(input_ids=ids, labels=ids).loss
        model.train()
        print(step, loss.item(), held_out.exp().item())
