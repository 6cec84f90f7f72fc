"""Learn to write Python, byte by byte, with an LSTM.

what-zh:   用 LSTM 逐字节学写 Python 代码
data:      the source of Python's own standard library; --data FOLDER: text files (.txt, .md, .py)
data-zh:   Python 标准库自身的源代码；--data FOLDER：文本文件（.txt、.md、.py）
time:      55 s
expect:    bits_per_byte 2.2 to 2.6
needs:     torch numpy
optional:  tensorboard
"""

import argparse
import contextlib
import io
import json
import math
import os
import sys
import time
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
STEPS = 100  # in an epoch: the text is too long to be read as a whole


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with text files (default: Python's own)")
    parser.add_argument("--hidden", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--length", type=int, default=64, help="bytes in an example (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help=f"of {STEPS} steps (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=5e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=32, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/lstm"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if args.hidden < 1 or args.length < 2:
        parser.error("--hidden must be 1 or more, --length 2 or more")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def load(folder, length):
    """Text to learn from and text held out, as arrays of bytes. Every tenth file is held out, or the last tenth."""
    root = folder or Path(os.__file__).parent
    if not root.is_dir():
        fail(f"{root}: no such folder")
    if folder is None:
        paths = sorted(root.glob("*.py"))
    else:
        paths = sorted(path for path in root.rglob("*") if path.suffix in (".txt", ".md", ".py") and path.is_file())
    if not paths:
        fail(f"{root}: holds no .txt, .md or .py files")
    texts = []
    for path in paths:
        try:
            texts.append(path.read_bytes())
        except OSError as error:
            fail(f"{path}: cannot be read: {error.strerror}")
        if b"\0" in texts[-1]:
            fail(f"{path}: holds zero bytes, so it is no text")
    if len(texts) >= 10:
        train, test = b"\n".join(text for i, text in enumerate(texts) if i % 10), b"\n".join(texts[::10])
    else:
        whole = b"\n".join(texts)
        train, test = whole[: len(whole) * 9 // 10], whole[len(whole) * 9 // 10 :]
    if min(len(train), len(test)) < 4 * length:
        fail(f"{root}: only {len(train) + len(test)} bytes of text in {len(paths)} file(s)")
    return [torch.from_numpy(np.frombuffer(text, np.uint8).copy()) for text in (train, test)]


def batch(text, starts, length):
    """Pieces of the text, and the same pieces one byte later: each byte is to be told from those before it."""
    pieces = torch.stack([text[start : start + length + 1] for start in starts]).long()
    return pieces[:, :-1], pieces[:, 1:]


# --- model ---


class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(256, 64)
        self.lstm = nn.LSTM(64, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 256)

    def forward(self, x, state=None):
        """Scores for the next byte at each position, and the state after the last."""
        output, state = self.lstm(self.embedding(x), state)
        return self.head(output), state

    @torch.no_grad()
    def write(self, start, number, device, seed):
        """Go on with a text, drawing each byte from what the model thinks likely."""
        self.eval()
        draws = torch.Generator().manual_seed(seed)
        text, state = list(start), None
        x = torch.tensor([text], device=device)
        for _ in range(number):
            scores, state = self(x, state)
            chances = torch.softmax(scores[0, -1].float().cpu() / 0.7, dim=0)
            text.append(torch.multinomial(chances, 1, generator=draws).item())
            x = torch.tensor([text[-1:]], device=device)
        return bytes(text).decode(errors="replace")


# --- training ---


def train_one_epoch(model, text, optimizer, args, draws, device, autocast, title):
    """Mean loss over the epoch's steps."""
    model.train()
    total = torch.zeros((), device=device)
    for number in range(1, STEPS + 1):
        starts = torch.randint(len(text) - args.length, (args.batch_size,), generator=draws)
        x, y = batch(text, starts, args.length)
        with autocast():
            scores, _ = model(x.to(device))
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), y.to(device).flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # one strange piece of text shall not undo the rest
        optimizer.step()
        total += loss.detach()
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * number // STEPS)
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / STEPS


@torch.no_grad()
def evaluate(model, text, length, device):
    """Mean loss, in nats a byte, over pieces spread evenly over the text."""
    model.eval()
    starts = torch.linspace(0, len(text) - length - 1, 200).long()
    losses = []
    for part in starts.split(50):
        x, y = batch(text, part, length)
        scores, _ = model(x.to(device))
        losses.append(nn.functional.cross_entropy(scores.flatten(0, 1), y.to(device).flatten()).item())
    return sum(losses) / len(losses)


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

    train, test = load(args.data, args.length)
    torch.manual_seed(args.seed)
    model = Net(args.hidden).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {name: getattr(args, name) for name in ("hidden", "length", "lr", "batch_size", "seed")}
    settings |= {"data": str(args.data), "world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    replica = DistributedDataParallel(model) if WORLD > 1 else model
    writer = curves(args.out / "tensorboard", len(history) + 1) if RANK == 0 else None

    for epoch in range(len(history) + 1, args.epochs + 1):
        started = time.time()
        # Which pieces are read follows from seed, epoch and rank: an interrupted run goes on with the same ones.
        draws = torch.Generator().manual_seed((args.seed * 10_000 + epoch) * WORLD + RANK)
        loss = train_one_epoch(
            replica, train, optimizer, args, draws, device, autocast, f"epoch {epoch:3}/{args.epochs}"
        )
        bits = evaluate(model, test, args.length, device) / math.log(2)
        history.append({"epoch": epoch, "loss": loss, "bits_per_byte": bits})
        say(f"epoch {epoch:3}/{args.epochs}  loss {loss:.4f}  held out {bits:.3f} bits  {time.time() - started:.1f} s")
        if RANK == 0:
            weights, moments = model.state_dict(), optimizer.state_dict()
            save(checkpoint, {"model": weights, "optimizer": moments, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/train", loss, epoch)
            writer.add_scalar("bits per byte/held out", bits, epoch)

    if RANK == 0:
        written = model.write(b"def ", 300, device, args.seed)
        say(f"\n{written}\n")
        replace(args.out / "written.txt", written.encode())
        if writer:
            writer.add_text("written", f"```\n{written}\n```", len(history))
            writer.close()
        result = {"recipe": "lstm", **history[-1], "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = f"{result['bits_per_byte']:.3f} bits per byte of text held out"
        print(json.dumps(result) if args.json else text)
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
