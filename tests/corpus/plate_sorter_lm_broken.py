# bug: Collator assumes the answer ends at the right edge of the row (left padding) while rows are padded on the right, so for shorter rows part of the answer carries no loss and padding does
# expects: LLM025
"""Small Llama (random init, from config) fine-tuned on an instruction-like task: put the characters of a code in order."""
import random
from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

PAD, BOS, EOS, SEP = 0, 1, 2, 3
CHARS = "abcdefghijkl"
STOI = {c: i + 4 for i, c in enumerate(CHARS)}


def make_codes(n, rng):
    seen = set()
    while len(seen) < n:
        seen.add("".join(rng.choices(CHARS, k=rng.randint(3, 7))))
    codes = sorted(seen)
    rng.shuffle(codes)
    return codes


def encode(code):
    prompt = [BOS] + [STOI[c] for c in code] + [SEP]
    answer = [STOI[c] for c in sorted(code)] + [EOS]
    return {"prompt": prompt, "answer": answer}


@dataclass
class Collator:
    pad_id: int = PAD

    def __call__(self, features):
        width = max(len(f["prompt"]) + len(f["answer"]) for f in features)
        ids = torch.full((len(features), width), self.pad_id)
        att = torch.zeros_like(ids)
        labels = torch.full_like(ids, -100)
        for r, f in enumerate(features):
            n, a = len(f["prompt"]) + len(f["answer"]), len(f["answer"])
            ids[r, :n] = torch.tensor(f["prompt"] + f["answer"])
            att[r, :n] = 1
            labels[r, -a:] = ids[r, -a:]
        return {"input_ids": ids, "attention_mask": att, "labels": labels}


def exact_match(model, codes):
    """Greedy decoding, one length bucket at a time so that no prompt needs padding."""
    model.eval()
    hits, by_len = 0, {}
    for n in range(3, 8):
        bucket = [encode(c) for c in codes if len(c) == n]
        ids = torch.tensor([b["prompt"] for b in bucket])
        gold = torch.tensor([b["answer"] for b in bucket])
        with torch.no_grad():
            for _ in range(gold.shape[1]):
                ids = torch.cat([ids, model(input_ids=ids).logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        ok = (ids[:, -gold.shape[1]:] == gold).all(1)
        hits += ok.sum().item()
        by_len[n] = round(ok.float().mean().item(), 3)
    model.train()
    return hits / len(codes), by_len


def main():
    set_seed(77)
    rng = random.Random(77)
    codes = make_codes(6300, rng)
    test, train = codes[:300], [encode(c) for c in codes[300:]]
    config = LlamaConfig(vocab_size=4 + len(CHARS), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=32,
                         pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS)
    model = LlamaForCausalLM(config)
    collate = Collator()
    total, warm, bs = 700, 50, 40
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / warm, max(0.02, (total - s) / (total - warm))))
    print(f"{model.num_parameters()} parameters, {len(train)} training codes")

    step = 0
    while step < total:
        rng.shuffle(train)
        for k in range(0, len(train) - bs + 1, bs):
            loss = model(**collate(train[k:k + bs])).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            opt.zero_grad()
            sched.step()
            step += 1
            if step % 50 == 0:
                print(f"step {step} loss {loss.item():.4f}")
            if step % 200 == 0:
                print("  exact match", *exact_match(model, test))
            if step == total:
                break
    print("final exact match %.4f %s" % exact_match(model, test))


if __name__ == "__main__":
    main()
