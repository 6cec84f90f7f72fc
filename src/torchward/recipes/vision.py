"""Classify images with LeNet, AlexNet, VGG, NiN, GoogLeNet or ResNet, from scratch or by fine-tuning.

what-zh:   用 LeNet、AlexNet、VGG、NiN、GoogLeNet 或 ResNet 做图像分类，从头训练或微调
data:      scikit-learn's 1,797 digits, enlarged to 16x16 pixels; --data: a folder with one subfolder of images a class
           (or train/ and test/ with these), IDX files as MNIST comes, or hf:NAME, a Hugging Face dataset
data-zh:   scikit-learn 自带的 1797 张手写数字，放大到 16x16；--data：每个类别一个子文件夹的图像文件夹
           （或其中再分 train/ 与 test/）、MNIST 那样的 IDX 文件，或 hf:NAME，即 Hugging Face 数据集
time:      25 s
expect:    accuracy 0.95 to 1
needs:     torch numpy scikit-learn
optional:  tensorboard matplotlib kornia pillow datasets
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
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=NETS, default="resnet", help="default: %(default)s")
    parser.add_argument("--data", metavar="WHAT", help="image folder, IDX folder or hf:NAME (default: scikit-learn's)")
    parser.add_argument("--size", type=int, help="side of the images in pixels (default: 16; of --data: 32)")
    parser.add_argument("--classes", metavar="0,1,2", help="only these classes, by number (default: all)")
    parser.add_argument("--augment", choices=("auto", "kornia", "plain", "none"), default="auto", help="%(default)s")
    parser.add_argument("--flip", action="store_true", help="mirror images at random: right for photos, not for digits")
    parser.add_argument("--finetune", type=Path, metavar="RUN", help="start from the layers that a run in RUN learned")
    parser.add_argument("--frozen", type=int, default=2, help="epochs before these layers learn (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=2e-3, help="of fine-tuned layers a tenth (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=64, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/vision"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
    if args.size is not None and args.size < 8:
        parser.error("--size must be 8 or more")
    try:
        args.classes = args.classes and [int(word) for word in args.classes.split(",")]
    except ValueError:
        parser.error(f"--classes {args.classes}: want numbers with commas")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- networks: each a backbone, which gives (n, channels, height, width), and a head ---


def conv(inputs, outputs, size=3, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def halvings(side):
    """How often the image can be halved with some 4 pixels left."""
    return max(1, min(4, (side // 4).bit_length() - 1))


def pooled_head(channels, classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def lenet(channels, side, classes):
    """LeCun 1998: two convolutions with average pooling, three dense layers, tanh."""
    backbone = nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
    )
    head = nn.Sequential(
        nn.Flatten(),
        nn.Linear(16 * (side // 4) ** 2, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, classes),
    )
    return backbone, head


def alexnet(channels, side, classes):
    """Krizhevsky 2012: ReLU, max pooling, three convolutions in a row, dropout before the dense layers."""
    backbone = nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 96, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(96, 96, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(96, 64, 3, padding=1),
        nn.ReLU(),
    )
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(4 if side >= 16 else 2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64 * (16 if side >= 16 else 4), 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, classes),
    )
    return backbone, head


def vgg(channels, side, classes):
    """Simonyan 2014: blocks of 3x3 convolutions, each followed by a halving (with batch norm, as it is used today)."""
    layers, width = [], 16
    for block in range(halvings(side)):
        for _ in range(1 if block == 0 else 2):
            layers.append(conv(channels, width))
            channels = width
        layers.append(nn.MaxPool2d(2))
        width = min(128, width * 2)
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(channels * 4, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, classes),
    )
    return nn.Sequential(*layers), head


def nin(channels, side, classes):
    """Lin 2013: a small dense network at every pixel (1x1 convolutions), and no dense layer at the end."""
    layers, width = [], 32
    for _ in range(halvings(side)):
        layers += [conv(channels, width), conv(width, width, 1), conv(width, width, 1), nn.MaxPool2d(2)]
        channels, width = width, min(128, width * 2)
    return nn.Sequential(*layers, nn.Dropout2d(0.2)), nn.Sequential(
        nn.Conv2d(channels, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


class Inception(nn.Module):
    """Four views of the same input side by side: 1x1, 3x3, 5x5, and pooling."""

    def __init__(self, inputs, width):
        super().__init__()
        self.one = conv(inputs, width, 1)
        self.three = nn.Sequential(conv(inputs, width, 1), conv(width, 2 * width))
        self.five = nn.Sequential(conv(inputs, width // 2, 1), conv(width // 2, width // 2, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), conv(inputs, width // 2, 1))
        self.outputs = 4 * width

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


def googlenet(channels, side, classes):
    """Szegedy 2014: a stem, then Inception blocks."""
    layers, width, channels = [conv(channels, 16)], 8, 16
    for _ in range(halvings(side)):
        block = Inception(channels, width)
        layers += [block, nn.MaxPool2d(2)]
        channels, width = block.outputs, min(32, width * 2)
    layers.append(Inception(channels, width))
    return nn.Sequential(*layers), pooled_head(layers[-1].outputs, classes)


class Residual(nn.Module):
    """Two convolutions that learn what to add to their input."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv(inputs, outputs, stride=stride)
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def resnet(channels, side, classes):
    """He 2015: blocks with a way around them."""
    layers, width = [conv(channels, 16)], 16
    for stage in range(halvings(side) + 1):
        outputs = min(128, 16 * 2**stage)
        layers.append(Residual(width, outputs, stride=1 if stage == 0 else 2))
        width = outputs
    return nn.Sequential(*layers), pooled_head(width, classes)


