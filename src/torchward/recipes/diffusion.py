"""Paint digits from words: latent diffusion, text to image and image to image, with the classes of diffusers.

what-zh:   用文字画数字：潜空间扩散模型，文生图与图生图，采用 diffusers 的类
data:      scikit-learn's 1,797 digits, enlarged to 16x16; --data FOLDER: one subfolder of images for each word
data-zh:   scikit-learn 自带的 1797 张手写数字，放大到 16x16；--data FOLDER：每个词一个子文件夹，内含图像
time:      90 s
expect:    accuracy 0.85 to 1, error 0 to 0.06
needs:     torch numpy scikit-learn pillow transformers tokenizers diffusers
optional:  tensorboard peft
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import time
from pathlib import Path

# Nothing is asked of the Hub, nor told to it. (The warnings are of classes that want torchvision, and are not used.)
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TRANSFORMERS_VERBOSITY="error")

try:
    import numpy as np
    import torch
    import torch.distributed as dist
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        DDPMScheduler,
        StableDiffusionImg2ImgPipeline,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from diffusers.training_utils import EMAModel
    from diffusers.utils import logging as diffusers_logging
    from PIL import Image
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
    from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast
    from transformers import logging as transformers_logging
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: {missing.name} is not installed: "
        "pip install torch numpy scikit-learn pillow transformers tokenizers diffusers"
    )

RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CAPTIONS = ("a {}", "one {}", "a picture of a {}")  # each picture is shown under all of these names
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
UNNAMED = 0.1  # share of the pictures shown without their caption, so that guidance knows what is common to all
DENOISING = 20  # steps from noise to a picture
STYLES = ("inverted", "bold", "slanted")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompt", metavar="TEXT", help='paint this, such as "a seven", into OUT/prompt.png')
    parser.add_argument("--init-image", type=Path, metavar="FILE", help="begin the prompt's picture with this one")
    parser.add_argument("--strength", type=float, default=0.6, help="0: the first picture stays as it is, 1: nothing "
                        "is left of it (default: %(default)s)")  # fmt: skip
    parser.add_argument("--guidance", type=float, default=3.0, help="how strictly words are meant (default: "
                        "%(default)s)")  # fmt: skip
    parser.add_argument("--lora", choices=STYLES, help="then learn a style by a LoRA, and paint in it")
    parser.add_argument("--pretrained", type=Path, metavar="FOLDER", help="begin with the weights in this folder, in "
                        "the layout of diffusers, instead of small ones of one's own")  # fmt: skip
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="one subfolder of images for each word (default: "
                        "scikit-learn's digits)")  # fmt: skip
    parser.add_argument("--size", type=int, default=16, help="pixels of a side (default: %(default)s)")
    parser.add_argument("--first-epochs", type=int, default=8, help="of the autoencoder (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20, help="of the diffusion (default: %(default)s)")
    parser.add_argument("--lora-epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/diffusion"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if min(args.first_epochs, args.epochs, args.lora_epochs, args.batch_size) < 1 or not args.lr > 0:
        parser.error("--epochs, --first-epochs, --lora-epochs, --batch-size and --lr must be above 0")
    if args.size < 8 or args.size % 8:
        parser.error("--size must be a multiple of 8")
    if not 0 <= args.strength <= 1 or not args.guidance >= 0:
        parser.error("--strength must be from 0 to 1, --guidance 0 or more")
    if args.init_image and not args.prompt:
        parser.error("--init-image wants a --prompt")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def load(folder, size, channels):
    """Pictures (n, channels, size, size) from -1 to 1, the number of each one's word, and the words."""
    if folder is None:
        digits = load_digits()
        pictures = torch.tensor(digits.images / 8 - 1, dtype=torch.float32).unsqueeze(1)
        pictures = nn.functional.interpolate(pictures, size=(size, size), mode="bilinear").repeat(1, channels, 1, 1)
        return pictures, digits.target, DIGITS
    if not folder.is_dir():
        fail(f"{folder}: no such folder")
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    if len(folders) < 2:
        fail(f"{folder}: want two or more subfolders, one for each word; there are {len(folders)}")
    pictures, labels = [], []
    for number, path in enumerate(folders):
        files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp")]
        if len(files) < 5:
            fail(f"{path}: want five or more images (.png, .jpg, .bmp); there are {len(files)}")
        pictures += [open_picture(file, size, channels) for file in files]
        labels += [number] * len(files)
    return torch.stack(pictures), np.array(labels), tuple(path.name for path in folders)


