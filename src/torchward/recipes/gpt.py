"""Pre-train a small GPT on Python's own source code, and let it write.

what-zh:   在 Python 标准库源代码上预训练一个小型 GPT，并让它续写
data:      the source of Python's own standard library, about one file in ten held out; --data FOLDER: text files (.txt,
           .md, .py)
data-zh:   Python 标准库自身的源代码，约十分之一的文件留作评估；--data FOLDER：文本文件（.txt、.md、.py）
time:      100 s
expect:    bits_per_byte 2 to 2.25
needs:     torch numpy
optional:  tensorboard
"""

import argparse
import contextlib
import io
import json
import math
import os
import re
import sys
import time
import zlib
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

try:
    import numpy as np
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy")

RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
PACKAGES = (
    *("asyncio", "collections", "concurrent", "ctypes", "email", "html", "http", "importlib", "json", "logging"),
    *("multiprocessing", "sqlite3", "unittest", "urllib", "wsgiref", "xml", "xmlrpc"),
)
ROUND = 50  # steps from one evaluation and checkpoint to the next
# Tokens do not reach beyond these: a line's end with the next line's indentation, a word, signs, other blanks.
PIECES = r"\n *| ?[A-Za-z0-9_]+| ?[^A-Za-z0-9_ \n\t\r\x0b\x0c]+|[ \t\r\x0b\x0c]+"
END = "<|endoftext|>"  # between two files


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with text files (default: Python's own)")
    parser.add_argument("--vocabulary", type=int, default=1024, help="257: bytes alone (default: %(default)s)")
    parser.add_argument("--width", type=int, default=128, help="of the model (default: %(default)s)")
    parser.add_argument("--layers", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--heads", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--context", type=int, default=128, help="tokens that it sees (default: %(default)s)")
    parser.add_argument("--dropout", type=float, default=0.0, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=800, help="default: %(default)s")
    parser.add_argument("--warm-up", type=int, default=40, help="steps (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=3e-3, help="highest, after the warm-up (default: %(default)s)")
    parser.add_argument("--weight-decay", type=float, default=0.1, help="of matrices (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=8, help="per device (default: %(default)s)")
    parser.add_argument("--accumulate", type=int, default=1, help="batches to a step (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--compile", action="store_true", help="with torch.compile; on a CPU it needs a C++ compiler")
    parser.add_argument("--sample", type=int, default=120, metavar="N", help="tokens to write (default: %(default)s)")
    parser.add_argument("--prompt", default="def", help="what they go on from (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=0.7, help="of the writing (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/gpt"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.steps < 1 or args.batch_size < 1 or args.accumulate < 1 or not args.lr > 0:
        parser.error("--steps, --batch-size, --accumulate and --lr must be above 0")
    if args.heads < 1 or args.width < 1 or args.width % args.heads or args.layers < 1 or args.context < 2:
        parser.error("--width must be a multiple of --heads, --layers 1 or more, --context 2 or more")
    if args.vocabulary < 257 or args.warm_up < 0 or args.sample < 0 or not args.prompt:
        parser.error("--vocabulary must be 257 or more, --warm-up and --sample 0 or more, --prompt not empty")
    if not 0 <= args.dropout < 1 or args.weight_decay < 0 or not args.temperature > 0:
        parser.error("--dropout must be in 0..1, --weight-decay 0 or more, --temperature above 0")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def load(folder):
    """Texts to learn from and texts held out: whole files, because neighbours within a file give each other away."""
    root = folder or Path(os.__file__).parent
    if not root.is_dir():
        fail(f"{root}: no such folder")
    if folder is None:
        paths = [*root.glob("[a-z]*.py"), *(path for name in PACKAGES for path in (root / name).rglob("*.py"))]
        paths = sorted(path for path in paths if not {"test", "tests"} & set(path.relative_to(root).parts))
    else:
        paths = sorted(path for path in root.rglob("*") if path.suffix in (".txt", ".md", ".py") and path.is_file())
    if not paths:
        fail(f"{root}: holds no .txt, .md or .py files")
    train, test = [], []
    for path in paths:
        try:
            text = path.read_bytes()
        except OSError as error:
            fail(f"{path}: cannot be read: {error.strerror}")
        if b"\0" in text:
            fail(f"{path}: holds zero bytes, so it is no text")
        # By its name: the same file is held out whatever else there is.
        held_out = zlib.crc32(path.relative_to(root).as_posix().encode()) % 10 == 0
        (test if held_out else train).append(text)
    if not train or not test:  # a few files: the end of their text is held out
        whole = b"\n".join(train + test)
        train, test = [whole[: len(whole) * 9 // 10]], [whole[len(whole) * 9 // 10 :]]
    return train, test


def pieces(text):
    return re.findall(PIECES.encode(), text)


def learn_merges(texts, number):
    """Pairs of tokens to join, in order: each time the most frequent one, given the joins before it."""
    counts = Counter(piece for text in texts for piece in pieces(text))
    words = [list(piece) for piece in counts]
    pairs, places = Counter(), defaultdict(set)  # how often a pair occurs; in which words
    for place, (word, count) in enumerate(zip(words, counts.values(), strict=True)):
        for pair in pairwise(word):
            pairs[pair] += count
            places[pair].add(place)
    merges, often = [], list(counts.values())
    while len(merges) < number:
        most = max(pairs.values(), default=0)
        if most < 2:
            break  # nothing occurs twice: more tokens would only learn this text by heart
        best = min(pair for pair, count in pairs.items() if count == most)
        for place in places.pop(best):
            word = words[place]
            for pair in pairwise(word):
                pairs[pair] -= often[place]
            words[place] = word = join(word, best, 256 + len(merges))
            for pair in pairwise(word):
                pairs[pair] += often[place]
                places[pair].add(place)
        del pairs[best]
        merges.append(best)
    return merges


def join(word, pair, token):
    """A word in which the pair is one token."""
    joined = []
    for part in word:
        if joined and (joined[-1], part) == pair:
            joined[-1] = token
        else:
            joined.append(part)
    return joined


class Tokens:
    """Text to numbers and back. A number below 256 is a byte, then come the merges, last the end of a text."""

    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.order = {pair: number for number, pair in enumerate(self.merges)}
        self.bytes = [bytes([number]) for number in range(256)]
        for left, right in self.merges:
            self.bytes.append(self.bytes[left] + self.bytes[right])
        self.end = len(self.bytes)
        self.bytes.append(b"")
        self.known = {}

    def __len__(self):
        return len(self.bytes)

    def encode(self, text):
        tokens = []
        for piece in pieces(text):
            if piece not in self.known:
                self.known[piece] = self.split(piece)
            tokens += self.known[piece]
        return tokens

    def split(self, piece):
        word = list(piece)
        while len(word) > 1:
            first = min(pairwise(word), key=lambda pair: self.order.get(pair, math.inf))
            if first not in self.order:
                break
            word = join(word, first, 256 + self.order[first])
        return word

    def decode(self, tokens):
        return b"".join(self.bytes[token] for token in tokens).decode(errors="replace")


def batch(tokens, starts, length):
    """Pieces of the text, and the same pieces one token later: each is to be told from those before it."""
    rows = torch.stack([tokens[start : start + length + 1] for start in starts]).long()
    return rows[:, :-1], rows[:, 1:]


# --- model: GPT-2's, with its names ---


class Attention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.c_attn = nn.Linear(width, 3 * width)  # what each token asks for, what it offers, what it tells
        self.c_proj = nn.Linear(width, width)

    def forward(self, x, past=None):
        split = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=2))
        query, key, value = split  # each (batch, heads, tokens, width of a head)
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        # With a past there is one new token, which may look at all of them.
        mixed = nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=past is None, dropout_p=self.dropout if self.training else 0.0
        )
        return self.c_proj(mixed.transpose(1, 2).flatten(2)), (key, value)


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads, dropout)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})
        self.drop = nn.Dropout(dropout)

    def forward(self, x, past=None):
        mixed, present = self.attn(self.ln_1(x), past)
        x = x + self.drop(mixed)
        inner = nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh")
        return x + self.drop(self.mlp["c_proj"](inner)), present


class GPT(nn.Module):
    def __init__(self, vocabulary, context, width, layers, heads, dropout):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(context, width)
        self.drop = nn.Dropout(dropout)
        self.h = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # Two sums go into the stream in every block: smaller ones keep its scale, however many there are.
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers) if name.endswith("c_proj.weight") else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, tokens, past=None):
        """Scores for the next token at each position; and what attention has to remember of these, block by block."""
        start = past[0][0].shape[2] if past else 0
        places = torch.arange(start, start + tokens.shape[1], device=tokens.device)
        x = self.drop(self.wte(tokens) + self.wpe(places))
        presents = []
        for number, block in enumerate(self.h):
            x, present = block(x, past[number] if past else None)
            presents.append(present)
        return self.ln_f(x) @ self.wte.weight.t(), presents  # the table of the tokens serves both ends

    @torch.no_grad()
    def write(self, tokens, number, temperature, seed):
        """Go on with a text, drawing each token from what the model thinks likely."""
        self.eval()
        device, context = self.wpe.weight.device, len(self.wpe.weight)
        draws = torch.Generator().manual_seed(seed)
        tokens, past = list(tokens), None
        for _ in range(number):
            # One new token at a time; where the positions are used up, the later half is read anew.
            full = past is None or past[0][0].shape[2] == context
            fresh = tokens[-max(1, context // 2) :] if full else tokens[-1:]
            scores, past = self(torch.tensor([fresh], device=device), None if full else past)
            chances = torch.softmax(scores[0, -1].float().cpu() / temperature, dim=0)
            tokens.append(torch.multinomial(chances, 1, generator=draws).item())
        return tokens


# --- training ---


def share_of_lr(step, warm_up, steps):
    """Up in a straight line, then down along a cosine to a tenth."""
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * done))