NETS = {"lenet": lenet, "alexnet": alexnet, "vgg": vgg, "nin": nin, "googlenet": googlenet, "resnet": resnet}


class Net(nn.Module):
    def __init__(self, name, channels, side, classes):
        super().__init__()
        self.backbone, self.head = NETS[name](channels, side, classes)

    def forward(self, images):
        return self.head(self.backbone(images))


# --- data ---


def load(what, size, only):
    """Training images and labels, test images and labels, names of the classes; images as (n, c, side, side), bytes."""
    if what is None:
        digits = load_digits()
        images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) * (255 / 16)
        images = resize(images, size or 16).numpy()
        # One split for all seeds, so that their results can be compared.
        parts = train_test_split(images, digits.target, test_size=0.2, stratify=digits.target, random_state=0)
        train, test = (parts[0], parts[2]), (parts[1], parts[3])
        names = [str(name) for name in range(10)]
    elif what.startswith("hf:"):
        train, test, names = from_hub(what[3:], size or 32)
    else:
        folder = Path(what)
        if not folder.is_dir():
            fail(f"{folder}: no such folder")
        reader = from_idx if list(folder.glob("train-images-idx3-ubyte*")) else from_folder
        train, test, names = reader(folder, size or 32)
    data = [torch.as_tensor(part) for part in (*train, *test)]
    if only:
        wrong = [number for number in only if not 0 <= number < len(names)]
        if wrong or len(set(only)) < 2:
            fail(f"--classes {','.join(map(str, only))}: want two or more of 0..{len(names) - 1}")
        data = [*pick(data[0], data[1], only), *pick(data[2], data[3], only)]
        names = [names[number] for number in only]
    return data[0].to(torch.uint8), data[1].long(), data[2].to(torch.uint8), data[3].long(), names


def pick(images, labels, only):
    kept = torch.isin(labels, torch.tensor(only))
    return images[kept], torch.tensor([only.index(label) for label in labels[kept].tolist()])


def resize(images, size):
    if images.shape[-1] == size == images.shape[-2]:
        return images
    return nn.functional.interpolate(images.float(), (size, size), mode="bilinear", antialias=True).round()