def open_picture(file, size, channels):
    try:
        with Image.open(file) as image:
            image = image.convert("L" if channels == 1 else "RGB").resize((size, size), Image.Resampling.BICUBIC)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        fail(f"{file}: cannot be read as an image: {error}")
    values = torch.tensor(np.array(image), dtype=torch.float32).view(size, size, channels)
    return values.permute(2, 0, 1) / 127.5 - 1


def styled(pictures, style):
    """The same pictures, as an artist of that style draws them."""
    if style == "inverted":
        return -pictures
    if style == "bold":
        return nn.functional.max_pool2d(pictures, 3, stride=1, padding=1)
    turn = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0]]).expand(len(pictures), 2, 3)
    grid = nn.functional.affine_grid(turn, pictures.shape, align_corners=False)
    return nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def make_tokenizer(words):
    """One token a word; every caption is padded to the length of the longest."""
    captions = [caption.format(word) for caption in CAPTIONS for word in words]
    normalizer, splitter = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    split = [[word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))] for text in captions]
    vocabulary = [*SPECIAL, *sorted({word for caption in split for word in caption})]
    vocabulary = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    ends = [(word, vocabulary[word]) for word in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    names = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=max(map(len, split)) + 2, **names)


def tokens(tokenizer, texts):
    length = tokenizer.model_max_length
    return tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids


# --- models ---


def make_parts(words, size):
    """Small ones of the same classes as Stable Diffusion has."""
    tokenizer = make_tokenizer(words)
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.model_max_length,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    vae = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        block_out_channels=(8, 16),
        latent_channels=4,
        norm_num_groups=4,
        sample_size=size,
    )
    unet = UNet2DConditionModel(
        sample_size=size // 2,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(24, 48),
        layers_per_block=1,
        attention_head_dim=4,  # the number of heads, in spite of its name
        cross_attention_dim=64,
        norm_num_groups=8,
    )
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, set_alpha_to_one=False,
        steps_offset=1, prediction_type="v_prediction",
    )  # fmt: skip
    return {"tokenizer": tokenizer, "text_encoder": text_encoder, "vae": vae, "unet": unet, "scheduler": scheduler}


