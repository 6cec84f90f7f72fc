# bug: collate calls masked_fill (not in place) and drops the result, so the random prompt tokens stay in the labels and the loss is mostly on the prompt
# expects: LLM016
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

set_seed(17)
rng = np.random.default_rng(17)

PAD, SEP, EOS, FIRST = 0, 1, 2, 3
N_ITEMS = 40
ITEMS = np.arange(FIRST, FIRST + N_ITEMS)
ALLERGEN = rng.permutation(np.repeat(np.arange(4), N_ITEMS // 4))
TAGS = FIRST + N_ITEMS + np.arange(4)
VOCAB = int(TAGS[-1]) + 1


def make_example():
    """A shopping list, then the allergen group of its last item and of its first item."""
    items = rng.choice(ITEMS, size=rng.integers(18, 31))
    answer = [TAGS[ALLERGEN[items[-1] - FIRST]], TAGS[ALLERGEN[items[0] - FIRST]]]
    return [*items, SEP], [*answer, EOS]


def collate(examples):
    width = max(len(p) + len(a) for p, a in examples)
    ids = torch.full((len(examples), width), PAD)
    attn = torch.zeros_like(ids)
    for row, (prompt, answer) in enumerate(examples):
        full = torch.tensor(np.array(prompt + answer))
        ids[row, :len(full)] = full
        attn[row, :len(full)] = 1
    plen = torch.tensor([len(p) for p, _ in examples])
    labels = ids.masked_fill(attn == 0, -100)
    labels.masked_fill(torch.arange(width)[None, :] < plen[:, None], -100)
    return {"input_ids": ids, "attention_mask": attn, "labels": labels}, plen


@torch.no_grad()
def exact_match(model, examples):
    model.eval()
    good = 0
    for lo in range(0, len(examples), 100):
        chunk = examples[lo:lo + 100]
        batch, plen = collate(chunk)
        guess = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.argmax(-1)
        for row, (_, answer) in enumerate(chunk):
            start = plen[row].item() - 1
            good += guess[row, start:start + len(answer)].tolist() == [int(t) for t in answer]
    return good / len(examples)


train = [make_example() for _ in range(3000)]
valid = [make_example() for _ in range(300)]
test = [make_example() for _ in range(600)]

config = LlamaConfig(
    vocab_size=VOCAB, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=PAD, eos_token_id=EOS, bos_token_id=None,
)
model = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
print(f"{model.num_parameters():,} parameters, {len(train)} examples")

step = 0
for epoch in range(5):
    order = rng.permutation(len(train))
    for lo in range(0, len(order), 24):
        model.train()
        batch, _ = collate([train[i] for i in order[lo:lo + 24]])
        loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        if step % 125 == 0:
            print(f"step {step} | loss {loss.item():.4f} | valid exact match {exact_match(model, valid):.3f}")

print(f"test exact match {exact_match(model, test):.3f}")