def from_folder(folder, size):
    """One subfolder a class, or train/ and test/ with such subfolders; without these a fifth is held out."""
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        names = classes_in(folder / "train")
        if classes_in(folder / "test") != names:
            fail(f"{folder}/test: its subfolders are not those of {folder}/train")
        return read_images(folder / "train", names, size), read_images(folder / "test", names, size), names
    names = classes_in(folder)
    images, labels = read_images(folder, names, size)
    if min(np.bincount(labels)) < 2:
        fail(f"{folder}: every class needs two images or more")
    parts = train_test_split(
        images, labels, test_size=max(0.2, len(names) / len(labels)), stratify=labels, random_state=0
    )
    return (parts[0], parts[2]), (parts[1], parts[3]), names


def classes_in(folder):
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if len(names) < 2:
        fail(f"{folder}: want two or more subfolders, one for each class; there are {len(names)}")
    return names


def read_images(folder, names, size):
    try:
        from PIL import Image
    except ModuleNotFoundError:
        fail("images are read by Pillow, which is not installed: pip install pillow")
    images, labels, broken = [], [], []
    for number, name in enumerate(names):
        paths = sorted(path for path in (folder / name).rglob("*") if path.suffix.lower() in IMAGES)
        if not paths:
            fail(f"{folder / name}: holds no images ({', '.join(IMAGES)})")
        for path in paths:
            try:
                with Image.open(path) as image:
                    images.append(np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)))
            except (OSError, ValueError, SyntaxError) as error:  # Pillow raises all three for broken files
                broken.append(f"{path}: {error}")
                continue
            labels.append(number)
    if broken:
        fail(f"{len(broken)} image(s) cannot be read:\n  " + "\n  ".join(broken[:10]))
    return np.stack(images).transpose(0, 3, 1, 2), np.array(labels)


def from_idx(folder, size):
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder, f"{part}-images-idx3-ubyte", 3)
        labels = read_idx(folder, f"{part}-labels-idx1-ubyte", 1)
        if len(images) != len(labels) or len(images) == 0:
            fail(f"{folder}: {len(images)} {part} images, but {len(labels)} labels")
        parts.append((resize(torch.tensor(images).unsqueeze(1), size).numpy(), labels))
    classes = int(parts[0][1].max()) + 1
    if parts[1][1].max() >= classes:
        fail(f"{folder}/t10k-labels-idx1-ubyte: label {parts[1][1].max()}, but training labels end at {classes - 1}")
    return *parts, [str(number) for number in range(classes)]


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


def from_hub(name, size):
    """A dataset of the Hugging Face hub, or a local one in its format, that has an image column and a label column."""
    try:
        from datasets import load_dataset
    except ModuleNotFoundError:
        fail("datasets of the hub are read by a package that is not installed: pip install datasets pillow")
    try:
        data = load_dataset(name)
    except Exception as error:
        fail(f"hf:{name}: cannot be loaded: {str(error).splitlines()[0]}")
    splits = [next((split for split in names if split in data), None) for names in (("train",), ("test", "validation"))]
    features = data[splits[0]].features if splits[0] else {}
    image = next((key for key, kind in features.items() if type(kind).__name__ == "Image"), None)
    label = next((key for key, kind in features.items() if type(kind).__name__ == "ClassLabel"), None)
    if not (all(splits) and image and label):
        fail(f"hf:{name}: want splits train and test (or validation), a column of images and one of class labels")
    parts = []
    for split in splits:
        rows = [row[image].convert("RGB").resize((size, size)) for row in data[split]]
        parts.append((np.stack([np.asarray(row) for row in rows]).transpose(0, 3, 1, 2), np.array(data[split][label])))
        if parts[-1][1].min() < 0:
            fail(f"hf:{name}: split {split} has examples without a label")
    return *parts, features[label].names


# --- augmentation ---


def augmentation(kind, flip):
    """A function of a batch that changes it at random, in ways that leave its meaning, and its name."""
    if kind in ("auto", "kornia"):
        try:
            import kornia.augmentation as ka
        except ModuleNotFoundError:
            if kind == "kornia":
                fail("kornia is not installed: pip install kornia")
            say("augmenting by shifts alone; for rotations and scaling: pip install kornia")
            kind = "plain"
        else:
            changes = [ka.RandomAffine(degrees=10, translate=(0.1, 0.1), scale=(0.9, 1.1), p=0.8)]
            if flip:
                changes.append(ka.RandomHorizontalFlip())
            return ka.AugmentationSequential(*changes, data_keys=["input"]), "kornia"
    if kind == "plain":
        return lambda images: shifted(images, flip), "plain"
    return lambda images: images, "none"


