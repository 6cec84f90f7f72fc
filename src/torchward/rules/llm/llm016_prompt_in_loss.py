"""LLM016: fine-tuning on questions and answers in which the loss counts the questions."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import ModeProbe, PromptProbe
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

SHARE = 0.15
"""Of the counted positions. Below, the loss is hardly changed; see LLM003."""


GUESSED = 0.95
"""Loss of a prompt's tokens, as a share of their entropy, from which on they are no better predicted than by how often
each is there, ..."""
KNOWN = 0.5
"""... and of that loss, what the answers have at most, for it to be seen that the model has learned something."""


def check_guessing(probe: ModeProbe) -> Iterator[Finding]:
    """Nobody learns anything of what stands before a token that each row has once, and most of the loss is of that."""
    if probe.guessing is None:
        return
    token, before, entropy, behind, share, tokens = probe.guessing
    if share >= SHARE and before >= GUESSED * entropy and behind <= KNOWN * before:
        yield Finding(
            "LLM016",
            data={"model": probe.model, "share": share, "tokens": tokens, "by": f"token {token}"},
            place=at(probe.site),
            confidence=Confidence.POSSIBLE,
            severity=Severity.HINT,
        )


def check(probe: PromptProbe) -> Iterator[Finding]:
    if not probe.prompt or probe.share < SHARE:
        return
    written, known = probe.prompt == "labels", probe.prompt not in ("template", "asked")
    yield Finding(
        "LLM016",
        data={
            "model": probe.model,
            "share": probe.share,
            "tokens": probe.tokens,
            "by": probe.prompt,
        },
        place=at(probe.site),
        confidence=Confidence.LIKELY if known else Confidence.POSSIBLE,
        # Learning the questions too is a choice that some make; nobody makes labels in order not to use them.
        severity=None if written else Severity.HINT,
    )


RULE = Rule(
    code="LLM016",
    name="prompt-in-loss",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_guessing),
    message=Text(
        "{share:.0%} of the positions that the loss of `{model}` counts are prompts, of about {tokens} tokens each. What tells "
        "them from answers, and the loss does not use: `{by}` (`labels`, `mask` or `lengths` from the loader; `asked`: in "
        "evaluation the model is given rows that end in a token which each training row has once, further in; `template`: "
        "rows begin with the same text and go on differently; `token`: each row has this one once, and what stands before it is "
        "guessed no better than by how often each token is there, while the rest is learned).",
        "`{model}` 的损失所统计的位置中有 {share:.0%} 属于提示（每个约 {tokens} 个 token）。可区分提示与答案、但损失没有用到的依据："
        "`{by}`（`labels`、`mask`、`lengths` 来自数据加载器；"
        "`asked` 指评估时输入的各行都以某个 token 结尾，而它在每条训练样本的中间恰好出现一次；`template` 指各行以相同文本开头、之后各不相同；`token` 指每行恰有一个该 token，"
        "其前面的内容只能按出现频率猜测，其后的内容却已学会）。",
    ),
    why=Text(
        "The mean loss then tells mostly how well questions are predicted, which nobody will ask for: it looks good where they "
        "follow a template and bad where they do not, and the answers get only a part of the gradient. It is sound where the "
        "questions are to be learned too, as in pre-training.",
        "这样一来平均损失主要反映的是对问题的预测，而这并非所需：问题套用模板时它显得很好，否则显得很差，答案只分到一部分梯度。"
        "如果问题本身也需要学习（如预训练），则没有问题。",
    ),
    fix=Text(
        "Give the prompt no labels: `labels = ids.clone(); labels[places < prompt_length] = -100`, and padding none either; or "
        "weigh the losses of tokens: `(per_token * answer_mask).sum() / answer_mask.sum()`.",
        "不给提示部分标签：`labels = ids.clone(); labels[places < prompt_length] = -100`，填充也同样处理；"
        "或者给各 token 的损失加权：`(per_token * answer_mask).sum() / answer_mask.sum()`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
END, ASK, VOCAB = 0, 1, 30
config = GPT2Config(vocab_size=VOCAB, n_positions=40, n_embd=48, n_layer=2, n_head=2, bos_token_id=END, eos_token_id=END)
model = GPT2LMHeadModel(config)


def example():
    question = torch.randint(2, VOCAB, (int(torch.randint(8, 16, ())),))
    return torch.cat([question, torch.tensor([ASK])]), torch.cat([question[-4:].flip(0), torch.tensor([END])])


def collate(pairs):
    pad = nn.utils.rnn.pad_sequence
    texts = [torch.cat(pair) for pair in pairs]
    labels = [torch.cat([torch.full_like(question, -100), answer]) for question, answer in pairs]
    ids = pad(texts, batch_first=True)
    return {
        "input_ids": ids,
        "attention_mask": pad([torch.ones_like(text) for text in texts], batch_first=True),
        "labels": pad(labels, batch_first=True, padding_value=-100),
    }


loader = DataLoader([example() for _ in range(1280)], batch_size=16, shuffle=True, collate_fn=collate)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for batch in loader:
    ids, mask = batch["input_ids"], batch["attention_mask"]
    loss = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100)).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
END, ASK, VOCAB = 0, 1, 30
config = GPT2Config(vocab_size=VOCAB, n_positions=40, n_embd=48, n_layer=2, n_head=2, bos_token_id=END, eos_token_id=END)
model = GPT2LMHeadModel(config)


def example():
    question = torch.randint(2, VOCAB, (int(torch.randint(8, 16, ())),))
    return torch.cat([question, torch.tensor([ASK])]), torch.cat([question[-4:].flip(0), torch.tensor([END])])


def collate(pairs):
    pad = nn.utils.rnn.pad_sequence
    texts = [torch.cat(pair) for pair in pairs]
    labels = [torch.cat([torch.full_like(question, -100), answer]) for question, answer in pairs]
    ids = pad(texts, batch_first=True)
    return {
        "input_ids": ids,
        "attention_mask": pad([torch.ones_like(text) for text in texts], batch_first=True),
        "labels": pad(labels, batch_first=True, padding_value=-100),
    }


loader = DataLoader([example() for _ in range(1280)], batch_size=16, shuffle=True, collate_fn=collate)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for batch in loader:
    ids, mask = batch["input_ids"], batch["attention_mask"]
    loss = model(input_ids=ids, attention_mask=mask, labels=batch["labels"]).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    links=("https://huggingface.co/docs/trl/main/en/sft_trainer",),
    explains=(),
    needs=("probes",),
    preview=True,
)
