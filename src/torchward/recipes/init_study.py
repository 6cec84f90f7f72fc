"""See how a deep network's first weights decide whether it can learn: five ways, tanh and ReLU, layer by layer.

what-zh:   深层网络的初始权重如何决定它能否学习：五种初始化、tanh 与 ReLU，逐层观察
data:      scikit-learn's 1,797 digits of 8x8 pixels
data-zh:   scikit-learn 自带的 1797 张 8x8 手写数字
time:      20 s
expect:    accuracy 0.93 to 1
needs:     torch numpy scikit-learn
optional:  tensorboard matplotlib
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
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy scikit-learn")

LAYERS, WIDTH, CLASSES = 7, 100, 10
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}
INITS = {
    "constant": lambda weight: nn.init.constant_(weight, 0.01),
    "small": lambda weight: nn.init.normal_(weight, std=0.01),
    "large": lambda weight: nn.init.normal_(weight, std=1.0),
    "xavier": nn.init.xavier_normal_,
    "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
}


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--activation", choices=ACTIVATIONS, default="relu", help="to train with (default: %(default)s)"
    )
    parser.add_argument("--init", choices=INITS, default="he", help="to train with (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=0.02, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("runs/init-study"), help="folder (default: %(default)s)")
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


# --- data and model ---


def load():
    """Training rows of pixels, their labels, test rows, their labels; pixels standardised over all of them."""
    digits = load_digits()
    # One split for all seeds, so that their results can be compared.
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data, digits.target, test_size=0.2, stratify=digits.target, random_state=0
    )
    mean, std = train_x.mean(), train_x.std()
    rows = [torch.tensor((x - mean) / std, dtype=torch.float32) for x in (train_x, test_x)]
    labels = [torch.tensor(y, dtype=torch.int64) for y in (train_y, test_y)]
    return rows[0], labels[0], rows[1], labels[1]


class Net(nn.Module):
    def __init__(self, activation, init):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH if i else 64, WIDTH) for i in range(LAYERS))
        self.activation = ACTIVATIONS[activation]()
        self.head = nn.Linear(WIDTH, CLASSES)
        for layer in (*self.layers, self.head):
            INITS[init](layer.weight)
            nn.init.zeros_(layer.bias)

    def activations(self, x):
        """The values after each of the layers."""
        values = []
        for layer in self.layers:
            x = self.activation(layer(x))
            values.append(x)
        return values

    def forward(self, x):
        return self.head(self.activations(x)[-1])


# --- the study: one look at each network before any training ---


def study(x, y, seed, device):
    """For each activation and init: per layer the activations, what they look like, and the size of the gradient."""
    found = []
    for activation in ACTIVATIONS:
        for init in INITS:
            torch.manual_seed(seed)
            model = Net(activation, init).to(device)
            values = model.activations(x.to(device))
            loss = nn.functional.cross_entropy(model.head(values[-1]), y.to(device))
            gradients = torch.autograd.grad(loss, [layer.weight for layer in model.layers])
            found.append(
                {
                    "activation": activation,
                    "init": init,
                    "loss": loss.item(),
                    "values": [value.detach().cpu() for value in values],
                    "std": [value.std().item() for value in values],
                    "idle": [idle(value, activation) for value in values],
                    "gradient": [gradient.std().item() for gradient in gradients],
                }
            )
    return found


def idle(values, activation):
    """Share of the values through which next to no gradient passes: saturated for tanh, zero for ReLU."""
    stuck = values.abs() > 0.99 if activation == "tanh" else values == 0
    return stuck.float().mean().item()


def table(found):
    lines = [
        "                 deviation of the activations, layers 1 to 7              idle   gradient in 1 and 7    loss"
    ]
    for one in found:
        deviations = " ".join(f"{value:7.1e}" for value in one["std"])
        ends = f"{one['gradient'][0]:.1e}  {one['gradient'][-1]:.1e}"
        name = f"{one['activation']} {one['init']}"
        lines.append(f"{name:<14} {deviations}  {one['idle'][-1]:4.0%}   {ends}  {one['loss']:8.3g}")
    return "\n".join(lines)


def draw(path, found):
    """One field a network, one curve a layer: how the activations are spread, up to the layer's largest."""
    try:
        from matplotlib import colormaps
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        say("no picture: pip install matplotlib")
        return
    figure = Figure(figsize=(16, 7))
    fields = figure.subplots(len(ACTIVATIONS), len(INITS))
    for field, one in zip(fields.flat, found, strict=True):
        for number, values in enumerate(one["values"]):
            reach = max(1e-30, values.abs().max().item())
            counts, edges = np.histogram(values.numpy() / reach, bins=41, range=(-1, 1))
            colour = colormaps["viridis"](number / LAYERS)
            field.stairs(counts / counts.sum(), edges, color=colour, label=f"{number + 1}: {one['std'][number]:.1e}")
        field.set_title(f"{one['activation']}, {one['init']}")
        field.legend(title="layer: deviation", fontsize=6, title_fontsize=7, loc="upper left")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=80)
    replace(path, picture.getvalue())


# --- training ---


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
    train_x, train_y, test_x, test_y = load()

    found = study(train_x[:256], train_y[:256], args.seed, device)
    say(table(found), "\n")
    draw(args.out / "activations.png", found)

    say(f"training with {args.activation} and {args.init}; others: --activation, --init")
    torch.manual_seed(args.seed)
    model = Net(args.activation, args.init).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {name: getattr(args, name) for name in ("activation", "init", "lr", "batch_size", "seed")}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    writer = curves(args.out / "tensorboard", len(history) + 1)
    if writer and not history:
        for one in found:
            for number, values in enumerate(one["values"], 1):
                writer.add_histogram(f"{one['activation']} {one['init']}/layer {number}", values, 0)

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
            with torch.no_grad():
                for number, values in enumerate(model.activations(train_x[:256].to(device)), 1):
                    writer.add_histogram(f"trained/layer {number}", values.cpu(), epoch)

    if writer:
        writer.close()
    seen = [{key: value for key, value in one.items() if key != "values"} for one in found]
    result = {"recipe": "init-study", **history[-1], "before_training": seen, "history": history}
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = f"{args.activation}, {args.init}: accuracy {result['accuracy']:.4f} after {len(history)} epochs"
    print(json.dumps(result) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
