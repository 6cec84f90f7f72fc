"""Read handwritten digits as `digits` does, with Hugging Face's Trainer and accelerate, and its own checkpoints.

what-zh:   与 digits 相同的手写数字识别，用 Hugging Face 的 Trainer 与 accelerate 及其自带的检查点实现
data:      scikit-learn's 1,797 digits of 8x8 pixels; --data FOLDER: IDX files, as MNIST and Fashion-MNIST come
data-zh:   scikit-learn 自带的 1797 张 8x8 手写数字；--data FOLDER：IDX 文件，即 MNIST 与 Fashion-MNIST 的格式
time:      20 s
expect:    accuracy 0.97 to 1
needs:     torch numpy scikit-learn transformers accelerate
optional:  tensorboard
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

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is fetched, and nothing is asked

try:
    import accelerate  # noqa: F401  (what the Trainer stands on)
    import numpy as np
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.utils.data import Dataset
    from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainerCallback, TrainingArguments
    from transformers.integrations import TensorBoardCallback
    from transformers.modeling_outputs import ImageClassifierOutput
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils.logging import disable_progress_bar
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn transformers accelerate")

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
    parser.add_argument("--out", type=Path, default=Path("runs/digits-hf"), help="folder (default: %(default)s)")
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


class DigitsConfig(PretrainedConfig):
    model_type = "digits"

    def __init__(self, side=8, **others):
        self.side = side
        super().__init__(**others)


class Digits(PreTrainedModel):
    """The network, which computes its loss itself where it is given labels: so the Trainer wants it."""

    config_class = DigitsConfig
    main_input_name = "pixel_values"

    def __init__(self, config):
        super().__init__(config)
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
            nn.Linear(32 * (config.side // 2) ** 2, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, CLASSES),
        )
        self.post_init()

    def _init_weights(self, module):
        """Weights stay as PyTorch begins them; those that the library would draw suit transformers."""

    def forward(self, pixel_values, labels=None):
        logits = self.head(self.body(pixel_values))
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return ImageClassifierOutput(loss=loss, logits=logits)


class Examples(Dataset):
    """Images and labels, each example a dict of what the model is called with."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, number):
        return {"pixel_values": self.images[number], "labels": self.labels[number]}


def measure(prediction):
    """Share of the examples that are classified right."""
    return {"accuracy": float((prediction.predictions.argmax(axis=1) == prediction.label_ids).mean())}


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


class Progress(TrainerCallback):
    """A bar on a terminal, a line an epoch, and what is needed to go on: `checkpoint.pt` names the Trainer's own."""

    def __init__(self, checkpoint, settings):
        self.checkpoint, self.settings = checkpoint, settings

    def on_epoch_begin(self, args, state, control, **others):
        self.started = time.time()

    def on_step_end(self, args, state, control, **others):
        if RANK == 0 and sys.stderr.isatty():
            each = state.max_steps // state.num_train_epochs
            bar = "#" * (24 * ((state.global_step - 1) % each + 1) // each)
            print(f"\repoch {int(state.epoch - 1e-9) + 1:3} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)

    def on_save(self, args, state, control, **others):
        """The Trainer's folder is whole now. A kill while it writes the next one leaves this one in force."""
        past = history(state)
        took = time.time() - self.started
        say(
            f"epoch {len(past):3}/{state.num_train_epochs}  loss {past[-1]['loss']:.4f}  "
            f"accuracy {past[-1]['accuracy']:.4f}  {took:.1f} s"
        )
        if RANK == 0:
            save(self.checkpoint, {"folder": f"checkpoint-{state.global_step}", "settings": self.settings})


def history(state):
    """Loss and accuracy of each epoch so far, from what the Trainer logged."""
    rows = [{}]
    for entry in state.log_history:
        if "loss" in entry:
            rows.append({"epoch": round(entry["epoch"]), "loss": entry["loss"]})
        elif "eval_accuracy" in entry:
            rows[-1]["accuracy"] = entry["eval_accuracy"]
    return rows[1:]


class DigitsTrainer(Trainer):
    """The Trainer, with a word on what to do when a checkpoint cannot be written."""

    def _save_checkpoint(self, model, trial):
        try:
            super()._save_checkpoint(model, trial)
        except Exception as error:  # of the file system, of torch, or of safetensors
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            fail(
                f"cannot write {self.args.output_dir}/checkpoint-{self.state.global_step}: {reason}. "
                "What was saved before is intact: the same command goes on from it"
            )


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
    if not (path.parent / state["folder"] / "trainer_state.json").is_file():
        fail(f"{path}: the Trainer's folder {state['folder']} beside it is gone; start over with --fresh")
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
    if device.index:
        fail(f"--device {name}: the Trainer takes the first card that it sees: CUDA_VISIBLE_DEVICES={device.index}")
    return device


def main():
    args = options()
    device = choose_device(args.device)
    bf16 = args.bf16 if args.bf16 is not None else device.type == "cuda" and torch.cuda.is_bf16_supported()
    train_x, train_y, test_x, test_y = load(args.data)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {"data": str(args.data), "lr": args.lr, "batch_size": args.batch_size, "seed": args.seed, "world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    state = None if args.fresh else resume(checkpoint, settings, device)
    folder = args.out / state["folder"] if state else None

    torch.manual_seed(args.seed)
    model = Digits(DigitsConfig(side=train_x.shape[-1]))
    arguments = TrainingArguments(
        output_dir=str(args.out),
        num_train_epochs=args.epochs,
        per_device_train_batch_size=args.batch_size,
        per_device_eval_batch_size=256,
        learning_rate=args.lr,
        lr_scheduler_type="constant",
        max_grad_norm=0,  # no clipping
        bf16=bf16,
        use_cpu=device.type == "cpu",
        ddp_backend="gloo" if device.type == "cpu" and WORLD > 1 else None,
        ddp_find_unused_parameters=False,
        seed=args.seed,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,  # the one before stays until the next one is whole
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=device.type == "cuda",
        log_level="error",
    )
    if WORLD == 1 and device.type == "cuda":
        arguments._n_gpu = 1  # one card, though there may be more: torchrun uses them all
    trainer = DigitsTrainer(
        model,
        arguments,
        train_dataset=Examples(train_x, train_y),
        eval_dataset=Examples(test_x, test_y),
        compute_metrics=measure,
        callbacks=[Progress(checkpoint, settings)],
        optimizer_cls_and_kwargs=(torch.optim.Adam, {"lr": args.lr}),
    )
    trainer.remove_callback(PrinterCallback)  # it prints to standard output
    disable_progress_bar()  # of each file that is written
    past = []
    if folder:
        trainer.state = trainer.state.load_from_json(str(folder / "trainer_state.json"))
        past = history(trainer.state)
        say(f"going on after epoch {len(past)}, from {folder} (--fresh starts over)")
    writer = curves(args.out / "tensorboard", trainer.state.global_step + 1) if RANK == 0 else None
    if writer:
        trainer.add_callback(TensorBoardCallback(writer))
    if len(past) < args.epochs:
        trainer.train(resume_from_checkpoint=str(folder) if folder else None)
        past = history(trainer.state)

    if RANK == 0:
        result = {"recipe": "digits-hf", **past[-1], "history": past}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        print(json.dumps(result) if args.json else f"accuracy {past[-1]['accuracy']:.4f} after {len(past)} epochs")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
