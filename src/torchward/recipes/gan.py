"""Two networks against each other: one draws digits, the other tells them from real ones.

what-zh:   两个网络对抗：一个画数字，另一个分辨真假
data:      scikit-learn's 1,797 digits of 8x8 pixels; --data FOLDER: IDX images, as MNIST and Fashion-MNIST come
data-zh:   scikit-learn 自带的 1797 张 8x8 手写数字；--data FOLDER：IDX 图像，即 MNIST 与 Fashion-MNIST 的格式
time:      45 s
expect:    frechet 0 to 5
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
    from sklearn.datasets import load_digits
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")

NOISE = 32


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with IDX files (default: scikit-learn's)")
    parser.add_argument("--epochs", type=int, default=40, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("runs/gan"), help="folder (default: %(default)s)")
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
    """Images as (n, 1, side, side), values from -1 to 1."""
    if folder is None:
        images = load_digits().images / 16
    else:
        if not folder.is_dir():
            fail(f"{folder}: no such folder")
        images = read_idx(folder, "train-images-idx3-ubyte", 3) / 255
        if len(images) < 100 or images.shape[1] != images.shape[2] or images.shape[1] % 4:
            fail(f"{folder}: images are {images.shape}: want 100 or more squares whose side 4 divides")
    return torch.tensor(images * 2 - 1, dtype=torch.float32).unsqueeze(1)


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


# --- models ---


class Generator(nn.Module):
    def __init__(self, side):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(NOISE, 64 * (side // 4) ** 2, bias=False),
            nn.Unflatten(1, (64, side // 4, side // 4)),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.layers(noise)


class Discriminator(nn.Module):
    def __init__(self, side):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(64 * (side // 4) ** 2, 1),
        )

    def forward(self, images):
        return self.layers(images).squeeze(1)


# --- training ---


def train_one_epoch(models, optimizers, loader, device, title):
    """Mean losses of the two over the epoch's batches."""
    generator, discriminator = models
    generator_optimizer, discriminator_optimizer = optimizers
    generator.train()
    discriminator.train()
    totals = torch.zeros(2, device=device)
    score = nn.functional.binary_cross_entropy_with_logits
    for number, (real,) in enumerate(loader, 1):
        real = real.to(device)
        ones, zeros = torch.ones(len(real), device=device), torch.zeros(len(real), device=device)
        fake = generator(torch.randn(len(real), NOISE, device=device))

        # The one that tells them apart: `detach` keeps its gradient out of the one that draws.
        told = score(discriminator(real), ones * 0.9) + score(discriminator(fake.detach()), zeros)
        discriminator_optimizer.zero_grad()
        told.backward()
        discriminator_optimizer.step()

        # The one that draws wants its images taken for real.
        drawn = score(discriminator(fake), ones)
        generator_optimizer.zero_grad()
        drawn.backward()
        generator_optimizer.step()

        totals += torch.stack([drawn.detach(), told.detach()])
        if sys.stderr.isatty():
            bar = "#" * (24 * number // len(loader))
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return (totals / len(loader)).tolist()


@torch.no_grad()
def sample(generator, number, device, seed=0):
    """Images, always from the same noise."""
    generator.eval()
    noise = torch.randn(number, NOISE, generator=torch.Generator().manual_seed(seed))
    return torch.cat([generator(part.to(device)).cpu() for part in noise.split(512)])


def frechet(first, second):
    """Fréchet distance between two sets of images, each taken as one normal distribution over its pixels.

    It is 0 for equal means and covariances, and grows when images are off, and when they are all alike.
    """
    first, second = first.flatten(1).double(), second.flatten(1).double()
    covariances = [torch.cov(images.T) for images in (first, second)]
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt().sum()
    means = ((first.mean(dim=0) - second.mean(dim=0)) ** 2).sum()
    return (means + covariances[0].trace() + covariances[1].trace() - 2 * cross).item()


def draw(path, images):
    """Samples in a square."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        say("no picture: pip install matplotlib")
        return
    figure = Figure(figsize=(5, 5))
    for axis, image in zip(figure.subplots(8, 8).flat, images[:, 0].numpy(), strict=True):
        axis.imshow(image, cmap="gray", vmin=-1, vmax=1)
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
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        fail(f"--device {name}: {str(error).splitlines()[0]}")
    return device


def main():
    args = options()
    device = choose_device(args.device)
    images = load(args.data)
    real = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:2000]]

    torch.manual_seed(args.seed)
    models = [Generator(images.shape[-1]).to(device), Discriminator(images.shape[-1]).to(device)]
    # With the usual 0.9 the two chase each other.
    optimizers = [torch.optim.Adam(model.parameters(), lr=args.lr, betas=(0.5, 0.999)) for model in models]

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {"data": str(args.data), "lr": args.lr, "batch_size": args.batch_size, "seed": args.seed}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        for part, saved in zip([*models, *optimizers], state["parts"], strict=True):
            part.load_state_dict(saved)
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    writer = curves(args.out / "tensorboard", len(history) + 1)

    for epoch in range(len(history) + 1, args.epochs + 1):
        started = time.time()
        # Order, noise and dropout follow from seed and epoch: an interrupted run goes on with the same ones.
        torch.manual_seed(args.seed * 10_000 + epoch)
        loader = DataLoader(TensorDataset(images), args.batch_size, shuffle=True, drop_last=True)
        drawn, told = train_one_epoch(models, optimizers, loader, device, f"epoch {epoch:3}/{args.epochs}")
        distance = frechet(real, sample(models[0], len(real), device))
        history.append({"epoch": epoch, "generator_loss": drawn, "discriminator_loss": told, "frechet": distance})
        losses = f"losses {drawn:.3f} and {told:.3f}"
        say(f"epoch {epoch:3}/{args.epochs}  {losses}  Fréchet {distance:.3f}  {time.time() - started:.1f} s")
        parts = [part.state_dict() for part in (*models, *optimizers)]
        save(checkpoint, {"parts": parts, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/generator", drawn, epoch)
            writer.add_scalar("loss/discriminator", told, epoch)
            writer.add_scalar("frechet", distance, epoch)

    if writer:
        writer.close()
    draw(args.out / "samples.png", sample(models[0], 64, device, seed=1))
    halves = frechet(real[::2], real[1::2])
    result = {"recipe": "gan", **history[-1], "frechet_of_halves": halves, "history": history}
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = f"Fréchet distance {result['frechet']:.3f}; between two halves of the real images {halves:.3f}"
    print(json.dumps(result) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
