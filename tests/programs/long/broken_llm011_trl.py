# expects: LLM011
"""trl's GRPO: the reward looks for a tag that the model, which has two dozen signs, cannot even write."""

import logging

import torch
from datasets import Dataset
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import GRPOConfig, GRPOTrainer

logging.disable(logging.WARNING)
set_seed(0)
special = ["<pad>", "<bos>", "<eos>", "<unk>"]
vocabulary = {sign: number for number, sign in enumerate([*special, *"0123456789+="])}
inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
inner.decoder = decoders.Fuse()
names = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), special, strict=True))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, padding_side="left", **names)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
)


def correct(completions, answer, **_):
    found = [text.split("<answer>")[-1] if "<answer>" in text else None for text in completions]
    return [1.0 if one == wanted else 0.0 for one, wanted in zip(found, answer, strict=True)]


sums = Dataset.from_list([{"prompt": f"{a}+{b}=", "answer": str(a + b)} for a in range(10) for b in range(10)])
trainer = GRPOTrainer(
    model,
    correct,
    args=GRPOConfig(
        output_dir="grpo-without-rewards",
        max_steps=20,
        per_device_train_batch_size=32,
        num_generations=8,
        max_completion_length=3,
        beta=0.0,
        learning_rate=1e-3,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=10,
    ),
    train_dataset=sums,
    processing_class=tokenizer,
)
trainer.train()