def train_steps(model, tokens, optimizer, schedule, numbers, args, draws, device, autocast, title):
    """Mean loss over the steps with these numbers."""
    model.train()
    total = torch.zeros((), device=device)
    for number in numbers:
        optimizer.zero_grad()
        for part in range(args.accumulate):
            starts = torch.randint(len(tokens) - args.context, (args.batch_size,), generator=draws)
            x, y = batch(tokens, starts, args.context)
            # Devices need to agree on their gradients only when the last part of a step is there.
            wait = part < args.accumulate - 1 and WORLD > 1
            with model.no_sync() if wait else contextlib.nullcontext():
                with autocast():
                    scores, _ = model(x.to(device))
                    loss = nn.functional.cross_entropy(scores.flatten(0, 1), y.to(device).flatten())
                (loss / args.accumulate).backward()
            total += loss.detach() / args.accumulate
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * (number + 1) // args.steps)
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / len(numbers)


@torch.no_grad()
def evaluate(model, tokens, lengths, context, device):
    """Mean loss in nats a token, and bits a byte, over pieces spread evenly over the text."""
    model.eval()
    starts = torch.linspace(0, len(tokens) - context - 1, 128).long()
    loss = size = 0
    for part in starts.split(32):
        x, y = batch(tokens, part, context)
        scores, _ = model(x.to(device))
        loss += nn.functional.cross_entropy(scores.flatten(0, 1), y.to(device).flatten(), reduction="sum").item()
        size += lengths[y].sum().item()
    return loss / (len(starts) * context), loss / size / math.log(2)


