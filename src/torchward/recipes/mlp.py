"""Classify a table with a multilayer perceptron: dropout, weight decay, and K-fold cross-validation.

what-zh:   用多层感知机对表格数据分类：dropout、权重衰减与 K 折交叉验证
data:      scikit-learn's breast cancer table, 569 patients with 30 measurements each; --data FILE: CSV with a header,
           numbers in all columns but the last, which names the class
data-zh:   scikit-learn 自带的乳腺癌数据，569 名患者，每人 30 项指标；--data FILE：带表头的 CSV，
           除最后一列为类别外均为数值
time:      10 s
expect:    accuracy 0.95 to 1
needs:     torch numpy scikit-learn
optional:  tensorboard
"""

import argparse
import contextlib
import csv
import io
import json
import os
import sys
from collections import Counter
from pathlib import Path

try:
    import numpy as np
    import torch
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import StratifiedKFold
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FILE", help="CSV file (default: scikit-learn's breast cancer)")
    parser.add_argument("--folds", type=int, default=5, help="parts, each of which is left out once (%(default)s)")
    parser.add_argument("--hidden", type=int, default=64, help="units in each of two layers (default: %(default)s)")
    parser.add_argument("--dropout", type=float, default=0.3, help="default: %(default)s")
    parser.add_argument("--weight-decay", type=float, default=0.01, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=20, help="per fold (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=2e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=32, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("runs/mlp"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if args.folds < 2 or args.hidden < 1 or not 0 <= args.dropout < 1 or args.weight_decay < 0:
        parser.error("--folds must be 2 or more, --hidden 1 or more, --dropout in 0..1, --weight-decay not below 0")
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


def load(path, folds):
    """Rows of numbers, class numbers, and how many classes there are."""
    if path is None:
        x, y = load_breast_cancer(return_X_y=True)
        return x, y, 2
    x, last = read_csv(path)
    sizes = Counter(last)
    if len(sizes) < 2:
        fail(f"{path}: the last column, the class, holds {len(sizes)} different value(s)")
    rare = min(sizes, key=sizes.get)
    if sizes[rare] < folds:
        fail(f"{path}: class {rare!r} has {sizes[rare]} row(s), fewer than --folds {folds}")
    names = sorted(sizes)
    return x, np.array([names.index(value) for value in last]), len(names)


def read_csv(path):
    """The rows of a CSV file under its header: numbers, but for the last column, which is left as text."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        fail(f"{path}: cannot be read as a table with a header: {error}")
    numbers, last = [], []
    for line, row in enumerate(rows, 2):
        if len(row) != len(header) or len(row) < 2:
            fail(f"{path}, line {line}: {len(row)} values under {len(header)} names")
        try:
            numbers.append([float(value) for value in row[:-1]])
        except ValueError as error:
            fail(f"{path}, line {line}: {error}; every column but the last must be a number")
        if not np.isfinite(numbers[-1]).all():
            fail(f"{path}, line {line}: a value is missing or infinite")
        last.append(row[-1])
    return np.array(numbers), last


def standardise(train_x, test_x):
    """Both by mean and deviation of the training part: the fold that is left out must stay unknown."""
    mean, std = train_x.mean(axis=0), train_x.std(axis=0)
    std[std == 0] = 1  # a column that never changes
    return [torch.tensor((x - mean) / std, dtype=torch.float32) for x in (train_x, test_x)]


# --- training ---


class Net(nn.Module):
    def __init__(self, features, hidden, classes, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, x):
        return self.layers(x)


def decayed_alike(model, weight_decay):
    """Weight decay pulls the matrices towards zero; biases are left alone."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    biases = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": biases, "weight_decay": 0.0}]


def train_one_epoch(model, loader, optimizer, device):
    """Mean loss over the epoch's examples."""
    model.train()
    total = 0.0
    for x, y in loader:
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
    x, y, classes = load(args.data, args.folds)
    labels = torch.tensor(y, dtype=torch.int64)
    # One division for all seeds, so that their results can be compared.
    folds = list(StratifiedKFold(args.folds, shuffle=True, random_state=0).split(x, y))

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    names = ("folds", "hidden", "dropout", "weight_decay", "epochs", "lr", "batch_size", "seed")
    settings = {"data": str(args.data)} | {name: getattr(args, name) for name in names}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    writer = curves(args.out / "tensorboard", len(history) + 1)

    for fold in range(len(history) // args.epochs, args.folds):
        train, test = folds[fold]
        train_x, test_x = standardise(x[train], x[test])
        train_y, test_y = labels[train], labels[test]
        torch.manual_seed(args.seed * 10_000 + fold)
        model = Net(x.shape[1], args.hidden, classes, args.dropout).to(device)
        optimizer = torch.optim.AdamW(decayed_alike(model, args.weight_decay), lr=args.lr)
        done = len(history) - fold * args.epochs
        if done:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])

        for epoch in range(done + 1, args.epochs + 1):
            # Order and dropout follow from seed, fold and epoch: a run that was interrupted goes on with the same ones.
            torch.manual_seed((args.seed * 100 + fold + 1) * 10_000 + epoch)
            loader = DataLoader(TensorDataset(train_x, train_y), args.batch_size, shuffle=True)
            loss = train_one_epoch(model, loader, optimizer, device)
            row = {
                "fold": fold + 1,
                "epoch": epoch,
                "loss": loss,
                "train_accuracy": evaluate(model, train_x, train_y, device),
                "accuracy": evaluate(model, test_x, test_y, device),
            }
            history.append(row)
            text = f"fold {fold + 1}  loss {loss:.4f}  accuracy {row['accuracy']:.4f}"
            progress(len(history), args.folds * args.epochs, text)
            weights, moments = model.state_dict(), optimizer.state_dict()
            save(checkpoint, {"model": weights, "optimizer": moments, "history": history, "settings": settings})
            if writer:
                for key in ("loss", "train_accuracy", "accuracy"):
                    writer.add_scalar(f"{key}/fold {fold + 1}", row[key], epoch)

    if writer:
        writer.close()
    last = [row for row in history if row["epoch"] == args.epochs]
    accuracies = np.array([row["accuracy"] for row in last])
    result = {
        "recipe": "mlp",
        "accuracy": accuracies.mean(),
        "accuracy_std": accuracies.std(ddof=1),
        "train_accuracy": float(np.mean([row["train_accuracy"] for row in last])),
        "history": history,
    }
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = (
        f"accuracy {result['accuracy']:.4f} ± {result['accuracy_std']:.4f} over {args.folds} folds "
        f"(training part {result['train_accuracy']:.4f})"
    )
    print(json.dumps(result) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
