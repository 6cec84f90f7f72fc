"""Read handwritten digits as `digits` does, with Lightning: a module, a Trainer, callbacks and its own checkpoints.

what-zh:   与 digits 相同的手写数字识别，用 Lightning 实现：模块、Trainer、回调与其自带的检查点
data:      scikit-learn's 1,797 digits of 8x8 pixels; --data FOLDER: IDX files, as MNIST and Fashion-MNIST come
data-zh:   scikit-learn 自带的 1797 张 8x8 手写数字；--data FOLDER：IDX 文件，即 MNIST 与 Fashion-MNIST 的格式
time:      20 s
expect:    accuracy 0.97 to 1
needs:     torch numpy scikit-learn lightning
optional:  tensorboard
"""

import argparse
import contextlib
import gzip
import io
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

try:
    import numpy as np
    import torch
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import TensorBoardLogger
    from lightning.pytorch.plugins.io import TorchCheckpointIO
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn lightning")

CLASSES = 10
RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with IDX files (default: scikit-learn's)")
    parser.add_argument("--epochs", type=int, default=12, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/digits-lightning"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- model ---


class Digits(LightningModule):
    """The network, how it is trained, and how it is examined. What it is made with goes into its checkpoints."""

    def __init__(self, side, lr, batch_size, seed, data, world):
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(32 * (side // 2) ** 2, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, CLASSES),
        )

    def forward(self, images):
        return self.head(self.body(images))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

    def on_train_batch_start(self, batch, number):
        # Dropout, too, follows from seed, epoch and rank: a run that was interrupted goes on as if it had not been.
        # Not at the start of the epoch: its loader is made after that, and draws a number, but not when going on.
        if number == 0:
            torch.manual_seed((self.hparams.seed * 10_000 + self.current_epoch + 1) * WORLD + RANK)

    def training_step(self, batch, number):
        images, labels = batch
        loss = nn.functional.cross_entropy(self(images), labels)
        self.log("loss/train", loss, on_step=False, on_epoch=True, batch_size=len(labels), sync_dist=WORLD > 1)
        return loss

    def validation_step(self, batch, number):
        images, labels = batch
        right = (self(images).argmax(dim=1) == labels).float().mean()
        self.log("accuracy/test", right, batch_size=len(labels), sync_dist=WORLD > 1)


# --- data ---


def load(folder):
    """Training images, their labels, test images, their labels; images as (n, 1, side, side), standardised."""
    if folder is None:
        digits = load_digits()
        # One split for all seeds, so that their results can be compared.
        train_x, test_x, train_y, test_y = train_test_split(
            digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=0
        )
    else:
        train_x, train_y = read_pair(folder, "train")
        test_x, test_y = read_pair(folder, "t10k")
        if len({*train_x.shape[1:], *test_x.shape[1:]}) != 1:
            fail(f"{folder}: images are {train_x.shape[1:]} and {test_x.shape[1:]}, not squares of one size")
    mean, std = train_x.mean(), train_x.std()
    images = [torch.tensor((x - mean) / std, dtype=torch.float32).unsqueeze(1) for x in (train_x, test_x)]
    labels = [torch.tensor(y, dtype=torch.int64) for y in (train_y, test_y)]
    return images[0], labels[0], images[1], labels[1]


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


# --- what the Trainer is to do besides ---


class Progress(Callback):
    """A bar on a terminal, a line an epoch, and the history, which is kept in the checkpoints."""

    def __init__(self):
        self.history, self.interrupted = [], False

    def state_dict(self):
        return {"history": self.history}

    def load_state_dict(self, state):
        self.history = state["history"]

    def on_train_epoch_start(self, trainer, module):
        self.started = time.time()
        self.title = f"epoch {trainer.current_epoch + 1:3}/{trainer.max_epochs}"

    def on_train_batch_end(self, trainer, module, outputs, batch, number):
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * (number + 1) // trainer.num_training_batches)
            print(f"\r{self.title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)

    def on_train_epoch_end(self, trainer, module):
        loss, accuracy = (trainer.callback_metrics[name].item() for name in ("loss/train", "accuracy/test"))
        self.history.append({"epoch": trainer.current_epoch + 1, "loss": loss, "accuracy": accuracy})
        say(f"{self.title}  loss {loss:.4f}  accuracy {accuracy:.4f}  {time.time() - self.started:.1f} s")

    def on_exception(self, trainer, module, exception):
        self.interrupted = isinstance(exception, KeyboardInterrupt)


class InOneGo(TorchCheckpointIO):
    """Lightning's checkpoints, with a word on what to do when one cannot be written."""

    def save_checkpoint(self, checkpoint, path, storage_options=None):
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        replace(Path(path), buffer.getvalue())


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


def resume(path, settings, device):
    """The checkpoint to go on from, or None; the Trainer will read it for itself."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        before, _ = state["hyper_parameters"], state["callbacks"]["Progress"]["history"]
    except Exception as error:
        fail(f"{path}: no checkpoint of this program ({type(error).__name__}); start over with --fresh")
    changed = [f"{name} {before.get(name)}, now {now}" for name, now in settings.items() if before.get(name) != now]
    if changed:
        fail(f"{path} was made with other options ({'; '.join(changed)}): choose another --out, or add --fresh")
    return state


def curves(folder, step):
    """Lightning's logger for TensorBoard, or False where that package is missing. From `step` on it writes anew."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ModuleNotFoundError:
        say("no TensorBoard curves: pip install tensorboard")
        return False
    return TensorBoardLogger(folder, name="", version="tensorboard", default_hp_metric=False, purge_step=step)


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
    bf16 = args.bf16 if args.bf16 is not None else device.type == "cuda" and torch.cuda.is_bf16_supported()
    # It says what it is about to do, and that PyTorch, workers and folders could be other ones: all of it is meant so.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for advice in ("isinstance.treespec", "The '.*_dataloader' does not have many workers", "Checkpoint directory "):
        warnings.filterwarnings("ignore", f".?{advice}")

    train_x, train_y, test_x, test_y = load(args.data)
    # The order of the examples follows from seed and epoch alone: the Trainer tells the sampler which epoch it is.
    sampler = DistributedSampler(train_y, WORLD, RANK, shuffle=True, seed=args.seed)
    train_loader = DataLoader(TensorDataset(train_x, train_y), args.batch_size, sampler=sampler)
    test_loader = DataLoader(TensorDataset(test_x, test_y), 256)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {"data": str(args.data), "lr": args.lr, "batch_size": args.batch_size, "seed": args.seed, "world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    state = None if args.fresh else resume(checkpoint, settings, device)
    done = len(state["callbacks"]["Progress"]["history"]) if state else 0
    if state:
        say(f"going on after epoch {done}, from {checkpoint} (--fresh starts over)")

    torch.manual_seed(args.seed)
    model = Digits(train_x.shape[-1], **settings)
    progress = Progress()
    saving = ModelCheckpoint(args.out, "checkpoint", save_on_train_epoch_end=True, enable_version_counter=False)
    saving.FILE_EXTENSION = ".pt"
    trainer = Trainer(
        accelerator=device.type,
        devices=int(os.environ["LOCAL_WORLD_SIZE"]) if WORLD > 1 else [device.index or 0] if device.index else 1,
        strategy="ddp" if WORLD > 1 else "auto",
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        precision="bf16-mixed" if bf16 else "32-true",
        max_epochs=args.epochs,
        logger=curves(args.out, state["global_step"] if state else 0) if RANK == 0 else False,
        callbacks=[progress, saving],
        plugins=[InOneGo()],
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=args.out,
    )
    if done < args.epochs:
        try:
            trainer.fit(model, train_loader, test_loader, ckpt_path=checkpoint if state else None, weights_only=True)
        except SystemExit:
            if progress.interrupted:  # the Trainer ends the program with status 1
                raise KeyboardInterrupt from None
            raise
    else:
        progress.load_state_dict(state["callbacks"]["Progress"])

    if RANK == 0:
        history = progress.history
        result = {"recipe": "digits-lightning", **history[-1], "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        print(
            json.dumps(result) if args.json else f"accuracy {history[-1]['accuracy']:.4f} after {len(history)} epochs"
        )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
