"""What entries compute: pure functions of a crash and of the values that its message gave.

An entry names one with `compute = "..."`; what the function returns fills the entry's texts and decides between its
causes (`when = { value = { case = "flatten" } }`). A function declares every value that it can give, with the one that
stands for "not known", so that a text never lacks a value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torchward.facts import Crash, Operand, Raised

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """A computation with the values that it gives and what stands for each when it is not known."""

    outputs: Values
    compute: Callable[[Crash, Raised, Values], Values]


FUNCTIONS: dict[str, Function] = {}


def _gives(**outputs: Any) -> Callable[[Callable[[Crash, Raised, Values], Values]], Any]:
    def add(function: Callable[[Crash, Raised, Values], Values]) -> Any:
        FUNCTIONS[function.__name__] = Function(outputs, function)
        return function

    return add


def values(name: str, crash: Crash, raised: Raised, given: Values) -> dict[str, Any]:
    """The values of the function called `name`, whole: what it does not give is filled in."""
    function = FUNCTIONS[name]
    return {**function.outputs, **function.compute(crash, raised, given)}


# --- shapes --------------------------------------------------------------------------------------------------------

HIDDEN = {
    384: "MiniLM, ViT-S, DINO-S", 512: "CLIP ViT-B text, T5-small", 640: "",
    768: "BERT-base, GPT-2, ViT-B, CLIP ViT-L text (SD 1.x)",
    1152: "SigLIP So400m",
    1024: "BERT-large, ViT-L, OpenCLIP ViT-H text (SD 2.x)", 1280: "GPT-2 large, ViT-H, OpenCLIP ViT-bigG text",
    1536: "DINOv2-g, Qwen2-1.5B", 2048: "ResNet-50 features, SDXL's two text encoders together, T5-XL",
    2560: "", 3072: "", 3584: "Qwen2-7B", 4096: "Llama-7B, Mistral-7B, T5-XXL", 5120: "Llama-13B", 8192: "Llama-70B",
}  # fmt: skip
"""Widths that belong to families of models, from their published configurations (hidden_size, d_model, embed_dim)."""


def _square_channels(features: int) -> tuple[int, int]:
    """(channels, side) when `features` is channels x side x side with usual channels; the widest side first, else 0."""
    found = [
        (channels, side)
        for side in range(2, 129)
        if features % (side * side) == 0
        and (channels := features // (side * side)) in (1, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 50, 64, 96, 120, 128,
                                                        192, 256, 320, 384, 512, 768, 1024, 1280, 2048)
    ]  # fmt: skip
    return found[0] if len(found) == 1 else (0, 0)


@_gives(case="unknown", factor="", times=0, layer="", got=0, want=0, rows=0, columns=0, out=0, channels=0, family="",
        want_family="", side=0, want_side=0, maker="", height=0, width=0, want_height=0, want_width=0, shared=0,
        want_times=0)  # fmt: skip
def linear(crash: Crash, raised: Raised, given: Values) -> Values:
    """Why (rows x got) does not fit (want x out).

    `case`: `transposed` (the other side fits), `rows` (the left side transposed would), `not-flattened` (a flatten is
    missing), `flatten-after` (live: both are what a known layer puts out, flattened), `flatten` (both are an image
    flattened, of another size), `hidden`, `multiple`, `divisor`, `one-side` (a large common factor), `unknown`.
    """
    rows, got, want, out = (int(given[name]) for name in ("rows", "got", "want", "out"))
    values: dict[str, Any] = {"rows": rows, "got": got, "want": want, "out": out}
    layer = next((layer for layer in crash.layers if layer.attributes.get("in_features") == want), None)
    values["layer"] = f"`{layer.name}`" if layer else "`nn.Linear`"
    values["family"] = HIDDEN.get(got, "")
    values["want_family"] = HIDDEN.get(want, "")
    if got == out and got != want:
        return {**values, "case": "transposed"}
    if rows == want and got != want:
        return {**values, "case": "rows"}
    if want in HIDDEN and got in HIDDEN:
        return {**values, "case": "hidden"}
    if want > got and want % got == 0 and rows % (want // got) == 0 and want // got > 1:
        return {**values, "case": "not-flattened", "times": want // got}
    after = _flattened_after(crash, got, want)
    if after:
        return {**values, **after, "case": "flatten-after"}
    channels = [
        (shared, int(side), int(want_side))
        for shared in (1, 3, 6, 8, 10, 12, 16, 20, 24, 32, 48, 50, 64, 96, 120, 128, 192, 256, 384, 512, 1024, 2048)
        if got % shared == 0
        and want % shared == 0
        and (side := (got // shared) ** 0.5).is_integer()
        and (want_side := (want // shared) ** 0.5).is_integer()
        and side > 0
    ]
    if channels:
        shared, side, want_side = channels[-1]
        return {**values, "case": "flatten", "channels": shared, "side": side, "want_side": want_side}
    if got % want == 0:
        return {**values, "case": "multiple", "times": got // want}
    if want % got == 0:
        return {**values, "case": "divisor", "times": want // got}
    shared = math.gcd(got, want)
    if shared >= SHARED and max(got, want) // shared <= SIDE and max(got, want) < 2 * min(got, want):
        times, want_times = got // shared, want // shared
        return {**values, "case": "one-side", "shared": shared, "times": times, "want_times": want_times}
    return values


SHARED, SIDE = 64, 256
"""Two flattened maps that differ in one side only share channels times the other side: at least this many; and the
sides themselves are below the second number."""


def _flattened_after(crash: Crash, got: int, want: int) -> Values:
    """Live: which layer's output was flattened to `got`, and with which height and width; empty where not known."""
    maker = next((layer for layer in crash.layers if layer.attributes.get("out_channels")), None)
    image = next((one.shape for one in crash.operands if len(one.shape) == 4 and math.prod(one.shape[1:]) == got), None)
    channels = image[1] if image else maker.attributes["out_channels"] if maker else 0
    if maker is None or not isinstance(channels, int) or channels < 2 or got % channels or want % channels:
        return {}
    height, width = (image[2], image[3]) if image else _sides(got // channels, 1.0)
    want_height, want_width = _sides(want // channels, width / height)
    return {"maker": f"`{maker.name}`", "channels": channels, "height": height, "width": width,
            "want_height": want_height, "want_width": want_width}  # fmt: skip


def _sides(area: int, ratio: float) -> tuple[int, int]:
    """(height, width) of this area, in whole numbers, whose width is nearest to `ratio` times the height."""
    pairs = [(area // width, width) for width in range(1, area + 1) if area % width == 0] if area < 10**6 else []
    return min(pairs, key=lambda pair: abs(math.log(pair[1] / pair[0] / ratio)), default=(1, area))


@_gives(case="unknown", want=0, got=0, shape=(), weight=(), difference=0)
def conv_channels(crash: Crash, raised: Raised, given: Values) -> Values:
    """Why an image of `got` channels does not suit a convolution that wants `want`.

    `case`: `grey` (1 for 3), `rgb-to-grey` (3 for 1), `alpha` (4 for 3), `channels-last`, `inpainting` (4 for 8 or 9),
    `not-encoded` (3 for 4 or 16), `unknown`.
    """
    want, got = int(given["want"]), int(given["got"])
    shape = _sizes(given.get("shape", ""))
    weight = _sizes(given.get("weight", ""))
    values = {"want": want, "got": got, "shape": shape, "weight": weight, "difference": abs(want - got)}
    if shape and shape[-1] == want and got != want and len(shape) >= 4 and got not in (1, 3, 4):
        return {**values, "case": "channels-last"}
    if (want, got) == (3, 1):
        return {**values, "case": "grey"}
    if (want, got) == (1, 3):
        return {**values, "case": "rgb-to-grey"}
    if (want, got) == (3, 4):
        return {**values, "case": "alpha"}
    if got == 4 and want in (8, 9):
        return {**values, "case": "inpainting"}
    if got == 3 and want in (4, 16):
        return {**values, "case": "not-encoded"}
    return values


def _sizes(text: Any) -> tuple[int, ...]:
    """`[64, 3, 7, 7]` -> (64, 3, 7, 7)."""
    return tuple(int(size) for size in re.findall(r"\d+", str(text)))


@_gives(case="unknown", times=0, difference=0, larger="", grid=0, other_grid=0)
def two_sizes(crash: Crash, raised: Raised, given: Values) -> Values:
    """How the sizes `one` and `two` differ. `case`: `alpha` (3 and 4), `patches` (squares and class tokens),
    `off-by-one`, `factor`, `unknown`.
    """
    one, two = int(given["one"]), int(given["two"])
    small, large = sorted((one, two))
    values = {"difference": large - small, "larger": "one" if one > two else "two"}
    if (small, large) == (3, 4):
        return {**values, "case": "alpha"}
    for extra in (1, 2):  # a class token, and one for distillation
        sides = [math.isqrt(one - extra) for one in (small, large)]
        if sides[0] > 4 and all(side * side + extra == one for side, one in zip(sides, (small, large), strict=True)):
            grids = sides if one < two else sides[::-1]
            return {**values, "case": "patches", "grid": grids[0], "other_grid": grids[1]}
    if large - small == 1 and small > 2:
        return {**values, "case": "off-by-one"}
    if small > 1 and large % small == 0:
        return {**values, "case": "factor", "times": large // small}
    return values


@_gives(case="unknown", product=0, first=0, batch=0)
def reshape(crash: Crash, raised: Raised, given: Values) -> Values:
    """Why `size` elements do not take a `shape`.

    `case`: `last-batch` (the first size is a batch size, and the elements are a smaller batch of the same kind),
    `features` (one size is -1, and the others do not divide the elements), `unknown`.
    """
    sizes = [int(text) for text in re.findall(r"-?\d+", str(given["shape"]))]
    size = int(given["size"])
    fixed = [one for one in sizes if one >= 0]
    product, rest = 1, 1
    for position, one in enumerate(fixed):
        product *= one
        rest *= one if position else 1
    values: dict[str, Any] = {"product": product}
    if len(fixed) < len(sizes):
        return {**values, "case": "features"}
    if len(sizes) > 1 and rest > 1 and size % rest == 0 and 0 < size // rest < sizes[0]:
        return {**values, "case": "last-batch", "first": sizes[0], "batch": size // rest}
    return values


# --- labels and indices ----------------------------------------------------------------------------------------------


@_gives(case="unknown", times=0)
def loss_batch(crash: Crash, raised: Raised, given: Values) -> Values:
    """How `rows` and `targets` differ: `more-rows`, `more-targets` (whole multiples), `close`, `unknown`."""
    rows, targets = int(given["rows"]), int(given["targets"])
    if targets and rows > targets and rows % targets == 0:
        return {"case": "more-rows", "times": rows // targets}
    if rows and targets > rows and targets % rows == 0:
        return {"case": "more-targets", "times": targets // rows}
    if min(rows, targets) > 16 and abs(rows - targets) <= 0.25 * min(rows, targets):
        return {"case": "close"}
    return {}


def _whole(crash: Crash) -> Operand | None:
    """The tensor of whole numbers of the failing expression, if there is exactly one whose range is known."""
    found = [one for one in crash.operands if one.low is not None]
    return found[0] if len(found) == 1 else None


@_gives(case="unknown", detail="", low=0, high=0, rows=0, needed=0)
def embedding(crash: Crash, raised: Raised, given: Values) -> Values:
    """What a live crash shows of indices and table: `measured` (too large), `negative`, else `unknown`."""
    indices = _whole(crash)
    tables = [one for one in crash.layers if "num_embeddings" in one.attributes]
    text = re.search(r"access index (\d+) out of table with (\d+) rows", raised.message)
    values: dict[str, Any] = {}
    if text:  # torch 1.x names the last row, not their number
        values = {"high": int(text[1]), "rows": int(text[2]) + 1}
    elif indices is not None and len(tables) == 1:
        values = {"low": indices.low, "high": indices.high, "rows": int(tables[0].attributes["num_embeddings"])}  # type: ignore[arg-type]
    if not values:
        return {}
    if values.get("low", 0) < 0:
        return {**values, "case": "negative"}
    if values["high"] >= values["rows"]:
        detail = f" ({values['high']:,} / {values['rows']:,})"
        return {**values, "case": "measured", "needed": values["high"] + 1, "detail": detail}
    return {}


@_gives(case="unknown", classes=0, needed=0, detail="")
def label_range(crash: Crash, raised: Raised, given: Values) -> Values:
    """A `label` against the number of classes, which a live crash shows: `negative`, `one-too-many`, `unknown`."""
    label = int(given["label"])
    if label < 0:
        return {"case": "negative"}
    floats = [one for one in crash.operands if one.dtype.startswith(("float", "bfloat"))]
    scores = [one for one in floats if len(one.shape) >= 2]
    values: dict[str, Any] = {"needed": label + 1}
    if len(scores) == 1:
        classes = scores[0].shape[1]
        values |= {"classes": classes, "detail": f" (0–{classes - 1})"}
        if label == classes:
            return {**values, "case": "one-too-many"}
    return values


@_gives(case="unknown", last=0)
def bounds(crash: Crash, raised: Raised, given: Values) -> Values:
    """An `index` against a `size`: `one-past`, `empty`, `unknown`."""
    index, size = int(given["index"]), int(given["size"])
    if size == 0:
        return {"case": "empty"}
    return {"case": "one-past" if index == size else "unknown", "last": size - 1}


# --- memory --------------------------------------------------------------------------------------------------------

_UNITS = {"bytes": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
          "KB": 2**10, "MB": 2**20, "GB": 2**30}  # fmt: skip
FRAGMENTED = 0.10
"""Reserved but unallocated memory above this share of the card: the allocator holds what it cannot use. PyTorch's own
message gives its fragmentation advice when `reserved >> allocated`."""
OTHERS = 0.30
"""Memory of the card held by others than this process above this share: another process is a cause of its own."""


def size(text: str) -> int:
    """`1.17 GiB` -> bytes; 0 for what is no size."""
    found = re.match(r"\s*([\d.]+)\s*([KMGT]i?B|bytes|B)\b", text)
    if not found:
        return 0
    try:
        return int(float(found[1]) * _UNITS.get(found[2], 1))
    except ValueError:
        return 0


def readable(count: float) -> str:
    """Bytes as PyTorch writes them: `1.17 GiB`."""
    for unit in ("GiB", "MiB", "KiB"):
        if count >= _UNITS[unit]:
            return f"{count / _UNITS[unit]:.2f} {unit}"
    return f"{count:.0f} bytes"


@_gives(case="unknown", tried="", free="", total="", allocated="", reserved="", idle="", others="", share=0.0, need="",
        have="", fits=0.0, batch=0, batch_fits=0)  # fmt: skip
def out_of_memory(crash: Crash, raised: Raised, given: Values) -> Values:
    """What the numbers of CUDA's message say.

    `case`: `huge` (one request above the whole card), `others` (other processes hold much of it), `fragmented`
    (enough is reserved but idle for the request), `spilled` (more is held than the card has: the driver lends main
    memory), `full` (this process's tensors fill it), `full-batch` (the same, and the batch is known), `unknown`.

    `fits`: the share of the present batch that at most gets past the failing line. Were all of what is needed there to
    grow with the batch, have / need of it would fit; whatever does not grow (weights) makes it less.
    """
    text = raised.text

    def find(*patterns: str) -> int:
        for pattern in patterns:
            found = re.search(pattern, text)
            if found:
                return size(found[1])
        return 0

    tried = find(r"ried to allocate ([\d.]+ \w+)")
    total = find(r"total capacity of ([\d.]+ \w+)", r"([\d.]+ \w+) total capacity")
    free = find(r"of which ([\d.]+ \w+) is free", r"; ([\d.]+ \w+) free", r"([\d.]+ \w+) free")
    allocated = find(r"f the allocated memory ([\d.]+ \w+) is allocated", r"([\d.]+ \w+) already allocated")
    idle = find(r"([\d.]+ \w+) is reserved by PyTorch but unallocated", r"([\d.]+ \w+) cached\)")
    reserved = find(r"([\d.]+ \w+) reserved in total") or (allocated + idle)
    idle = idle or max(0, reserved - allocated)
    own = find(r"his process has ([\d.]+ \w+) memory in use") or reserved
    others = max(0, total - free - own) if total and own else 0
    values: dict[str, Any] = {
        "tried": readable(tried) if tried else "",
        "free": readable(free),
        "total": readable(total) if total else "",
        "allocated": readable(allocated),
        "reserved": readable(reserved),
        "idle": readable(idle),
        "others": readable(others),
        "share": allocated / total if total else 0.0,
    }
    have, need = allocated + free + idle, allocated + tried
    if allocated and have < need:
        values |= {"need": readable(need), "have": readable(have), "fits": have / need}
        batches = {
            one.shape[0] for one in crash.operands if len(one.shape) > 2 or (one.shape[1:] and not one.requires_grad)
        }
        if len(batches) == 1 and (batch := batches.pop()) > 1:
            values |= {"batch": batch, "batch_fits": max(1, int(batch * have / need))}
    if not total or not tried:
        return values
    if tried > total:
        return {**values, "case": "huge"}
    if others > OTHERS * total:
        return {**values, "case": "others"}
    if idle > tried and idle > FRAGMENTED * total:
        return {**values, "case": "fragmented"}
    if allocated > total:
        return {**values, "case": "spilled"}
    if allocated > 0.5 * total:
        return {**values, "case": "full-batch" if values.get("batch") else "full"}
    return values


HUGE = 4 * 2**40
"""A single request above this many bytes is no lack of memory but a wrong shape: few machines have as much."""


@_gives(case="unknown", size="")
def host_memory(crash: Crash, raised: Raised, given: Values) -> Values:
    """How much main memory was `asked` for; `huge` for more than machines have."""
    asked = given["asked"]
    count = asked if isinstance(asked, int) else size(str(asked))
    return {"size": readable(count), "case": "huge" if count > HUGE else "full"}


# --- ranks ---------------------------------------------------------------------------------------------------------


GPUS = 8
"""Of one machine, as a rule at most."""


@_gives(case="unknown", waiting="", missing="", odd="", odd_operation="", odd_number=0, operation="", number=0)
def collective(crash: Crash, raised: Raised, given: Values) -> Values:
    """Which ranks waited, for which collective, and which one is the odd one out.

    `case`: `diverged` (some rank is at another operation or number than most), `missing` (a rank that the log knows, or
    that lies between those that waited, reports nothing), `unknown`.
    """
    at: dict[int, tuple[int | None, str]] = {}
    for one in crash.waiting:
        at.setdefault(one.rank, (one.number, one.operation))
    if not at:
        return {"operation": given["operation"]}
    most, _ = Counter(at.values()).most_common(1)[0]
    values: dict[str, Any] = {"waiting": _listed(at), "operation": most[1], "number": most[0] or 0}
    odd = sorted(rank for rank, place in at.items() if place != most)
    if odd and 2 * len(odd) < len(at):
        number, operation = at[odd[0]]
        return {
            **values,
            "case": "diverged",
            "odd": _listed(odd),
            "odd_operation": operation,
            "odd_number": number or 0,
        }
    # A log of one machine of several holds its ranks only.
    known = set(range(0 if max(at) < GPUS else min(at), max(at) + 1)) | set(crash.ranks)
    missing = known - set(at)
    if missing and not odd and len(missing) <= len(at) > 1:
        return {**values, "case": "missing", "missing": _listed(missing)}
    return values


def _listed(ranks: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ranks)))


# --- state dicts ---------------------------------------------------------------------------------------------------

PREFIXES = {
    "module.": "nn.DataParallel / DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "model.": "a wrapper with the attribute `model` (Lightning, many trainers)",
    "state_dict.": "a nested state dict",
    "encoder.": "a wrapper", "backbone.": "a wrapper", "net.": "a wrapper", "network.": "a wrapper",
    "_forward_module.": "Lightning's strategy", "_fsdp_wrapped_module.": "FSDP", "base_model.model.": "PEFT",
    "generator.": "a wrapper", "student.": "a wrapper", "teacher.": "a wrapper", "ema.": "a wrapper",
}  # fmt: skip
"""Prefix of parameter names -> what puts it there."""
NESTED = ("state_dict", "model", "model_state_dict", "net", "params", "params_ema", "weights", "model_state", "network",
          "ema", "generator")  # fmt: skip
"""Keys under which training scripts put the state dict into a checkpoint."""
_BESIDE = {"epoch", "optimizer", "optimizer_state_dict", "lr_scheduler", "scheduler", "args", "config", "best_acc",
           "best_acc1", "loss", "step", "iteration", "arch", "scaler", "hyper_parameters", "global_step",
           "pytorch-lightning_version", "callbacks", "optimizer_states", "lr_schedulers", "epochs", "meta"}  # fmt: skip
"""What stands beside it there."""


_SIZES = re.compile(
    r"size mismatch for ([^\s:]+): copying a param(?:eter)? (?:with shape|of) (?:torch\.Size\()?\(?\[?([\d, ]*)\]?\)*"
    r"\s+from\s+checkpoint,\s+(?:where\s+)?the\s+shape\s+(?:in\s+current\s+model\s+)?is"
    r"\s+(?:torch\.Size\()?\(?\[?([\d, ]*)"
)


_TABLE = re.compile(
    r"embed_tokens|word_embeddings|token_embed|(?:^|\.)(?:wte|wpe|shared|lm_head|decoder)\.|pos(?:ition)?_?embed|relative_position"
    r"|position_ids|embeddings?\.weight"
)


def _cut(lacking: set[str], extra: set[str]) -> int:
    """How many characters a fixed slice such as `key[7:]` took off each name; 0 when that is not what happened."""
    for count in range(1, 20):
        cut = {name[count:] for name in lacking}
        if extra and cut == extra:
            return count
    return 0


def _keys(message: str, start: str) -> list[str]:
    begin = message.find(start)
    if begin < 0:
        return []
    rest = message[begin + len(start) :]
    end = re.search(r"\n\s*(Missing|Unexpected|size mismatch|While copying)|\.\s*\n\s|\. *$", rest)
    rest = rest[: end.start()] if end else rest
    return re.findall(r'"([^"\n]{0,300})"', rest)


def _lora_ranks(name: str, theirs: tuple[int, ...], ours: tuple[int, ...]) -> tuple[int, int] | None:
    """The ranks of a LoRA matrix in the file and in the model, where it differs in nothing else."""
    if len(theirs) < 2 or len(theirs) != len(ours):
        return None
    if "lora_A" in name and theirs[1:] == ours[1:]:
        return theirs[0], ours[0]
    if "lora_B" in name and (theirs[0], *theirs[2:]) == (ours[0], *ours[2:]):
        return theirs[1], ours[1]
    return None


@_gives(case="unknown", prefix="", origin="", missing=0, unexpected=0, mismatched=0, first_missing="",
        first_unexpected="", first_mismatch="", theirs=(), ours=(), nest="", model="", others=0, rank=0,
        other_rank=0)  # fmt: skip
def state_dict(crash: Crash, raised: Raised, given: Values) -> Values:
    """How the keys of a checkpoint and of a model differ.

    `case`: `prefix-in-file`, `prefix-in-model` (one prefix makes them equal), `sliced` (a fixed number of characters
    was cut off each name), `nested` (the file holds a whole
    checkpoint), `head` (only the sizes of the last layer differ), `resized` (a vocabulary or positions), `lora-rank`,
    `sharded` (DeepSpeed's empty stand-ins), `sizes`,
    `partial` (only missing keys), `extra` (only unexpected ones), `other` (another architecture), `unknown`.
    """
    text = raised.message
    missing = _keys(text, "Missing key(s) in state_dict:")
    unexpected = _keys(text, "Unexpected key(s) in state_dict:")
    sizes = _SIZES.findall(text)
    model = re.search(r"loading state_dict for (\w+)", text)
    values: dict[str, Any] = {
        "missing": len(missing),
        "unexpected": len(unexpected),
        "mismatched": len(sizes),
        "first_missing": missing[0] if missing else "",
        "first_unexpected": unexpected[0] if unexpected else "",
        "model": model[1] if model else "",
    }
    if sizes:
        values |= {"first_mismatch": sizes[0][0], "theirs": _sizes(sizes[0][1]), "ours": _sizes(sizes[0][2])}
    if missing and unexpected:
        lacking, extra = set(missing), set(unexpected)
        for prefix in {key.split(".")[0] + "." for key in unexpected} | set(PREFIXES):
            stripped = {key[len(prefix) :] for key in extra if key.startswith(prefix)}
            if len(stripped & lacking) >= max(1, 0.5 * min(len(lacking), len(extra))):
                origin = PREFIXES.get(prefix, "")
                return {**values, "case": "prefix-in-file", "prefix": prefix, "origin": origin,
                        "others": len(extra) - len(stripped & lacking)}  # fmt: skip
        for prefix in {key.split(".")[0] + "." for key in missing} | set(PREFIXES):
            stripped = {key[len(prefix) :] for key in lacking if key.startswith(prefix)}
            if len(stripped & extra) >= max(1, 0.5 * min(len(lacking), len(extra))):
                origin = PREFIXES.get(prefix, "")
                return {**values, "case": "prefix-in-model", "prefix": prefix, "origin": origin,
                        "others": len(lacking) - len(stripped & extra)}  # fmt: skip
        cut = _cut(lacking, extra)
        if cut:
            return {**values, "case": "sliced", "others": cut}
        nest = next((key for key in NESTED if key in extra), "")
        if nest and all("." not in key for key in unexpected) and (len(extra) == 1 or extra & _BESIDE):
            return {**values, "case": "nested", "nest": nest}
        return {**values, "case": "other"}
    if sizes:
        layers = {name.rpartition(".")[0] for name, _, _ in sizes}
        pairs = [(_sizes(theirs), _sizes(ours)) for _, theirs, ours in sizes]
        for side, other in ((0, 1), (1, 0)):
            if all(pair[side] in ((0,), (1,)) for pair in pairs) and any(len(pair[other]) > 1 for pair in pairs):
                return {**values, "case": "sharded"}
        ranks = {_lora_ranks(name, *pair) for (name, _, _), pair in zip(sizes, pairs, strict=True)}
        if len(ranks) == 1 and (two := ranks.pop()):
            return {**values, "case": "lora-rank", "rank": two[0], "other_rank": two[1]}
        first = {(theirs[:1], ours[:1]) for theirs, ours in pairs}
        # A table by vocabulary or by position differs in one dimension; a stem that is called `patch_embed` is none.
        one_differs = all(len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1 for a, b in pairs)
        table = all(_TABLE.search(name) for name, _, _ in sizes)
        if table and one_differs and not unexpected:
            return {**values, "case": "resized"}
        if len(layers) == 1 and len(first) == 1 and not missing and not unexpected:
            return {**values, "case": "head"}
        return {**values, "case": "sizes"}
    if missing:
        return {**values, "case": "partial"}
    if unexpected:
        return {**values, "case": "extra"}
    return values


@_gives(case="unknown", shown="")
def load_key(crash: Crash, raised: Raised, given: Values) -> Values:
    """What the first byte (`key`, as Python prints it) of a file that is no pickle says: `lfs`, `html`, `zeros`.

    What was read of the file itself, where that was possible, goes before the guess by its first byte.
    """
    key = str(given["key"])
    by_byte = {"v": "lfs", "<": "html", "\\x00": "zeros"}
    kind = crash.file_head.kind if crash.file_head is not None else by_byte.get(key, "unknown")
    return {"case": kind, "shown": f"`{key}`"}


# --- names ---------------------------------------------------------------------------------------------------------


@_gives(case="unknown")
def hub_name(crash: Crash, raised: Raised, given: Values) -> Values:
    """What was given in place of a model's name. `case`: `path` (it is written like one), `name`."""
    name = str(given.get("name", ""))
    like_a_path = name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or name.endswith("/")
    return {"case": "path" if like_a_path else "name"}


@_gives(lacking="", count=0, first="")
def parts(crash: Crash, raised: Raised, given: Values) -> Values:
    """What is in the set `wanted` and not in `given`, both as Python prints sets of names."""
    wanted, got = (set(re.findall(r"'(\w+)'", str(given[name]))) for name in ("wanted", "given"))
    lacking = sorted(wanted - got)
    return {"lacking": ", ".join(lacking), "count": len(lacking), "first": lacking[0] if lacking else ""}


# --- processes -----------------------------------------------------------------------------------------------------

SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
           10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
           24: "SIGXCPU", 25: "SIGXFSZ"}  # fmt: skip
"""Numbers of signals on Linux (signal(7), x86 and ARM)."""


@_gives(case="unknown", code=0, signal="", number=0, rank="?", host="", processes=0)
def exit_code(crash: Crash, raised: Raised, given: Values) -> Values:
    """Which signal ended a process, from `code` of the message, a launcher's summary, or the exit code itself.

    `case` is the signal's name in lower case (`sigkill`), `error` for an ordinary exit code.
    """
    first = crash.failed[0] if crash.failed else None
    code = given.get("code")
    if code is None:
        code = first.exit_code if first is not None else crash.exit_code
    if code is None:
        return {}
    code = int(code)
    number = -code if code < 0 else code - 128 if 128 < code < 160 else 0
    name = SIGNALS.get(number, f"signal {number}") if number else ""
    rank = first.rank if first is not None else crash.rank
    return {
        "case": name.lower() if name else "error",
        "code": code,
        "signal": name,
        "number": number,
        "rank": "?" if rank is None else str(rank),
        "host": first.host if first is not None else "",
        "processes": len(crash.failed),
    }
