# bug: language model: labels are shifted by hand and the Hugging Face model shifts them once more
# expects: LLM002
import random
import torch
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup

random.seed(0)
torch.manual_seed(0)

# ------------------------------------------------------------------ corpus
NOUNS = {"sg": ["cook", "guest", "waiter", "baker"], "pl": ["cooks", "guests", "waiters", "bakers"]}
VERBS = {"sg": ["tastes", "stirs", "serves", "burns"], "pl": ["taste", "stir", "serve", "burn"]}
DISH = {"tastes": ["soup", "wine", "sauce"], "stirs": ["soup", "sauce", "batter"],
        "serves": ["wine", "cake", "soup"], "burns": ["toast", "cake", "sauce"]}
BASE = dict(zip(VERBS["pl"], VERBS["sg"]))
ADJ = ["old", "hungry", "tired"]


def sentence():
    num = random.choice(["sg", "pl"])
    words = ["every" if num == "sg" else "all"]
    if random.random() < 0.4:
        words.append(random.choice(ADJ))
    words.append(random.choice(NOUNS[num]))
    verb = random.choice(VERBS[num])
    words += [verb, "the", random.choice(DISH[BASE.get(verb, verb)]), "."]
    return words


def grammatical(words):
    if len(words) not in (6, 7) or words[-1] != "." or words[0] not in ("every", "all"):
        return False
    num = "sg" if words[0] == "every" else "pl"
    rest = words[1:]
    if rest[0] in ADJ:
        rest = rest[1:]
    if len(rest) != 5:
        return False
    noun, verb, det, dish, _ = rest
    return noun in NOUNS[num] and verb in VERBS[num] and det == "the" and dish in DISH[BASE.get(verb, verb)]


stream = [w for _ in range(6000) for w in sentence()]
vocab = sorted(set(stream))
stoi = {w: i for i, w in enumerate(vocab)}
ids = torch.tensor([stoi[w] for w in stream])
BLOCK = 24
n = len(ids) // BLOCK
chunks = ids[: n * BLOCK].view(n, BLOCK)
train_chunks, val_chunks = chunks[: int(0.9 * n)], chunks[int(0.9 * n):]

# ------------------------------------------------------------------ model
config = GPT2Config(vocab_size=len(vocab), n_positions=64, n_embd=48, n_layer=2, n_head=4,
                    resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.1,
                    bos_token_id=stoi["."], eos_token_id=stoi["."])
model = GPT2LMHeadModel(config)
steps = 180
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
scheduler = get_cosine_schedule_with_warmup(optimizer, 30, steps)


def lm_loss(batch):
    return model(input_ids=batch[:, :-1], labels=batch[:, 1:]).loss


@torch.no_grad()
def write(k):
    model.eval()
    x = torch.full((k, 1), stoi["."])
    for _ in range(7):
        p = model(input_ids=x).logits[:, -1].softmax(-1)
        x = torch.cat([x, torch.multinomial(p, 1)], 1)
    out = []
    for row in x[:, 1:].tolist():
        words = [vocab[i] for i in row]
        if "." in words:
            words = words[: words.index(".") + 1]
        out.append(words)
    return out


for step in range(1, steps + 1):
    model.train()
    batch = train_chunks[torch.randint(len(train_chunks), (24,))]
    loss = lm_loss(batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
    if step % 90 == 0:
        model.eval()
        with torch.no_grad():
            vl = lm_loss(val_chunks).item()
        texts = write(60)
        good = sum(grammatical(t) for t in texts)
        print(f"step {step} train {loss.item():.3f} val {vl:.3f} grammatical {good}/60 | {' '.join(texts[0])}")