# --- the run's folder ---


def replace(path, data):
    """Write a file in one go: whoever reads it sees the old one or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        fail(
            f"cannot write {path}: {error.strerror}. What was saved before is intact: the same command goes on from it"
        )


def save(path, state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    replace(path, buffer.getvalue())


def resume(path, settings, device):
    """The checkpoint to go on from, or None."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        before = state["settings"]
    except Exception as error:
        fail(f"{path}: no checkpoint of this program ({type(error).__name__}); start over with --fresh")
    changed = [f"{name} {before.get(name)}, now {now}" for name, now in settings.items() if before.get(name) != now]
    if changed:
        fail(f"{path} was made with other options ({'; '.join(changed)}): choose another --out, or add --fresh")
    return state


def export(folder, model, tokens, args):
    """Model and tokens as Hugging Face's transformers read them: what `sft` and `lora` start from."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]  # tokenizer.json has a sign for every byte
    signs = {byte: chr(byte) for byte in shown}
    signs |= {byte: chr(256 + number) for number, byte in enumerate(sorted(set(range(256)) - set(shown)))}
    names = ["".join(signs[byte] for byte in token) for token in tokens.bytes[: tokens.end]]
    split = {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": False}
    by_byte = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    end = {"id": tokens.end, "content": END, "special": True, "normalized": False}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [end | {"single_word": False, "lstrip": False, "rstrip": False}],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, by_byte]},
        "decoder": by_byte,
        "model": {
            "type": "BPE",
            "vocab": {name: number for number, name in enumerate([*names, END])},
            "merges": [[names[left], names[right]] for left, right in tokens.merges],
        },
    }
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": len(tokens),
        "n_positions": args.context,
        "n_embd": args.width,
        "n_layer": args.layers,
        "n_head": args.heads,
        "bos_token_id": tokens.end,
        "eos_token_id": tokens.end,
        "tie_word_embeddings": True,
        **{f"{part}_pdrop": args.dropout for part in ("attn", "embd", "resid")},
    }
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "model_max_length": args.context}
    for name, content in (("config", config), ("tokenizer", tokenizer), ("tokenizer_config", about)):
        replace(folder / f"{name}.json", (json.dumps(content, indent=1) + "\n").encode())
    linear = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    weights = {  # GPT-2 keeps its matrices the other way round
        f"transformer.{name}": (value.t() if name in linear else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    save(folder / "pytorch_model.bin", weights)


def curves(folder, step):
    """TensorBoard's writer, or None where the package is missing. Points from `step` on are written anew."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        say("no TensorBoard curves: pip install tensorboard")
        return None
    return SummaryWriter(folder, purge_step=step)


