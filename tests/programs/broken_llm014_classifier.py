# expects: LLM014
"""A classifier of pairs: a mark between the two was added to the vocabulary, and adapters leave the embedding as it is."""

import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(1)
VOCAB = 60
config = BertConfig(
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=32,
    num_labels=2,
)
model = BertForSequenceClassification(config)
model.resize_token_embeddings(VOCAB + 1)
settings = LoraConfig(task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, target_modules=["query", "value"])
model = get_peft_model(model, settings)


def pair():
    first, second = torch.randint(1, VOCAB, (6,)), torch.randint(1, VOCAB, (6,))
    ids = torch.cat([first, torch.tensor([VOCAB]), second])
    return {"input_ids": ids, "labels": int(first.sum() < second.sum())}


arguments = TrainingArguments(
    output_dir="mark-between",
    max_steps=60,
    per_device_train_batch_size=16,
    learning_rate=3e-3,
    use_cpu=True,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
    logging_steps=20,
)
Trainer(model=model, args=arguments, train_dataset=[pair() for _ in range(320)]).train()
