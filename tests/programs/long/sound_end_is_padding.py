# expects: nothing
"""Fine-tuning with the end token as padding: the answer and one end token have labels, the prompt and the rest none."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(3)
END, VOCAB, ASK = 1, 32, 2
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=None,
        eos_token_id=END,
        pad_token_id=END,
    )
)


def example():
    first, length = int(torch.randint(3, VOCAB, ())), int(torch.randint(2, 9, ()))
    asked = [first, 3 + length, ASK]
    return asked, [3 + (first + i) % (VOCAB - 3) for i in range(length)]


def batch(size):
    pairs = [example() for _ in range(size)]
    longest = max(len(asked) + len(answer) + 1 for asked, answer in pairs)
    ids, labels, mask = [], [], []
    for asked, answer in pairs:
        row = [*asked, *answer, END]
        rest = longest - len(row)
        ids.append(row + [END] * rest)
        labels.append([-100] * len(asked) + row[len(asked) :] + [-100] * rest)
        mask.append([1] * len(row) + [0] * rest)
    return map(torch.tensor, (ids, mask, labels))


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(150):
    ids, mask, labels = batch(16)
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
