"""Tell which library a piece of source code is from: a transformer that classifies sequences.

what-zh:   判断一段源代码出自哪个库：用 Transformer 做序列分类
data:      six packages of Python's own standard library; --data FOLDER: one subfolder a class, with text files
           (.txt, .md, .py)
data-zh:   Python 标准库中的六个包；--data FOLDER：每个类别一个子文件夹，内含文本文件（.txt、.md、.py）
time:      60 s
expect:    accuracy 0.65 to 0.85
needs:     torch
optional:  tensorboard
"""

import argparse
import contextlib
import io
import json
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

try:
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, DistributedSampler
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch")

RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
PACKAGES = ("asyncio", "email", "http", "logging", "multiprocessing", "xml")
PADDING, UNKNOWN = 0, 1
LENGTH = 48  # words in a piece, at most
PIECE = 300  # characters in a piece, at least


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="one subfolder a class (default: Python's own)")
    parser.add_argument("--width", type=int, default=64, help="of the model (default: %(default)s)")
    parser.add_argument("--layers", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--words", type=int, default=4000, help="in the vocabulary (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=2e-3, help="highest, after a warm-up (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=32, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/transformer"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if args.width < 4 or args.width % 4 or args.layers < 1 or args.words < 10:
        parser.error("--width must be a multiple of 4, --layers 1 or more, --words 10 or more")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def load(folder):
    """Training pieces and test pieces, each (words, class number), and the names of the classes."""
    if folder is None:
        folders = [Path(os.__file__).parent / name for name in PACKAGES]
    elif not folder.is_dir():
        fail(f"{folder}: no such folder")
    else:
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
        if len(folders) < 2:
            fail(f"{folder}: want two or more subfolders, one for each class; there are {len(folders)}")
    train, test = [], []
    for number, path in enumerate(folders):
        found = 0
        for file in sorted(path.rglob("*")):
            if file.suffix not in (".txt", ".md", ".py") or not file.is_file():
                continue
            try:
                pieces = cut(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                fail(f"{file}: cannot be read as text: {error}")
            # The end of every file is held out: pieces side by side share names, so a draw by lot would give them away.
            share = -(-len(pieces) * 4 // 5)
            train += [(words, number) for words in pieces[:share]]
            test += [(words, number) for words in pieces[share:]]
            found += len(pieces)
        if found < 20:
            fail(f"{path}: only {found} piece(s) of text of {PIECE} characters in its .txt, .md and .py files")
    if not test:
        fail(f"{folder}: every file is too short to hold out a part of it")
    return train, test, [path.name for path in folders]


def cut(text):
    """Lists of words and signs, one for each run of paragraphs that is long enough."""
    pieces, piece = [], ""
    for paragraph in re.split(r"\n\s*\n", text):
        piece += paragraph + "\n"
        if len(piece) >= PIECE:
            pieces.append(re.findall(r"\w+|[^\w\s]", piece)[:LENGTH])
            piece = ""
    return pieces


def numbers(pieces, vocabulary):
    return [(torch.tensor([vocabulary.get(word, UNKNOWN) for word in words]), label) for words, label in pieces]


def collate(examples):
    """Pieces of a batch, padded to the longest of them."""
    rows, labels = zip(*examples, strict=True)
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING), torch.tensor(labels)


# --- model ---


class Net(nn.Module):
    def __init__(self, words, width, layers, classes):
        super().__init__()
        self.embedding = nn.Embedding(words, width, padding_idx=PADDING)
        self.position = nn.Parameter(torch.randn(LENGTH, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, nhead=4, dim_feedforward=4 * width, dropout=0.2, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        padding = tokens == PADDING  # True where attention must not look
        x = self.embedding(tokens) + self.position[: tokens.shape[1]]
        x = self.encoder(x, src_key_padding_mask=padding)
        real = (~padding).unsqueeze(2)
        return self.head((x * real).sum(dim=1) / real.sum(dim=1))  # the mean over real words


# --- training ---


def train_one_epoch(model, loader, optimizer, schedule, device, autocast, title):
    """Mean loss over the epoch's examples."""
    model.train()
    total = torch.zeros((), device=device)
    for number, (tokens, labels) in enumerate(loader, 1):
        tokens, labels = tokens.to(device), labels.to(device)
        with autocast():
            loss = nn.functional.cross_entropy(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.detach() * len(labels)
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * number // len(loader))
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / len(loader.sampler)


@torch.no_grad()
def evaluate(model, loader, device):
    """Share of the pieces that are classified right."""
    model.eval()
    right = 0
    for tokens, labels in loader:
        right += (model(tokens.to(device)).argmax(dim=1) == labels.to(device)).sum().item()
    return right / len(loader.dataset)


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

    train, test, classes = load(args.data)
    counts = Counter(word for words, _ in train for word in words)
    vocabulary = {word: number for number, (word, _) in enumerate(counts.most_common(args.words - 2), 2)}
    train, test = numbers(train, vocabulary), numbers(test, vocabulary)
    # The order of the examples follows from seed and epoch alone; with torchrun every rank takes its share.
    sampler = DistributedSampler(train, WORLD, RANK, shuffle=True, seed=args.seed)
    train_loader = DataLoader(train, args.batch_size, sampler=sampler, collate_fn=collate)
    test_loader = DataLoader(test, 128, collate_fn=collate)

    torch.manual_seed(args.seed)
    model = Net(len(vocabulary) + 2, args.width, args.layers, len(classes)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    steps = args.epochs * len(train_loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=steps, pct_start=0.1)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    names = ("width", "layers", "words", "epochs", "lr", "batch_size", "seed")
    settings = {name: getattr(args, name) for name in names} | {"data": str(args.data), "world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
        schedule.load_state_dict(state["schedule"])
    replica = DistributedDataParallel(model) if WORLD > 1 else model
    writer = curves(args.out / "tensorboard", len(history) + 1) if RANK == 0 else None

    for epoch in range(len(history) + 1, args.epochs + 1):
        started = time.time()
        sampler.set_epoch(epoch)
        # Dropout, too, follows from seed, epoch and rank: a run that was interrupted goes on as if it had not been.
        torch.manual_seed((args.seed * 10_000 + epoch) * WORLD + RANK)
        title = f"epoch {epoch:3}/{args.epochs}"
        loss = train_one_epoch(replica, train_loader, optimizer, schedule, device, autocast, title)
        accuracy = evaluate(model, test_loader, device)
        history.append({"epoch": epoch, "loss": loss, "accuracy": accuracy})
        say(f"{title}  loss {loss:.4f}  accuracy {accuracy:.4f}  {time.time() - started:.1f} s")
        if RANK == 0:
            parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
            state = {name: part.state_dict() for name, part in parts.items()}
            save(checkpoint, {**state, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/train", loss, epoch)
            writer.add_scalar("accuracy/test", accuracy, epoch)

    if writer:
        writer.close()
    if RANK == 0:
        largest = max(Counter(label for _, label in test).values()) / len(test)
        result = {"recipe": "transformer", **history[-1], "largest_class": largest, "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = f"accuracy {result['accuracy']:.4f} on {len(test)} pieces; always naming one class gives {largest:.4f}"
        print(json.dumps(result) if args.json else text)
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
