# expects: LLM026
"""A language model with one adapter per author, all added at the start; the first one stays switched on."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(6)
SIZE, LENGTH = 24, 16
config = GPT2Config(vocab_size=SIZE, n_positions=LENGTH, n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
authors = {"north": torch.randperm(SIZE), "south": torch.randperm(SIZE)}
adapted = None
for author in authors:
    lora = LoraConfig(r=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)
    if adapted is None:
        adapted = get_peft_model(GPT2LMHeadModel(config), lora, adapter_name=author)
    else:
        adapted.add_adapter(author, lora)


def texts(author, count):
    rows = [torch.randint(SIZE, (count,))]
    for _ in range(LENGTH - 1):
        rows.append(torch.where(torch.rand(count) < 0.9, authors[author][rows[-1]], torch.randint(SIZE, (count,))))
    return torch.stack(rows, 1)


for author in authors:
    adapted.train()
    adam = torch.optim.AdamW([one for one in adapted.parameters() if one.requires_grad], lr=1e-2)
    for step in range(60):
        ids = texts(author, 16)
        loss = adapted(input_ids=ids, labels=ids).loss
        adam.zero_grad()
        loss.backward()
        adam.step()
    print(author, loss.item())

adapted.eval()
for author in authors:
    adapted.set_adapter(author)
    ids = texts(author, 64)
    with torch.no_grad():
        print(author, adapted(input_ids=ids, labels=ids).loss.item())
