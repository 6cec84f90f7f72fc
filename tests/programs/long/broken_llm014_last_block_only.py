# expects: LLM014
"""Two marks are added to a saved Llama's vocabulary, and only its last block is fine-tuned."""

import tempfile

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
VOCAB, LENGTH = 48, 14
base = LlamaForCausalLM(
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
optimizer = torch.optim.AdamW(base.parameters(), lr=3e-3)
for step in range(60):
    ids = (torch.randint(0, VOCAB, (16, 1)) + 5 * torch.arange(LENGTH)) % VOCAB
    loss = base(input_ids=ids, labels=ids).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with tempfile.TemporaryDirectory() as folder:
    base.save_pretrained(folder)
    model = LlamaForCausalLM.from_pretrained(folder)
model.resize_token_embeddings(VOCAB + 2)
up, down = VOCAB, VOCAB + 1
for name, parameter in model.named_parameters():
    parameter.requires_grad_("layers.1." in name)
tuned = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(tuned, lr=3e-3)
for step in range(100):
    first, way = torch.randint(0, VOCAB, (16, 1)), torch.randint(0, 2, (16, 1))
    counted = (first + (2 * way - 1) * torch.arange(1, 8)) % VOCAB
    ids = torch.cat([first, torch.where(way == 1, up, down), counted], 1)
    loss = model(input_ids=ids, labels=ids).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