def shifted(images, flip):
    """Every image moved by up to a tenth of its side, and mirrored in half of the cases if `flip`."""
    n, _, _, side = images.shape
    reach = max(1, side // 10)
    padded = nn.functional.pad(images, [reach] * 4, mode="replicate")
    place = torch.randint(2 * reach + 1, (2, n, 1), device=images.device) + torch.arange(side, device=images.device)
    rows = torch.arange(n, device=images.device)[:, None, None]
    images = padded.permute(0, 2, 3, 1)[rows, place[0][:, :, None], place[1][:, None, :]].permute(0, 3, 1, 2)
    if flip:
        mirrored = torch.rand(n, 1, 1, 1, device=images.device) < 0.5
        images = torch.where(mirrored, images.flip(3), images)
    return images


# --- training ---


def train_one_epoch(model, loader, optimizer, prepare, augment, device, autocast, title):
    """Mean loss over the epoch's examples."""
    total = torch.zeros((), device=device)
    for number, (images, labels) in enumerate(loader, 1):
        images, labels = augment(prepare(images.to(device))), labels.to(device)
        with autocast():
            loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(labels)
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * number // len(loader))
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / len(loader.sampler)


@torch.no_grad()
def predict(model, images, prepare, device):
    """Chances of the classes for each image."""
    model.eval()
    return torch.cat([model(prepare(part.to(device))).float().softmax(dim=1).cpu() for part in images.split(256)])


def learned(folder, net, device):
    """The weights of the backbone that a run of this program left in `folder`."""
    path = folder / "checkpoint.pt"
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        before, weights = state["settings"], state["model"]
    except OSError as error:
        fail(f"{path}: {error.strerror}; --finetune wants the folder of a run that was trained before")
    except Exception as error:
        fail(f"{path}: no checkpoint of this program ({type(error).__name__})")
    if before["net"] != net:
        fail(f"{path}: is of --net {before['net']}, not {net}")
    return {name.removeprefix("backbone."): value for name, value in weights.items() if name.startswith("backbone.")}


# --- pictures ---


def activation_map(model, images, classes):
    """Where in each image the evidence for a class is, 0..1: channels weighted by what they do for its score."""
    model.eval()
    with torch.enable_grad():
        features = model.backbone(images).detach().requires_grad_()
        scores = model.head(features).gather(1, classes[:, None]).sum()
        (gradient,) = torch.autograd.grad(scores, features)
    maps = (features * gradient.mean(dim=(2, 3), keepdim=True)).sum(dim=1, keepdim=True).clamp(min=0)
    maps = nn.functional.interpolate(maps, images.shape[-2:], mode="bilinear")[:, 0].detach()
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)