# --- the program ---


def choose_device(name):
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        if device.type == "cuda" and WORLD > 1:
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        fail(f"--device {name}: {str(error).splitlines()[0]}")
    return device


def main():
    args = options()
    device = choose_device(args.device)
    if WORLD > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    bf16 = args.bf16 if args.bf16 is not None else device.type == "cuda" and torch.cuda.is_bf16_supported()

    def autocast():
        return torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()

    train_texts, test_texts = load(args.data)
    # What shapes the curve: a checkpoint made with other values is not gone on from.
    names = ("vocabulary", "width", "layers", "heads", "context", "dropout", "steps", "warm_up")
    names += ("lr", "weight_decay", "batch_size", "accumulate", "seed")
    settings = {name: getattr(args, name) for name in names} | {"data": str(args.data), "world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    state = None if args.fresh else resume(checkpoint, settings, device)

    started = time.time()
    some = train_texts[:: -(-len(train_texts) // 80)]  # enough to see which pairs are frequent
    tokens = Tokens(state["merges"] if state else learn_merges(some, args.vocabulary - 257))
    train, test = (
        torch.from_numpy(np.array([token for text in texts for token in (*tokens.encode(text), tokens.end)], np.int32))
        for texts in (train_texts, test_texts)
    )
    size = sum(map(len, train_texts)) + sum(map(len, test_texts))
    if min(len(train), len(test)) < 2 * args.context:
        fail(f"{args.data}: only {size} bytes of text in {len(train_texts) + len(test_texts)} file(s)")
    lengths = torch.tensor([len(token) for token in tokens.bytes])
    say(f"{size} bytes are {len(train)} + {len(test)} tokens of {len(tokens)}; {time.time() - started:.1f} s")

    torch.manual_seed(args.seed)
    model = GPT(len(tokens), args.context, args.width, args.layers, args.heads, args.dropout).to(device)
    # Decay is for matrices: biases and the scales of norms have no reason to be small.
    matrices = [weight for weight in model.parameters() if weight.dim() >= 2]
    others = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [{"params": matrices, "weight_decay": args.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share_of_lr(step, args.warm_up, args.steps))
    say(f"{sum(weight.numel() for weight in model.parameters())} parameters")

    history = []
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        history = state["history"]
        say(f"going on after step {history[-1]['step']}, from {checkpoint} (--fresh starts over)")
    replica = torch.compile(model) if args.compile else model
    replica = DistributedDataParallel(replica) if WORLD > 1 else replica
    done = history[-1]["step"] if history else 0
    writer = curves(args.out / "tensorboard", done + 1) if RANK == 0 else None

    while done < args.steps:
        started = time.time()
        numbers = range(done, min(done + ROUND, args.steps))
        # Pieces and dropout follow from seed, step and rank: a run that was interrupted goes on as if it had not been.
        torch.manual_seed((args.seed * 1_000_000 + done) * WORLD + RANK)
        draws = torch.Generator().manual_seed((args.seed * 1_000_000 + done) * WORLD + RANK)
        title = f"step {numbers[-1] + 1:5}/{args.steps}"
        loss = train_steps(replica, train, optimizer, schedule, numbers, args, draws, device, autocast, title)
        held_out, bits = evaluate(model, test, lengths, args.context, device)
        done = numbers[-1] + 1
        history.append({"step": done, "loss": loss, "held_out": held_out, "bits_per_byte": bits})
        say(f"{title}  loss {loss:.4f}  held out {held_out:.4f}, {bits:.3f} bits a byte  {time.time() - started:.1f} s")
        if RANK == 0:
            parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
            state = {name: part.state_dict() for name, part in parts.items()}
            save(checkpoint, {**state, "merges": tokens.merges, "history": history, "settings": settings})
        if writer:
            for name, value in (("loss/train", loss), ("loss/held out", held_out), ("bits per byte/held out", bits)):
                writer.add_scalar(name, value, done)
            writer.add_scalar("learning rate", optimizer.param_groups[0]["lr"], done)

    if RANK == 0:
        if args.sample:
            start = tokens.encode(args.prompt.encode())
            written = tokens.decode(model.write(start, args.sample, args.temperature, args.seed))
            say(f"\n{written}\n")
            replace(args.out / "written.txt", written.encode())
            if writer:
                writer.add_text("written", f"```\n{written}\n```", done)
        export(args.out / "model", model, tokens, args)
        result = {"recipe": "gpt", **history[-1], "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = f"{result['bits_per_byte']:.3f} bits per byte of text held out"
        print(json.dumps(result) if args.json else text)
    if writer:
        writer.close()
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say(f"\ninterrupted: what was saved every {ROUND} steps is there; the same command goes on from it")
        sys.exit(130)