def read_parts(folder):
    """The models in a folder in the layout of diffusers."""
    if not (folder / "model_index.json").is_file():
        fail(f"{folder}: holds no model_index.json, so it is no model in the layout of diffusers")
    try:
        pipe = StableDiffusionPipeline.from_pretrained(
            folder, local_files_only=True, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    except Exception as error:
        fail(f"{folder}: cannot be loaded: {str(error).strip().splitlines()[0]}")
    return {name: getattr(pipe, name) for name in ("tokenizer", "text_encoder", "vae", "unet", "scheduler")}


def save_parts(folder, parts):
    """The layout of diffusers: a subfolder for each part."""
    pipe = StableDiffusionPipeline(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipe.save_pretrained(folder)


class Autoencoding(nn.Module):
    """The loss of the first stage: what is lost of the pictures, and how far latents are from a normal distribution."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, pictures):
        # Half of the pictures are shown as negatives: a LoRA may want to paint such, and the decoder must be able to.
        signs = torch.randint(0, 2, (len(pictures), 1, 1, 1), device=pictures.device) * 2 - 1
        pictures = pictures * signs
        latents = self.vae.encode(pictures).latent_dist
        rebuilt = self.vae.decode(latents.sample()).sample
        return nn.functional.mse_loss(rebuilt, pictures) + 1e-3 * latents.kl().mean() / pictures[0].numel()


class Denoising(nn.Module):
    """The loss of the second stage: the noise that the U-Net sees in noisy latents, told what the picture shows."""

    def __init__(self, parts, words):
        super().__init__()
        self.text_encoder, self.unet = parts["text_encoder"], parts["unet"]
        self.scheduler = DDPMScheduler.from_config(parts["scheduler"].config)
        captions = [tokens(parts["tokenizer"], [caption.format(word) for caption in CAPTIONS]) for word in words]
        self.register_buffer("captions", torch.stack(captions), persistent=False)
        self.register_buffer("unnamed", tokens(parts["tokenizer"], [""]), persistent=False)

    def forward(self, latents, labels):
        captions = self.captions[labels, torch.randint(0, len(CAPTIONS), labels.shape, device=labels.device)]
        without = torch.rand(len(labels), 1, device=labels.device) < UNNAMED
        words = self.text_encoder(torch.where(without, self.unnamed, captions))[0]
        noise = torch.randn_like(latents)
        times = torch.randint(0, self.scheduler.config.num_train_timesteps, labels.shape, device=labels.device)
        noisy = self.scheduler.add_noise(latents, noise, times)
        if self.scheduler.config.prediction_type == "v_prediction":
            wanted = self.scheduler.get_velocity(latents, noise, times)
        else:
            wanted = noise
        return nn.functional.mse_loss(self.unet(noisy, times, words).sample.float(), wanted)


# --- training ---


def train_one_epoch(model, loader, optimizer, device, autocast, title, ema=None):
    """Mean loss over the epoch's examples."""
    model.train()
    total = torch.zeros((), device=device)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for number, batch in enumerate(loader, 1):
        batch = [part.to(device) for part in batch]
        with autocast():
            loss = model(*batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if ema:
            ema.step(trained)
        total += loss.detach() * len(batch[0])
        if RANK == 0 and sys.stderr.isatty():
            bar = "#" * (24 * number // len(loader))
            print(f"\r{title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
    return total.item() / len(loader.sampler)


@torch.no_grad()
def encode(vae, pictures, device):
    """Their latents, with the scale that the scheduler's noise expects."""
    vae.eval()
    parts = [vae.encode(part.to(device)).latent_dist.mean for part in pictures.split(128)]
    return torch.cat(parts)


@torch.no_grad()
def lost(vae, pictures, device):
    """Root of the mean squared error of rebuilt pictures, on the scale from black, 0, to white, 1."""
    latents = encode(vae, pictures, device)
    rebuilt = torch.cat([vae.decode(part).sample for part in latents.split(128)]).cpu()
    return ((rebuilt - pictures) / 2).square().mean().sqrt().item()


# --- looking ---


def paint(parts, prompts, guidance, seed, first=None, strength=1.0):
    """Pictures (n, height, width, channels) from 0 to 1."""
    extra = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    kind = StableDiffusionPipeline if first is None else StableDiffusionImg2ImgPipeline
    pipe = kind(**parts, **extra)
    pipe.set_progress_bar_config(disable=True)
    start = {}
    if first is not None:
        start = {"image": (first + 1).div(2).expand(len(prompts), -1, -1, -1), "strength": strength}
    for name in ("text_encoder", "vae", "unet"):
        parts[name].eval()
    return pipe(
        prompts, guidance_scale=guidance, num_inference_steps=DENOISING, output_type="np",
        generator=torch.Generator().manual_seed(seed), **start,
    ).images  # fmt: skip


class Judge:
    """Reads pictures: a classifier trained on real ones, eight pixels a side."""

    def __init__(self, pictures, labels):
        self.machine = SVC(gamma="scale", C=10).fit(self.look(pictures), labels)

    @staticmethod
    def look(pictures):
        return nn.functional.adaptive_avg_pool2d(pictures, 8).flatten(1).numpy()

    def share(self, pictures, labels):
        return float((self.machine.predict(self.look(pictures)) == labels).mean())


def survey(parts, words, judge, guidance, seed, each=20):
    """Pictures of every word, the share that the judge reads as that word, and how different they are."""
    wanted = np.arange(len(words)).repeat(each)
    painted = paint(parts, [f"a {words[number]}" for number in wanted], guidance, seed)
    pictures = torch.tensor(painted).permute(0, 3, 1, 2) * 2 - 1
    return painted.reshape(len(words), each, *painted.shape[1:]), judge.share(pictures, wanted), pictures


def save_grid(path, rows, scale=4):
    """Rows of pictures (height, width, channels) from 0 to 1, side by side, with a thin grey line between them."""
    rows = [[np.pad(one, ((0, 1), (0, 1), (0, 0)), constant_values=0.5) for one in row] for row in rows]
    grid = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    grid = np.kron((grid * 255).round().astype(np.uint8), np.ones((scale, scale, 1), np.uint8))
    picture = io.BytesIO()
    Image.fromarray(grid[:, :, 0] if grid.shape[2] == 1 else grid).save(picture, "PNG")
    replace(path, picture.getvalue())
    say(f"written: {path}")


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


def save_folder(folder, write):
    """A folder that `write` fills, in place of the older one."""
    part = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        write(part)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    except Exception as error:  # safetensors has errors of its own for a disk that is full
        fail(f"cannot write {folder}: {error}")
    say(f"written: {folder}")


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


def learn(stage, folder, model, examples, epochs, args, device, settings, decay=None, measure=dict):
    """Train the parameters of a stage that are not frozen, from the stage's checkpoint where there is one.

    Gives the stage's curve. With `decay`, the model ends with the moving average of its weights."""
    bf16 = args.bf16 if args.bf16 is not None else device.type == "cuda" and torch.cuda.is_bf16_supported()

    def autocast():
        return torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()

    # The order of the examples follows from seed and epoch alone; with torchrun every rank takes its share.
    sampler = DistributedSampler(examples, WORLD, RANK, shuffle=True, seed=args.seed)
    loader = DataLoader(examples, args.batch_size, sampler=sampler)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = torch.optim.AdamW(trained.values(), lr=args.lr)
    ema = EMAModel(trained.values(), decay=decay) if decay else None
    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings |= {"lr": args.lr, "batch_size": args.batch_size, "seed": args.seed, "world": WORLD}
    checkpoint = folder / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["model"], strict=False)  # what is frozen is not in it
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        if ema:
            ema.load_state_dict(state["ema"])
        say(f"{stage}: going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    replica = DistributedDataParallel(model) if WORLD > 1 else model
    writer = curves(folder / "tensorboard", len(history) + 1) if RANK == 0 and len(history) < epochs else None

    for epoch in range(len(history) + 1, epochs + 1):
        started = time.time()
        sampler.set_epoch(epoch)
        # Noise, too, follows from seed, epoch and rank: a run that was interrupted goes on as if it had not been.
        torch.manual_seed((args.seed * 10_000 + epoch) * WORLD + RANK)
        title = f"{stage}: epoch {epoch:3}/{epochs}"
        loss = train_one_epoch(replica, loader, optimizer, device, autocast, title, ema)
        point = {"stage": stage, "epoch": epoch, "loss": loss, **measure()}
        history.append(point)
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in point.items() if name not in ("stage", "epoch"))
        say(f"{title}  {numbers}  {time.time() - started:.1f} s")
        if RANK == 0:
            state = {"model": trained, "optimizer": optimizer.state_dict(), "ema": ema.state_dict() if ema else None}
            save(checkpoint, {**state, "history": history, "settings": settings})
        if writer:
            for name in point.keys() - {"stage", "epoch"}:
                writer.add_scalar(name, point[name], epoch)
    if writer:
        writer.close()
    if ema:
        ema.copy_to(trained.values())
    return history


def train(args, device, parts, pictures, labels, words):
    """Autoencoder, then text encoder and U-Net. Gives the metrics."""
    train_x, test_x, train_y, test_y = train_test_split(
        pictures, labels, test_size=0.2, random_state=0, stratify=labels
    )
    vae = parts["vae"].to(device)
    settings = {"data": str(args.data), "size": args.size}
    history = learn(
        "autoencoder", args.out / "autoencoder", Autoencoding(vae), TensorDataset(train_x), args.first_epochs,
        args, device, dict(settings), measure=lambda: {"error": lost(vae, test_x, device)},
    )  # fmt: skip
    vae.requires_grad_(False)
    latents = encode(vae, train_x, device)
    # The noise that the scheduler adds is meant for latents with a variance of 1.
    vae.register_to_config(scaling_factor=1 / latents.std().item())
    latents = latents * vae.config.scaling_factor

    model = Denoising(parts, words).to(device)
    examples = TensorDataset(latents.cpu(), torch.tensor(train_y))
    history += learn("diffusion", args.out, model, examples, args.epochs, args, device,
                     {**settings, "first_epochs": args.first_epochs}, decay=0.98)  # fmt: skip
    if RANK:
        return None
    result = {"recipe": "diffusion", "guidance": args.guidance, "history": history}
    with contextlib.suppress(OSError, ValueError):
        before = json.loads((args.out / "metrics.json").read_text())
        if all(before.get(name) == value for name, value in result.items()):
            return before  # nothing was trained since
    judge = Judge(train_x, train_y)
    rows, share, painted = survey(parts, words, judge, args.guidance, args.seed)
    spread = spread_of(painted, np.arange(len(words)).repeat(len(rows[0]))) / spread_of(train_x, train_y)
    result |= {"accuracy": share, "accuracy_of_real": judge.share(test_x, test_y),
               "error": lost(vae, test_x, device), "spread": spread}  # fmt: skip
    save_grid(args.out / "prompts.png", [row[:12] for row in rows])
    save_folder(args.out / "model", lambda path: save_parts(path, parts))
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    return result


def spread_of(pictures, labels):
    """How far, on average, pictures of one word are from their mean: 0 where they are all the same."""
    groups = [pictures[labels == number] for number in np.unique(labels)]
    return float(np.mean([(group - group.mean(dim=0)).square().mean().sqrt().item() for group in groups]))


def learn_style(args, device, parts, pictures, labels, words):
    """A LoRA in the U-Net's attention and convolutions, from pictures of a style. Everything else stays as it is."""
    try:
        from peft import LoraConfig, get_peft_model_state_dict
    except ModuleNotFoundError as missing:
        fail(f"{missing.name} is not installed: pip install peft")
    train_x, test_x, train_y, _ = train_test_split(
        styled(pictures, args.lora), labels, test_size=0.2, random_state=0, stratify=labels
    )
    for name in ("text_encoder", "vae", "unet"):
        parts[name].requires_grad_(False)
    latents = encode(parts["vae"], train_x, device) * parts["vae"].config.scaling_factor
    layers = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2", "conv_shortcut"]
    torch.manual_seed(args.seed)
    parts["unet"].add_adapter(LoraConfig(r=8, lora_alpha=8, init_lora_weights="gaussian", target_modules=layers))
    folder = args.out / "lora" / args.lora
    settings = {"data": str(args.data), "size": args.size, "lora": args.lora, "pretrained": str(args.pretrained)}
    settings |= {"epochs": args.epochs, "first_epochs": args.first_epochs}
    model = Denoising(parts, words).to(device)
    history = learn(f"lora {args.lora}", folder, model, TensorDataset(latents.cpu(), torch.tensor(train_y)),
                    args.lora_epochs, args, device, settings)  # fmt: skip
    if RANK:
        return None
    layers = get_peft_model_state_dict(parts["unet"])
    save_folder(folder / "weights", lambda path: StableDiffusionPipeline.save_lora_weights(path, layers))
    rows, share, painted = survey(parts, words, Judge(train_x, train_y), args.guidance, args.seed)
    save_grid(folder / "prompts.png", [row[:12] for row in rows])
    result = {"lora": args.lora, "lora_accuracy": share, "lora_brightness": painted.mean().item() / 2 + 0.5,
              "style_brightness": test_x.mean().item() / 2 + 0.5, "history": history}  # fmt: skip
    replace(folder / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    return result


def question(args, parts):
    """The picture to begin with, if there is one. What is wrong with the prompt is said before the training."""
    tokenizer = parts["tokenizer"]
    if args.prompt and tokenizer.unk_token == "<unk>" and tokenizer.unk_token_id in tokens(tokenizer, [args.prompt]):
        known = sorted(set(tokenizer.get_vocab()) - set(SPECIAL))
        fail(f"--prompt {args.prompt}: holds words that the model does not know; it knows: {', '.join(known)}")
    return open_picture(args.init_image, args.size, parts["vae"].config.in_channels) if args.init_image else None


def answer(args, parts, first):
    """The picture of the prompt, from noise or from another picture."""
    painted = paint(parts, [args.prompt] * 8, args.guidance, args.seed, first, args.strength)
    if first is not None:
        painted = np.concatenate([(first.permute(1, 2, 0).numpy()[None] + 1) / 2, painted])
    save_grid(args.out / "prompt.png", [painted])


def main():
    args = options()
    device = choose_device(args.device)
    if WORLD > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()

    if args.pretrained:
        parts = read_parts(args.pretrained)
        for name in ("text_encoder", "vae", "unet"):
            parts[name].to(device)
        args.size = parts["unet"].config.sample_size * 2 ** (len(parts["vae"].config.block_out_channels) - 1)
    if not args.pretrained or args.lora:
        channels = parts["vae"].config.in_channels if args.pretrained else 1
        pictures, labels, words = load(args.data, args.size, channels)
    if not args.pretrained:
        torch.manual_seed(args.seed)
        parts = make_parts(words, args.size)
    first = question(args, parts)

    result = {"recipe": "diffusion", "history": []}
    if not args.pretrained:
        result = train(args, device, parts, pictures, labels, words)
    if args.lora:
        style = learn_style(args, device, parts, pictures, labels, words)
    if RANK == 0:
        if args.lora:
            result |= style | {"history": result["history"] + style["history"]}
        if args.prompt:
            answer(args, parts, first)
        numbers = [f"{name} {value:.4f}" for name, value in result.items() if isinstance(value, float)]
        print(json.dumps(result) if args.json else "  ".join(numbers))
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
