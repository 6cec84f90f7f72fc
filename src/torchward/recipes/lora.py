"""Teach a language model to say what a function does with LoRA: a few weights beside a base that stays as it is.

what-zh:   用 LoRA 教语言模型说明一个函数的用途：冻结原模型，只训练少量附加参数
data:      functions of Python's standard library, and the first line of what is written about each, the files of one in
           ten held out; --data FILE: lines of JSON with "prompt" and "answer"
data-zh:   Python 标准库中的函数及其文档首行，约十分之一的文件留作评估；
           --data FILE：每行一个 JSON，含 "prompt" 与 "answer"
time:      140 s
expect:    answer_loss 4.4 to 4.85, accuracy 0.16 to 0.21
needs:     torch transformers tokenizers peft
optional:  tensorboard
"""

import argparse
import ast
import contextlib
import io
import json
import os
import shutil
import sys
import time
import warnings
import zlib
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # everything comes from folders
try:
    import torch
    import torch.distributed as dist
    import transformers
    from peft import LoraConfig, PeftModel, get_peft_model
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, DistributedSampler
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch transformers tokenizers peft")

RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
PACKAGES = (
    *("asyncio", "collections", "concurrent", "ctypes", "email", "html", "http", "importlib", "json", "logging"),
    *("multiprocessing", "sqlite3", "unittest", "urllib", "wsgiref", "xml", "xmlrpc"),
)
END = "<|endoftext|>"
IGNORED = -100  # a label that the loss leaves out


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base = "the model to start from: runs/gpt, or a folder of transformers (default: pre-train a small one first)"
    parser.add_argument("--base", type=Path, metavar="FOLDER", help=base)
    parser.add_argument("--base-steps", type=int, default=300, help="of that pre-training (default: %(default)s)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="lines of JSON (default: Python's own functions)")
    parser.add_argument("--length", type=int, default=96, help="tokens of an example, at most (default: %(default)s)")
    parser.add_argument("--rank", type=int, default=8, help="of an update to a matrix (default: %(default)s)")
    parser.add_argument("--alpha", type=float, default=16, help="updates count alpha / rank (default: %(default)s)")
    parser.add_argument("--dropout", type=float, default=0.05, help="of the updates' input (default: %(default)s)")
    parser.add_argument("--merge", action="store_true", help="write the base with the updates added, too")
    parser.add_argument("--epochs", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=5e-3, help="highest, after a warm-up (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/lora"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if args.rank < 1 or not args.alpha > 0 or not 0 <= args.dropout < 1:
        parser.error("--rank must be 1 or more, --alpha above 0, --dropout in 0..1")
    if args.length < 2 or args.base_steps < 1:
        parser.error("--length must be 2 or more, --base-steps 1 or more")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def python_files():
    """Python's own source, as (text, whether it is held out); `gpt` holds the same files out."""
    root = Path(os.__file__).parent
    paths = [*root.glob("[a-z]*.py"), *(path for name in PACKAGES for path in (root / name).rglob("*.py"))]
    for path in sorted(paths):
        name = path.relative_to(root)
        if not {"test", "tests"} & set(name.parts):
            yield path.read_text(encoding="utf-8"), zlib.crc32(name.as_posix().encode()) % 10 == 0


def functions(source):
    """(prompt, answer) for every function with a docstring."""
    for parent in ast.walk(ast.parse(source)):
        inside = f"{parent.name}." if isinstance(parent, ast.ClassDef) else ""
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                line, *_ = (ast.get_docstring(node) or "").strip().splitlines() or [""]
                if line[:1].isalpha():  # no examples, no rulers
                    yield f"Function: {inside}{node.name}({ast.unparse(node.args)})\nWhat it does:", f" {line}"


def load(file):
    """Pairs (prompt, answer) to learn from, and pairs held out."""
    train, test = [], []
    if file is None:
        for source, held_out in python_files():
            (test if held_out else train).extend(functions(source))
        return train, test
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}")
    for number, line in enumerate(lines, 1):
        try:
            pair = json.loads(line)
            prompt, answer = pair["prompt"], pair["answer"]
        except (ValueError, KeyError, TypeError) as error:
            fail(f'{file}, line {number}: want {{"prompt": ..., "answer": ...}}: {type(error).__name__}: {error}')
        if not isinstance(prompt, str) or not isinstance(answer, str) or not prompt or not answer:
            fail(f"{file}, line {number}: prompt and answer must be text, and not empty")
        # By the prompt: the same question is never on both sides.
        (test if zlib.crc32(prompt.encode()) % 10 == 0 else train).append((prompt, answer))
    if not train or not test:
        fail(f"{file}: only {len(lines)} pair(s): too few to hold out a part of them")
    return train, test


def encode(pairs, tokenizer, length):
    """(tokens, labels) of the pairs that fit: the loss is on the answer and its end, so the prompt has no labels."""
    examples = []
    for prompt, answer in pairs:
        question = tokenizer(prompt, add_special_tokens=False).input_ids
        reply = [*tokenizer(answer, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        if len(question) + len(reply) <= length:
            examples.append((torch.tensor(question + reply), torch.tensor([IGNORED] * len(question) + reply)))
    return examples


def collate(examples):
    """Examples of a batch, padded at the end to the longest of them: tokens, mask, labels."""
    tokens, labels = zip(*examples, strict=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in tokens], batch_first=True)
    tokens = nn.utils.rnn.pad_sequence(tokens, batch_first=True)  # what stands under the mask does not matter
    return tokens, mask, nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=IGNORED)


# --- the model to start from ---


def open_base(folder):
    """Model and tokenizer from a folder, as transformers or the recipe `gpt` leave them."""
    if not folder.is_dir():
        fail(f"{folder}: no such folder")
    if not (folder / "config.json").exists() and (folder / "model" / "config.json").exists():
        folder = folder / "model"
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    except Exception as error:
        fail(f"{folder}: no language model that transformers can load: {str(error).splitlines()[0]}")
    if tokenizer.eos_token_id is None:
        fail(f"{folder}: its tokenizer has no token for the end of a text")
    return model, tokenizer


def pretrain(folder, args, device, autocast):
    """A small GPT-2 that has read Python's source for a short while, saved in a folder. `gpt` does it properly."""
    texts = [source for source, held_out in python_files() if not held_out]
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r"\n *| ?[A-Za-z0-9_]+| ?[^A-Za-z0-9_ \n\t\r\x0b\x0c]+|[ \t\r\x0b\x0c]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1024, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
    context = 128
    text = torch.tensor([token for source in texts for token in tokenizer(source + END, verbose=False).input_ids])

    torch.manual_seed(args.seed)
    sizes = {"vocab_size": len(tokenizer), "n_positions": context, "n_embd": 128, "n_layer": 4, "n_head": 4}
    ends = {"bos_token_id": tokenizer.eos_token_id, "eos_token_id": tokenizer.eos_token_id}
    drops = {f"{part}_pdrop": 0.0 for part in ("attn", "embd", "resid")}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **ends, **drops)).to(device)
    # Higher rates, and a longer memory of early gradients, leave some seeds behind for hundreds of steps.
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=args.base_steps, pct_start=0.15, cycle_momentum=False
    )
    model.train()
    for number in range(1, args.base_steps + 1):
        starts = torch.randint(len(text) - context, (8,))
        tokens = torch.stack([text[start : start + context] for start in starts]).to(device)
        with autocast():
            loss = model(input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if number % 50 == 0 or number == args.base_steps:
            say(f"pre-training: step {number}/{args.base_steps}  loss {loss.item():.4f}")
    write(folder, model, tokenizer)


# --- LoRA ---


def add_adapter(model, args):
    """The model with a pair of small matrices beside every linear layer but the last; the rest is frozen."""
    rows_first = any(isinstance(layer, transformers.pytorch_utils.Conv1D) for layer in model.modules())  # GPT-2's
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=args.rank,
        lora_alpha=args.alpha,
        lora_dropout=args.dropout,
        target_modules="all-linear",
        fan_in_fan_out=rows_first,
    )
    return get_peft_model(model, config)


