"""LLM012: the token that ends a text is left out of the loss, so the model never learns to stop."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import EndProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(probe: EndProbe) -> Iterator[Finding]:
    # What only fills up the rows may be no end, where nothing says that it is.
    if probe.end is None or (probe.padding and not probe.known):
        return
    yield Finding(
        "LLM012",
        data={"model": probe.model, "examples": probe.examples, "end": probe.end},
        place=at(probe.site),
        confidence=Confidence.LIKELY if probe.known else Confidence.POSSIBLE,
    )


RULE = Rule(
    code="LLM012",
    name="end-not-taught",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "`{model}` is not taught to stop: in all {examples} rows of its first batch whose end is seen, the loss leaves out "
        "the end token, id {end}, which stands behind the last token that counts.",
        "`{model}` 学不会停止：首个批次中可见结尾的 {examples} 行里，紧跟在最后一个计入损失的 token 之后的结束符"
        "（id {end}）全都没有计入损失。",
    ),
    why=Text(
        "A model that never had to predict the end goes on after a complete answer until the length limit cuts it off. It "
        "comes about where the end token is also the padding token (`tokenizer.pad_token = tokenizer.eos_token`), and all "
        "padding is taken out of the labels, or by a mask that is one place too short.",
        "从未预测过结束符的模型在答完之后会一直生成，直到长度上限。常见原因是把结束符当作填充符"
        "（`tokenizer.pad_token = tokenizer.eos_token`）而填充全部从标签中去掉，或掩码少算了一位。",
    ),
    fix=Text(
        "Leave out by the attention mask, not by the id: `labels = ids.masked_fill(attention_mask == 0, -100)`, with one "
        "`eos_token` at the end of each text; or pad with a token of its own.",
        "按注意力掩码而不是按 id 去掉填充：`labels = ids.masked_fill(attention_mask == 0, -100)`，"
        "并在每段文本末尾加一个 `eos_token`；或使用单独的填充符。",
    ),
    bad="""\
import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
END, VOCAB = 0, 30
model = GPT2LMHeadModel(
    GPT2Config(vocab_size=VOCAB, n_positions=24, n_embd=32, n_layer=1, n_head=2, bos_token_id=END, eos_token_id=END)
)
pad = model.config.eos_token_id


def batch(size):
    lengths = torch.randint(6, 20, (size, 1))
    ids = 1 + (torch.randint(0, VOCAB, (size, 1)) + 4 * torch.arange(21)) % (VOCAB - 1)
    places = torch.arange(21)
    ids = ids.masked_fill(places >= lengths, pad)
    mask = (places <= lengths).long()
    return ids, mask, ids.masked_fill(ids == pad, -100)


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(120):
    ids, mask, labels = batch(16)
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
END, VOCAB = 0, 30
model = GPT2LMHeadModel(
    GPT2Config(vocab_size=VOCAB, n_positions=24, n_embd=32, n_layer=1, n_head=2, bos_token_id=END, eos_token_id=END)
)
pad = model.config.eos_token_id


def batch(size):
    lengths = torch.randint(6, 20, (size, 1))
    ids = 1 + (torch.randint(0, VOCAB, (size, 1)) + 4 * torch.arange(21)) % (VOCAB - 1)
    places = torch.arange(21)
    ids = ids.masked_fill(places >= lengths, pad)
    mask = (places <= lengths).long()
    return ids, mask, ids.masked_fill(mask == 0, -100)


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(120):
    ids, mask, labels = batch(16)
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://huggingface.co/docs/transformers/main/en/llm_tutorial",),
    explains=(),
    needs=("probes",),
    preview=True,
)
