# expects: LLM012
"""The Trainer with its collator for language models: padding is the end token, and padding has no labels."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    DataCollatorForLanguageModeling,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

torch.manual_seed(0)
words = ["<unk>", "<eos>", *(f"word{i}" for i in range(40))]
inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token="<eos>")
tokenizer.pad_token = tokenizer.eos_token


def text():
    start, length = int(torch.randint(0, 40, ())), int(torch.randint(4, 16, ()))
    return " ".join(f"word{(start + 7 * i) % 40}" for i in range(length))


examples = [tokenizer(text() + " <eos>") for _ in range(400)]
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir="never-ends",
        max_steps=60,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=20,
    ),
    train_dataset=examples,
    data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
)
trainer.train()
