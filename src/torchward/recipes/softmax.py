"""Read handwritten digits with softmax regression: one linear layer and cross-entropy.

what-zh:   用 softmax 回归识别手写数字：一个线性层加交叉熵
data:      scikit-learn's 1,797 digits of 8x8 pixels; --data FOLDER: IDX files, as MNIST and Fashion-MNIST come
data-zh:   scikit-learn 自带的 1797 张 8x8 手写数字；--data FOLDER：IDX 文件，即 MNIST 与 Fashion-MNIST 的格式
time:      10 s
expect:    accuracy 0.94 to 0.99
needs:     torch numpy scikit-learn
optional:  tensorboard
"""

import argparse
import contextlib
import gzip
import io
import json
import os
import sys
from pathlib import Path

try:
    import numpy as np
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")

CLASSES = 10


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with IDX files (default: scikit-learn's)")
    parser.add_argument("--epochs", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=0.05, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("runs/softmax"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        parser.error("this program trains in one process: start it without torchrun")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def progress(epoch, epochs, text):
    """One line that is written anew on a terminal; elsewhere some ten lines over the whole run."""
    line = f"epoch {epoch:3}/{epochs}  {text}"
    if sys.stderr.isatty():
        bar = "#" * (24 * epoch // epochs)
        print(f"\r[{bar:<24}] {line}", end="\n" if epoch == epochs else "", file=sys.stderr, flush=True)
    elif epoch == epochs or epoch % max(1, epochs // 10) == 0:
        say(line)


# --- data ---


def load(folder):
    """Training rows of pixels, their labels, test rows, their labels; pixels standardised over all of them."""
    if folder is None:
        digits = load_digits()
        # One split for all seeds, so that their results can be compared.
        train_x, test_x, train_y, test_y = train_test_split(
            digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=0
        )
    else:
        train_x, train_y = read_pair(folder, "train")
        test_x, test_y = read_pair(folder, "t10k")
        if train_x.shape[1:] != test_x.shape[1:]:
            fail(f"{folder}: training images are {train_x.shape[1:]}, test images {test_x.shape[1:]}")
    mean, std = train_x.mean(), train_x.std()
    rows = [torch.tensor((x - mean) / std, dtype=torch.float32).flatten(1) for x in (train_x, test_x)]
    labels = [torch.tensor(y, dtype=torch.int64) for y in (train_y, test_y)]
    return rows[0], labels[0], rows[1], labels[1]


def read_pair(folder, part):
    if not folder.is_dir():
        fail(f"{folder}: no such folder")
    images, labels = (
        read_idx(folder, f"{part}-{name}", dimensions)
        for name, dimensions in (("images-idx3-ubyte", 3), ("labels-idx1-ubyte", 1))
    )
    if len(images) != len(labels) or len(images) == 0:
        fail(f"{folder}: {len(images)} {part} images, but {len(labels)} labels")
    wrong = np.flatnonzero(labels >= CLASSES)
    if len(wrong):
        at = wrong[0]
        fail(f"{folder}/{part}-labels-idx1-ubyte: label {labels[at]} at position {at} is not in 0..{CLASSES - 1}")
    return images, labels


def read_idx(folder, name, dimensions):
    """An IDX file (two zero bytes, type, number of dimensions, sizes, bytes), gzipped or not."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            break
    else:
        fail(f"{folder}: holds neither {name} nor {name}.gz")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, ValueError) as error:
        fail(f"{path}: cannot be read: {error}")
    if data[:4] != bytes([0, 0, 8, dimensions]):
        fail(f"{path}: not an IDX file of bytes with {dimensions} dimension(s)")
    start = 4 + 4 * dimensions
    shape = np.frombuffer(data, ">u4", dimensions, 4) if len(data) >= start else ()
    if len(shape) == 0 or len(data) - start != np.prod(shape, dtype=np.int64):
        fail(f"{path}: broken off, or longer than its header says: {len(data)} bytes for shape {tuple(shape)}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


# --- training ---


def train_one_epoch(model, loader, optimizer, device):
    """Mean loss over the epoch's examples."""
    model.train()
    total = 0.0
    for x, y in loader:
        # cross_entropy takes raw scores: it applies the softmax itself.
        loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, x, y, device):
    """Share of the examples that are classified right."""
    model.eval()
    return (model(x.to(device)).argmax(dim=1).cpu() == y).float().mean().item()


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
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        fail(f"--device {name}: {str(error).splitlines()[0]}")
    return device


def main():
    args = options()
    device = choose_device(args.device)
    train_x, train_y, test_x, test_y = load(args.data)

    torch.manual_seed(args.seed)
    model = nn.Linear(train_x.shape[1], CLASSES).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {"data": str(args.data), "lr": args.lr, "batch_size": args.batch_size, "seed": args.seed}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    writer = curves(args.out / "tensorboard", len(history) + 1)

    for epoch in range(len(history) + 1, args.epochs + 1):
        # The order of the examples follows from seed and epoch: a run that was interrupted goes on in the same one.
        order = torch.Generator().manual_seed(args.seed * 10_000 + epoch)
        loader = DataLoader(TensorDataset(train_x, train_y), args.batch_size, shuffle=True, generator=order)
        loss = train_one_epoch(model, loader, optimizer, device)
        accuracy = evaluate(model, test_x, test_y, device)
        history.append({"epoch": epoch, "loss": loss, "accuracy": accuracy})
        progress(epoch, args.epochs, f"loss {loss:.4f}  accuracy {accuracy:.4f}")
        weights, moments = model.state_dict(), optimizer.state_dict()
        save(checkpoint, {"model": weights, "optimizer": moments, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/train", loss, epoch)
            writer.add_scalar("accuracy/test", accuracy, epoch)

    if writer:
        writer.close()
    result = {"recipe": "softmax", **history[-1], "history": history}
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    print(json.dumps(result) if args.json else f"accuracy {result['accuracy']:.4f} after {len(history)} epochs")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
