"""Squeeze images of digits through eight numbers and rebuild them: an autoencoder, compared with PCA.

what-zh:   把数字图像压缩成八个数再还原：自编码器，并与 PCA 比较
data:      scikit-learn's 1,797 digits of 8x8 pixels; --data FOLDER: IDX images, as MNIST and Fashion-MNIST come
data-zh:   scikit-learn 自带的 1797 张 8x8 手写数字；--data FOLDER：IDX 图像，即 MNIST 与 Fashion-MNIST 的格式
time:      15 s
expect:    explained 0.76 to 0.84
needs:     torch numpy scikit-learn
optional:  tensorboard matplotlib
"""

import argparse
import contextlib
import gzip
import io
import json
import os
import sys
import time
from pathlib import Path

try:
    import numpy as np
    import torch
    import torch.distributed as dist
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")

RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with IDX files (default: scikit-learn's)")
    parser.add_argument("--code", type=int, default=8, help="numbers to squeeze an image into (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=2e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/autoencoder"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if args.code < 1:
        parser.error("--code must be above 0")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def load(folder):
    """Training images and test images as (n, side, side), values from 0 to 1."""
    if folder is None:
        images = load_digits().images / 16
        # One split for all seeds, so that their results can be compared.
        train, test = train_test_split(images, test_size=0.2, random_state=0)
    else:
        if not folder.is_dir():
            fail(f"{folder}: no such folder")
        train, test = (read_idx(folder, f"{part}-images-idx3-ubyte", 3) / 255 for part in ("train", "t10k"))
        if len({*train.shape[1:], *test.shape[1:]}) != 1 or not len(train) or not len(test):
            fail(f"{folder}: images are {train.shape} and {test.shape}, not squares of one size")
    return [torch.tensor(images, dtype=torch.float32) for images in (train, test)]


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


# --- model ---


class Autoencoder(nn.Module):
    def __init__(self, side, code):
        super().__init__()
        pixels = side * side
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(pixels, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, code),
        )
        # The last layer has no activation: pixels are clamped when they are looked at, not while learning.
        self.decoder = nn.Sequential(
            nn.Linear(code, 64),
            nn.ReLU(),
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Linear(128, pixels),
            nn.Unflatten(1, (side, side)),
        )

    def forward(self, images):
        return self.decoder(self.encoder(images))


# --- training ---


def train_one_epoch(model, loader, optimizer, device, autocast, title):
    """Mean loss over the epoch's examples."""
    model.train()
    total = torch.zeros((), device=device)
    for number, (images,) in enumerate(loader, 1):
        images = images.to(device)
        with autocast():
            loss = nn.functional.mse_loss(model(images), images)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(images)
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * number // len(loader))
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / len(loader.sampler)


@torch.no_grad()
def rebuild(model, images, device):
    model.eval()
    return torch.cat([model(part.to(device)).cpu() for part in images.split(512)])


def explained(images, rebuilt):
    """Share of the pixels' variance that is rebuilt: 1 is perfect, 0 what the mean image achieves."""
    return 1 - ((images - rebuilt) ** 2).sum().item() / ((images - images.mean(dim=0)) ** 2).sum().item()


def by_pca(train, test, code):
    """What the best linear code of the same length rebuilds."""
    mean = train.flatten(1).mean(dim=0)
    axes = torch.linalg.svd(train.flatten(1) - mean, full_matrices=False).Vh[:code]
    return ((test.flatten(1) - mean) @ axes.T @ axes + mean).unflatten(1, test.shape[1:])


def draw(path, images, rebuilt):
    """Originals above, rebuilt images below."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        say("no picture: pip install matplotlib")
        return
    figure = Figure(figsize=(10, 2.4))
    axes = figure.subplots(2, 10)
    for column in range(min(10, len(images))):
        axes[0, column].imshow(images[column].numpy(), cmap="gray", vmin=0, vmax=1)
        axes[1, column].imshow(rebuilt[column].numpy(), cmap="gray", vmin=0, vmax=1)
    for axis in axes.flat:
        axis.axis("off")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100)
    replace(path, picture.getvalue())


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

    train, test = load(args.data)
    # The order of the examples follows from seed and epoch alone; with torchrun every rank takes its share.
    sampler = DistributedSampler(train, WORLD, RANK, shuffle=True, seed=args.seed)
    loader = DataLoader(TensorDataset(train), args.batch_size, sampler=sampler)

    torch.manual_seed(args.seed)
    model = Autoencoder(train.shape[-1], args.code).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {name: getattr(args, name) for name in ("code", "lr", "batch_size", "seed")}
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
        sampler.set_epoch(epoch)
        loss = train_one_epoch(replica, loader, optimizer, device, autocast, f"epoch {epoch:3}/{args.epochs}")
        share = explained(test, rebuild(model, test, device))
        history.append({"epoch": epoch, "loss": loss, "explained": share})
        say(f"epoch {epoch:3}/{args.epochs}  loss {loss:.4f}  explained {share:.4f}  {time.time() - started:.1f} s")
        if RANK == 0:
            weights, moments = model.state_dict(), optimizer.state_dict()
            save(checkpoint, {"model": weights, "optimizer": moments, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/train", loss, epoch)
            writer.add_scalar("explained/test", share, epoch)

    if writer:
        writer.close()
    if RANK == 0:
        draw(args.out / "rebuilt.png", test, rebuild(model, test, device))
        pca = explained(test, by_pca(train, test, args.code))
        result = {"recipe": "autoencoder", **history[-1], "explained_by_pca": pca, "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = f"{args.code} numbers explain {result['explained']:.1%} of the test images' variance; by PCA {pca:.1%}"
        print(json.dumps(result) if args.json else text)
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