def merge(base, adapter, device):
    """A model like the base, with what the adapter has learned added to its matrices."""
    model, _ = open_base(base)
    return PeftModel.from_pretrained(model.to(device), adapter).merge_and_unload()


@torch.no_grad()
def furthest(one, other, batch, device):
    """How far the scores of two models lie apart, at most."""
    tokens, mask, _ = (part.to(device) for part in batch)
    scores = [model.eval()(input_ids=tokens, attention_mask=mask).logits[mask.bool()] for model in (one, other)]
    return (scores[0] - scores[1]).abs().max().item()


# --- training ---


def train_one_epoch(model, loader, optimizer, schedule, device, autocast, title):
    """Mean loss over the epoch's batches."""
    model.train()
    total = torch.zeros((), device=device)
    for number, (tokens, mask, labels) in enumerate(loader, 1):
        tokens, mask, labels = tokens.to(device), mask.to(device), labels.to(device)
        with autocast():
            loss = model(input_ids=tokens, attention_mask=mask, labels=labels).loss  # the model shifts the labels
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.detach()
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * number // len(loader))
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / len(loader)


@torch.no_grad()
def evaluate(model, loader, device):
    """Mean loss over the tokens of the answers, and the share of them that the model thinks likeliest."""
    model.eval()
    loss = right = number = 0
    for tokens, mask, labels in loader:
        scores = model(input_ids=tokens.to(device), attention_mask=mask.to(device)).logits[:, :-1].float()
        labels = labels[:, 1:].to(device)
        asked = labels != IGNORED
        scores, labels = scores[asked], labels[asked]
        loss += nn.functional.cross_entropy(scores, labels, reduction="sum").item()
        right += (scores.argmax(dim=1) == labels).sum().item()
        number += len(labels)
    return {"answer_loss": loss / number, "accuracy": right / number}