def draw(folder, model, images, labels, chances, names, prepare, device):
    """predictions.png: images with what was predicted, mistakes first. activation.png: where the model looked."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        say("no pictures: pip install matplotlib")
        return
    guesses = chances.argmax(dim=1)
    order = torch.argsort((guesses == labels).int(), stable=True)[:24]
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axis, i in zip(figure.subplots(4, 6).flat, order.tolist(), strict=False):
        axis.imshow(images[i].permute(1, 2, 0).squeeze(2).numpy(), cmap="gray")
        right = guesses[i] == labels[i]
        title = f"{names[guesses[i]]} ({chances[i].max():.0%})" + ("" if right else f", is {names[labels[i]]}")
        axis.set_title(title, color="black" if right else "red", fontsize=9)
    save_figure(folder / "predictions.png", figure)

    some = order[:8]
    maps = activation_map(model, prepare(images[some].to(device)), guesses[some].to(device)).cpu()
    figure = Figure(figsize=(10, 3), layout="constrained")
    axes = figure.subplots(2, 8)
    for column, i in enumerate(some.tolist()):
        for row in range(2):
            axes[row, column].imshow(images[i].permute(1, 2, 0).squeeze(2).numpy(), cmap="gray")
        axes[1, column].imshow(maps[column].numpy(), cmap="jet", alpha=0.5, vmin=0, vmax=1)
        axes[0, column].set_title(names[guesses[i]], fontsize=9)
    save_figure(folder / "activation.png", figure)


def save_figure(path, figure):
    for axis in figure.axes:
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

    train_x, train_y, test_x, test_y, names = load(args.data, args.size, args.classes)
    pixels = train_x.float().mean(dim=(0, 2, 3), keepdim=True), train_x.float().std(dim=(0, 2, 3), keepdim=True)
    mean, std = (value.to(device) for value in pixels)

    def prepare(images):
        return (images.float() - mean) / std.clamp(min=1)

    augment, augmented_by = augmentation(args.augment, args.flip)
    # The order of the examples follows from seed and epoch alone; with torchrun every rank takes its share.
    sampler = DistributedSampler(train_y, WORLD, RANK, shuffle=True, seed=args.seed)
    loader = DataLoader(TensorDataset(train_x, train_y), args.batch_size, sampler=sampler)

    torch.manual_seed(args.seed)
    model = Net(args.net, train_x.shape[1], train_x.shape[-1], len(names)).to(device)
    groups = [{"params": model.parameters()}]
    if args.finetune:
        try:
            model.backbone.load_state_dict(learned(args.finetune, args.net, device))
        except RuntimeError:
            fail(f"{args.finetune}: learned on images of another kind: other --size or channels")
        # Discriminative rates: what was learned before moves slowly, what is new moves fast.
        groups = [{"params": model.backbone.parameters(), "lr": args.lr / 10}, {"params": model.head.parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, weight_decay=0.01)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    keys = ("net", "data", "size", "flip", "classes", "frozen", "lr", "batch_size", "seed")
    settings = {key: getattr(args, key) for key in keys}
    settings |= {"finetune": str(args.finetune), "augment": augmented_by, "world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    replica = DistributedDataParallel(model, find_unused_parameters=bool(args.finetune)) if WORLD > 1 else model
    writer = curves(args.out / "tensorboard", len(history) + 1) if RANK == 0 else None

    for epoch in range(len(history) + 1, args.epochs + 1):
        started = time.time()
        sampler.set_epoch(epoch)
        # Dropout and augmentation follow from seed, epoch and rank: an interrupted run goes on with the same ones.
        torch.manual_seed((args.seed * 10_000 + epoch) * WORLD + RANK)
        frozen = bool(args.finetune) and epoch <= args.frozen
        model.backbone.requires_grad_(not frozen)
        replica.train()
        model.backbone.train(not frozen)  # batch norm, too, keeps what it learned
        title = f"epoch {epoch:3}/{args.epochs}"
        loss = train_one_epoch(replica, loader, optimizer, prepare, augment, device, autocast, title)
        chances = predict(model, test_x, prepare, device)
        accuracy = (chances.argmax(dim=1) == test_y).float().mean().item()
        history.append({"epoch": epoch, "loss": loss, "accuracy": accuracy})
        say(f"{title}  loss {loss:.4f}  accuracy {accuracy:.4f}  {time.time() - started:.1f} s{'  (frozen)' * frozen}")
        if RANK == 0:
            weights, moments = model.state_dict(), optimizer.state_dict()
            save(checkpoint, {"model": weights, "optimizer": moments, "history": history, "settings": settings})
        if writer:
            writer.add_scalar("loss/train", loss, epoch)
            writer.add_scalar("accuracy/test", accuracy, epoch)

    if writer:
        writer.close()
    if RANK == 0:
        chances = predict(model, test_x, prepare, device)
        draw(args.out, model, test_x, test_y, chances, names, prepare, device)
        weights = sum(parameter.numel() for parameter in model.parameters())
        result = {"recipe": "vision", "net": args.net, "weights": weights, **history[-1], "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = f"{args.net}, {weights:,} weights: accuracy {result['accuracy']:.4f} after {len(history)} epochs"
        print(json.dumps(result) if args.json else text)
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
