"""Train a perceptron by its own rule, see it fail on XOR, and a hidden layer solve it.

what-zh:   用感知机规则训练感知机，看它在 XOR 上失败，再用一个隐藏层解决
data:      scikit-learn's breast cancer table, 569 patients with 30 measurements each; and XOR: four clouds of points
data-zh:   scikit-learn 自带的乳腺癌数据，569 名患者，每人 30 项指标；以及 XOR：四团点
time:      10 s
expect:    accuracy 0.92 to 1, xor_accuracy 0.2 to 0.8, xor_hidden_accuracy 0.98 to 1
needs:     torch numpy scikit-learn
optional:  tensorboard
"""

import argparse
import contextlib
import io
import json
import os
import sys
from pathlib import Path

try:
    import numpy as np
    import torch
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40, help="default: %(default)s")
    parser.add_argument(
        "--lr", type=float, default=0.1, help="of the network with a hidden layer (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=int, default=16, help="of that network (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("runs/perceptron"), help="folder (default: %(default)s)")
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


def cancer():
    """Training inputs and labels, test inputs and labels; columns standardised, labels -1 and 1."""
    x, y = load_breast_cancer(return_X_y=True)
    # One split for all seeds, so that their results can be compared.
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    mean, std = train_x.mean(axis=0), train_x.std(axis=0)
    return tensors((train_x - mean) / std, train_y, (test_x - mean) / std, test_y)


def xor():
    """Four clouds around (±1, ±1): 1 where the two signs differ. No line divides them."""
    random = np.random.default_rng(0)
    x = random.choice([-1.0, 1.0], (600, 2))
    y = (x[:, 0] != x[:, 1]).astype(int)
    x += random.normal(0, 0.2, x.shape)
    return tensors(x[:480], y[:480], x[480:], y[480:])


def tensors(train_x, train_y, test_x, test_y):
    x = [torch.tensor(part, dtype=torch.float32) for part in (train_x, test_x)]
    y = [torch.tensor(part * 2 - 1, dtype=torch.float32) for part in (train_y, test_y)]
    return x[0], y[0], x[1], y[1]


# --- training ---


def perceptron_epoch(weights, x, y, order):
    """Rosenblatt's rule, in place: each example on the wrong side pulls the line to itself. Gives the mistakes."""
    mistakes = 0
    for i in order:
        row = torch.cat([x[i], torch.ones(1)])  # the last weight is the bias
        if y[i] * (row @ weights) <= 0:
            weights += y[i] * row
            mistakes += 1
    return mistakes


def perceptron_accuracy(weights, x, y):
    return ((x @ weights[:-1] + weights[-1]) * y > 0).float().mean().item()


def train_one_epoch(model, loader, optimizer, device):
    """The same task by gradient descent, through a hidden layer. Gives the mean loss."""
    model.train()
    total = 0.0
    for x, y in loader:
        wanted = (y.to(device) + 1) / 2  # this loss wants 0 and 1
        loss = nn.functional.binary_cross_entropy_with_logits(model(x.to(device)).squeeze(1), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, x, y, device):
    model.eval()
    return (model(x.to(device)).squeeze(1).cpu() * y > 0).float().mean().item()


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
    tables = {"cancer": cancer(), "xor": xor()}

    torch.manual_seed(args.seed)
    lines = {name: torch.zeros(table[0].shape[1] + 1) for name, table in tables.items()}
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {"lr": args.lr, "batch_size": args.batch_size, "seed": args.seed}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
        lines = {name: line.cpu() for name, line in state["lines"].items()}
    writer = curves(args.out / "tensorboard", len(history) + 1)

    for epoch in range(len(history) + 1, args.epochs + 1):
        # The order of the examples follows from seed and epoch: a run that was interrupted goes on in the same one.
        order = torch.Generator().manual_seed(args.seed * 10_000 + epoch)
        row = {"epoch": epoch}
        for name, (train_x, train_y, test_x, test_y) in tables.items():
            shuffled = torch.randperm(len(train_x), generator=order).tolist()
            row[f"{name}_mistakes"] = perceptron_epoch(lines[name], train_x, train_y, shuffled)
            row["accuracy" if name == "cancer" else "xor_accuracy"] = perceptron_accuracy(lines[name], test_x, test_y)
        train_x, train_y, test_x, test_y = tables["xor"]
        loader = DataLoader(TensorDataset(train_x, train_y), args.batch_size, shuffle=True, generator=order)
        row["loss"] = train_one_epoch(model, loader, optimizer, device)
        row["xor_hidden_accuracy"] = evaluate(model, test_x, test_y, device)
        history.append(row)
        text = "  ".join(f"{key} {value:.3f}" for key, value in row.items() if key.endswith("accuracy"))
        progress(epoch, args.epochs, text)
        weights, moments = model.state_dict(), optimizer.state_dict()
        state = {"model": weights, "optimizer": moments, "lines": lines, "history": history, "settings": settings}
        save(checkpoint, state)
        if writer:
            for key, value in row.items():
                writer.add_scalar(key, value, epoch)

    if writer:
        writer.close()
    result = {"recipe": "perceptron", **history[-1], "history": history}
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = (
        f"perceptron: {result['accuracy']:.1%} on the table, {result['xor_accuracy']:.1%} on XOR, "
        f"which no line divides; with a hidden layer {result['xor_hidden_accuracy']:.1%}"
    )
    print(json.dumps(result) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
