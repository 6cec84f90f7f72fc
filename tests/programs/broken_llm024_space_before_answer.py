# expects: LLM024
"""A GPT-2 that turns words round; its prompt is measured with a blank that is part of the answer's first token in a row."""

import random

import torch
from torch.utils.data import DataLoader
from transformers import GPT2Config, GPT2LMHeadModel

random.seed(5)
torch.manual_seed(5)
PAD, END, ARROW = 0, 1, 2
PIECES = {letter: 3 + i for i, letter in enumerate("abcdefghij")}
STARTS = {" " + letter: 13 + i for i, letter in enumerate("abcdefghij")}
BLANK = 23


def encode(text):
    ids = []
    while text:
        if text[:2] in STARTS:
            ids.append(STARTS[text[:2]])
            text = text[2:]
        else:
            ids.append({">": ARROW, "$": END, " ": BLANK}.get(text[0], PIECES.get(text[0])))
            text = text[1:]
    return ids


def example():
    word = "".join(random.choices("abcdefghij", k=random.randint(3, 5)))
    prompt = f"{word}> "
    ids = encode(f"{prompt}{word[::-1]}$")
    asked = len(encode(prompt))
    return ids, [-100] * asked + ids[asked:]


def collate(rows):
    width = max(len(ids) for ids, _ in rows)
    return {
        "input_ids": torch.tensor([ids + [PAD] * (width - len(ids)) for ids, _ in rows]),
        "labels": torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in rows]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows]),
    }


config = GPT2Config(vocab_size=24, n_positions=16, n_embd=48, n_layer=2, n_head=2, pad_token_id=PAD, eos_token_id=END)
model = GPT2LMHeadModel(config)
loader = DataLoader([example() for _ in range(3000)], 24, shuffle=True, collate_fn=collate)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for batch in loader:
    loss = model(**batch).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
right = 0
for _ in range(20):
    ids, _ = example()
    prompt = ids[: ids.index(ARROW) + 1]
    said = model.generate(torch.tensor([prompt]), max_new_tokens=8, do_sample=False)[0].tolist()
    right += said == ids
print(loss.item(), right / 20)