def answers(model, tokenizer, examples, length, device):
    """Prompt, answer, and what the model answers, for some examples."""
    model.eval()
    for tokens, labels in examples:
        question, answer = tokens[labels == IGNORED], labels[labels != IGNORED]
        prompt = question.unsqueeze(0).to(device)
        reply = model.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=length - len(question),
            do_sample=False, pad_token_id=tokenizer.eos_token_id,
        )[0, len(question) :]  # fmt: skip
        yield tuple(tokenizer.decode(part, skip_special_tokens=True) for part in (question, answer, reply))


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


def write(folder, *things):
    """Save a model, a tokenizer as transformers reads them: all of it or nothing."""
    part = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        for thing in things:
            thing.save_pretrained(part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except Exception as error:  # the library of the weights' format has errors of its own
        fail(
            f"cannot write {folder}: {str(error).splitlines()[0]}. The same command goes on from what was saved before"
        )


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
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)  # peft still asks for it
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if WORLD > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    bf16 = args.bf16 if args.bf16 is not None else device.type == "cuda" and torch.cuda.is_bf16_supported()

    def autocast():
        return torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()

    train_pairs, test_pairs = load(args.data)
    # What shapes the curve: a checkpoint made with other values is not gone on from.
    names = ("base", "base_steps", "data", "length", "rank", "alpha", "dropout", "epochs", "lr", "batch_size", "seed")
    settings = {name: getattr(args, name) for name in names} | {"world": WORLD}
    settings |= {name: str(settings[name]) for name in ("base", "data")}
    checkpoint = args.out / "checkpoint.pt"
    state = None if args.fresh else resume(checkpoint, settings, device)

    base = args.base or args.out / f"base-{args.base_steps}-{args.seed}"
    if args.base is None and RANK == 0 and (args.fresh or not base.exists()):
        say("pre-training a small model to start from (--base runs/gpt takes the one of the recipe gpt)")
        pretrain(base, args, device, autocast)
    if WORLD > 1:
        dist.barrier()
    model, tokenizer = open_base(base)
    model.to(device)
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and args.length > longest:
        fail(f"{base}: takes {longest} tokens, fewer than --length {args.length}")
    train, test = (encode(pairs, tokenizer, args.length) for pairs in (train_pairs, test_pairs))
    if not train or not test:
        fail(f"{args.data}: no pairs of {args.length} tokens or less (--length)")
    left_out = len(train_pairs) + len(test_pairs) - len(train) - len(test)
    say(f"{len(train)} pairs, and {len(test)} held out; {left_out} are longer than {args.length} tokens")
    # The order of the examples follows from seed and epoch alone; with torchrun every rank takes its share.
    sampler = DistributedSampler(train, WORLD, RANK, shuffle=True, seed=args.seed)
    train_loader = DataLoader(train, args.batch_size, sampler=sampler, collate_fn=collate)
    test_loader = DataLoader(test, 32, collate_fn=collate)
    steps = args.epochs * len(train_loader)

    torch.manual_seed(args.seed)
    model = add_adapter(model, args)
    adapter = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    trainable = sum(weight.numel() for weight in adapter.values())
    share = trainable / sum(weight.numel() for weight in model.parameters())
    say(f"{trainable} weights are trained, {share:.2%} of all")
    optimizer = torch.optim.AdamW(adapter.values(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=steps, pct_start=0.1)

    if state:
        model.load_state_dict(state["adapter"], strict=False)  # the base is as it was
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        history, before = state["history"], state["before"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    else:
        history, before = [], evaluate(model, test_loader, device)
    say(f"before: loss {before['answer_loss']:.4f} on answers held out, accuracy {before['accuracy']:.4f}")
    replica = DistributedDataParallel(model) if WORLD > 1 else model
    writer = curves(args.out / "tensorboard", len(history) + 1) if RANK == 0 else None

    for epoch in range(len(history) + 1, args.epochs + 1):
        started = time.time()
        sampler.set_epoch(epoch)
        # Dropout, too, follows from seed, epoch and rank: a run that was interrupted goes on as if it had not been.
        torch.manual_seed((args.seed * 10_000 + epoch) * WORLD + RANK)
        title = f"epoch {epoch:3}/{args.epochs}"
        loss = train_one_epoch(replica, train_loader, optimizer, schedule, device, autocast, title)
        after = evaluate(model, test_loader, device)
        history.append({"epoch": epoch, "loss": loss, **after})
        say(
            f"{title}  loss {loss:.4f}  held out {after['answer_loss']:.4f}, accuracy {after['accuracy']:.4f}"
            f"  {time.time() - started:.1f} s"
        )
        if RANK == 0:
            state = {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "history": history}
            weights = {name: weight.detach() for name, weight in adapter.items()}
            save(checkpoint, {**state, "adapter": weights, "before": before, "settings": settings})
        if writer:
            for name, value in history[-1].items():
                writer.add_scalar(name, value, epoch)

    if RANK == 0:
        texts = [
            f"{prompt}{reply}\n(written by people:{answer})\n"
            for prompt, answer, reply in answers(model, tokenizer, test[:: -(-len(test) // 5)], args.length, device)
        ]
        say("\n" + "\n".join(texts))
        replace(args.out / "answers.txt", "\n".join(texts).encode())
        write(args.out / "adapter", model)
        merged = merge(base, args.out / "adapter", device)
        difference = furthest(model, merged, next(iter(test_loader)), device)
        say(f"merged into the base, it gives the same scores to {difference:.1g}")
        if args.merge:
            write(args.out / "model", merged, tokenizer)
        result = {"recipe": "lora", **history[-1], "before": before, "trainable_share": share}
        result |= {"merge_difference": difference, "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = "loss on answers held out {answer_loss:.4f}, accuracy {accuracy:.4f}".format(**history[-1])
        print(json.dumps(result) if args.json else text)
    if writer:
        writer.close()
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
