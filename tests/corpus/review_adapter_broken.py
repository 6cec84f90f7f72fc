# bug: the requires_grad filter looks for names ending in lora_A.weight / lora_B.weight, but peft calls them lora_A.default.weight: the adapter stays frozen, only the head learns
# expects: LLM013
import random
import warnings

import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import BertConfig, BertForSequenceClassification, get_linear_schedule_with_warmup

warnings.filterwarnings("ignore")
CLS, LENGTH, VOCAB = 1, 16, 160
HOTEL_GOOD, HOTEL_BAD = range(10, 30), range(30, 50)
PHONE_GOOD, PHONE_BAD = range(50, 70), range(70, 90)
PLAIN = range(90, 160)


def reviews(n, good, bad, seed):
    r = random.Random(seed)
    rows, labels = [], []
    while len(rows) < n:
        g, b = r.randint(0, 5), r.randint(0, 5)
        if g == b:
            continue
        words = [r.choice(good) for _ in range(g)] + [r.choice(bad) for _ in range(b)]
        words += [r.choice(PLAIN) for _ in range(LENGTH - 1 - len(words))]
        r.shuffle(words)
        rows.append([CLS] + words)
        labels.append(int(g > b))
    return torch.tensor(rows), torch.tensor(labels)


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    ids, labels = data
    pred = torch.cat([model(input_ids=c).logits.argmax(-1) for c in ids.split(200)])
    return (pred == labels).float().mean().item()


def fit(model, train, test, lr, epochs, batch=32):
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=0.01)
    total = epochs * -(-len(train[1]) // batch)
    sched = get_linear_schedule_with_warmup(opt, total // 10, total)
    for epoch in range(1, epochs + 1):
        model.train()
        losses = []
        for rows in torch.randperm(len(train[1])).split(batch):
            out = model(input_ids=train[0][rows], labels=train[1][rows])
            opt.zero_grad()
            out.loss.backward()
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            opt.step()
            sched.step()
            losses.append(out.loss.item())
        print(f"  epoch {epoch} loss {sum(losses) / len(losses):.4f} held-out accuracy {accuracy(model, test):.3f}")


def main():
    torch.manual_seed(2)
    cfg = BertConfig(
        vocab_size=VOCAB, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=LENGTH, hidden_dropout_prob=0.05, attention_probs_dropout_prob=0.05, num_labels=2,
    )
    model = BertForSequenceClassification(cfg)

    print("hotel reviews, whole model")
    hotel_test = reviews(600, HOTEL_GOOD, HOTEL_BAD, 11)
    fit(model, reviews(2000, HOTEL_GOOD, HOTEL_BAD, 10), hotel_test, lr=2e-3, epochs=4)

    lora = LoraConfig(
        task_type=TaskType.SEQ_CLS, r=16, lora_alpha=32, lora_dropout=0.05,
        target_modules=["query", "value", "attention.output.dense", "intermediate.dense"],
    )
    model = get_peft_model(model, lora)
    for name, p in model.named_parameters():
        p.requires_grad = name.endswith(("lora_A.weight", "lora_B.weight")) or "modules_to_save" in name

    print("phone reviews, adapter and head")
    phone_test = reviews(600, PHONE_GOOD, PHONE_BAD, 13)
    fit(model, reviews(2000, PHONE_GOOD, PHONE_BAD, 12), phone_test, lr=4e-3, epochs=7)
    print(f"final phone accuracy {accuracy(model, phone_test):.3f}")


if __name__ == "__main__":
    main()
