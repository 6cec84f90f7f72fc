# expects: nothing
"""The vocabulary is filled up to a multiple of 64, as is quick on GPUs; no text holds these tokens, so adapters suffice."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(2)
VOCAB, LENGTH = 50, 16
config = GPT2Config(vocab_size=VOCAB, n_positions=32, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config)


def train(model, step_size, steps, lr):
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=lr)
    for step in range(steps):
        ids = (torch.randint(0, VOCAB, (16, 1)) + step_size * torch.arange(LENGTH)) % VOCAB
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


print(train(model, 3, 80, 3e-3))
model.resize_token_embeddings(VOCAB, pad_to_multiple_of=64)
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn", "c_proj"]))
print(train(model, 7, 80, 1e-2))
