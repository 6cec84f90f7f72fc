"""Fit a line to a table by gradient descent, and compare it with the exact solution.

what-zh:   用梯度下降做线性回归，并与精确解比较
data:      scikit-learn's diabetes table, 442 patients with 10 measurements each; --data FILE: CSV with a header, all
           columns numbers, the last one the target
data-zh:   scikit-learn 自带的糖尿病数据，442 名患者，每人 10 项指标；--data FILE：带表头的 CSV，各列均为数值，
           最后一列为目标
time:      6 s
expect:    r2 0.3 to 0.36
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
from pathlib import Path

try:
    import numpy as np
    import torch
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FILE", help="CSV file (default: scikit-learn's diabetes table)")
    parser.add_argument("--epochs", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=0.01, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=32, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("runs/linear"), help="folder (default: %(default)s)")
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


def load(path):
    """Training inputs and targets, test inputs and targets; all in standard deviations of the training part."""
    if path is None:
        x, y = load_diabetes(return_X_y=True, scaled=False)
    else:
        x, last = read_csv(path)
        try:
            y = np.array([float(value) for value in last])
        except ValueError as error:
            fail(f"{path}: {error}; the last column, the target, must be a number")
        if len(y) < 10 or not np.isfinite(y).all() or y.std() == 0:
            fail(f"{path}: want at least 10 rows, and targets that are finite and differ")
    # One split for all seeds, so that their results can be compared.
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=0)
    x_mean, x_std = train_x.mean(axis=0), train_x.std(axis=0)
    x_std[x_std == 0] = 1  # a column that never changes
    y_mean, y_std = train_y.mean(), train_y.std()
    parts = (
        (train_x - x_mean) / x_std,
        (train_y - y_mean) / y_std,
        (test_x - x_mean) / x_std,
        (test_y - y_mean) / y_std,
    )
    return [torch.tensor(part, dtype=torch.float32) for part in parts]


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


# --- training ---


def r2(prediction, target):
    """Share of the target's variance that is predicted: 1 is perfect, 0 what the mean achieves."""
    return 1 - (((prediction - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()).item()


def exact(train_x, train_y, test_x):
    """Predictions of the least-squares solution, with a column of ones for the bias."""
    ones = torch.ones(len(train_x), 1)
    solution = torch.linalg.lstsq(torch.cat([train_x, ones], dim=1), train_y.unsqueeze(1)).solution
    return (test_x @ solution[:-1] + solution[-1]).squeeze(1)


def train_one_epoch(model, loader, optimizer, device):
    """Mean loss over the epoch's examples."""
    model.train()
    total = 0.0
    for x, y in loader:
        prediction = model(x.to(device)).squeeze(1)  # (n, 1) against (n,) would be compared pair by pair
        loss = nn.functional.mse_loss(prediction, y.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


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
    model = nn.Linear(train_x.shape[1], 1).to(device)
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
        model.eval()
        with torch.no_grad():
            fit = r2(model(test_x.to(device)).squeeze(1).cpu(), test_y)
        history.append({"epoch": epoch, "loss": loss, "r2": fit})
        progress(epoch, args.epochs, f"loss {loss:.4f}  r2 {fit:.4f}")
        weights, moments = model.state_dict(), optimizer.state_dict()
        save(checkpoint, {"model": weights, "optimizer": moments, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/train", loss, epoch)
            writer.add_scalar("r2/test", fit, epoch)

    if writer:
        writer.close()
    result = {
        "recipe": "linear",
        **history[-1],
        "r2_exact": r2(exact(train_x, train_y, test_x), test_y),
        "history": history,
    }
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = f"r2 {result['r2']:.4f} after {len(history)} epochs; the exact solution has {result['r2_exact']:.4f}"
    print(json.dumps(result) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
