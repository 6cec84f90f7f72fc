"""LLM014: tokens were added to a vocabulary whose embedding is frozen, so their rows never become anything."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SAMPLES = 5
FEWEST = 8


def check(run: Run) -> Iterator[Finding]:
    for table in run.added_rows:
        # An adapter on the embedding itself changes what is made of these rows.
        if table.samples < SAMPLES or table.used < FEWEST or table.name.endswith("base_layer"):
            continue
        yield Finding(
            "LLM014",
            data={
                "layer": table.name,
                "added": table.added,
                "rows": table.rows,
                "used": table.used,
                "samples": table.samples,
            },
            place=at(table.site, module=table.name),
            confidence=Confidence.LIKELY,
        )


RULE = Rule(
    code="LLM014",
    name="added-tokens-frozen",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "the last {added} of the {rows} rows of `{layer}` are the mean of all others, or nearly so, as those of newly added tokens are; it is "
        "frozen, and training looks them up ({used} times in {samples} sampled steps).",
        "`{layer}` 的 {rows} 行中，最后 {added} 行等于其余各行的均值（新增 token 的初始值）；该层被冻结，"
        "而训练会用到这些行（{samples} 次采样的步骤中用到 {used} 次）。",
    ),
    why=Text(
        "New tokens begin as the mean of the old ones: without training they all mean the same, namely nothing, and as outputs "
        "they cannot be told apart. Adapters elsewhere in the model hardly make up for it.",
        "新 token 的初始值是旧 token 的均值：不训练的话它们彼此相同、毫无含义，作为输出时也无法区分。模型其他位置的适配器很难弥补。",
    ),
    fix=Text(
        "Train these rows: `LoraConfig(..., trainable_token_indices=new_ids)`, or the whole of both layers, "
        "`modules_to_save=['embed_tokens', 'lm_head']` (the names that the model has), and save them with the adapter.",
        "训练这些行：`LoraConfig(..., trainable_token_indices=new_ids)`，或训练两整层："
        "`modules_to_save=['embed_tokens', 'lm_head']`（用模型中的实际名称），并与适配器一起保存。",
    ),
    bad="""\
import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
VOCAB, LENGTH = 40, 16
config = GPT2Config(vocab_size=VOCAB, n_positions=32, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config)


def train(model, batch, steps, lr):
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=lr)
    for step in range(steps):
        ids = batch(16)
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def texts(count):
    return (torch.randint(0, VOCAB, (count, 1)) + 3 * torch.arange(LENGTH)) % VOCAB


def turned(count):
    asked = texts(count)[:, :7]
    return torch.cat([asked, torch.full((count, 1), VOCAB), asked.flip(1)], 1)


print(train(model, texts, 60, 3e-3))
model.resize_token_embeddings(VOCAB + 1)
settings = LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn", "c_proj"])
model = get_peft_model(model, settings)
print(train(model, turned, 80, 1e-2))
""",
    good="""\
import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
VOCAB, LENGTH = 40, 16
config = GPT2Config(vocab_size=VOCAB, n_positions=32, n_embd=32, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config)


def train(model, batch, steps, lr):
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=lr)
    for step in range(steps):
        ids = batch(16)
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def texts(count):
    return (torch.randint(0, VOCAB, (count, 1)) + 3 * torch.arange(LENGTH)) % VOCAB


def turned(count):
    asked = texts(count)[:, :7]
    return torch.cat([asked, torch.full((count, 1), VOCAB), asked.flip(1)], 1)


print(train(model, texts, 60, 3e-3))
model.resize_token_embeddings(VOCAB + 1)
settings = LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn", "c_proj"], trainable_token_indices=[VOCAB])
model = get_peft_model(model, settings)
print(train(model, turned, 80, 1e-2))
""",
    links=("https://huggingface.co/docs/peft/main/en/developer_guides/troubleshooting",),
    explains=("TRN001",),
    needs=("modules",),
    preview=True,
)
