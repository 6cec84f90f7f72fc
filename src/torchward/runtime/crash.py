"""An exception that ended the program, as one row of the run log: its chain, its place, and the tensors involved.

Nothing of the user's is run: names of the failing expression are looked up in the frames' variables and in plain
instance dictionaries, never through properties, `__getattr__` or `repr`. Nothing is read from an accelerator, since
that may be what failed. Values are never told, only shapes; of whole-number tensors on the CPU the range, which is
what labels and indices are judged by.

Python itself keeps the exception that ends a program in `sys.last_value`, so no hook is needed: it is looked at when
the interpreter shuts down. This module does not import torch: what failed may be `import torch`.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import time
from types import FrameType, TracebackType
from typing import Any

Row = dict[str, Any]

MESSAGE = 60_000
"""Characters of a message that are kept."""
FRAMES = 60
"""Frames of a traceback that are kept: the outermost ten, and the innermost ones."""
OPERANDS = 12
ELEMENTS = 4_000_000
"""Largest tensor of whole numbers whose range is taken: some milliseconds."""
ITEMS = 6
"""Items of a list of tensors that are told."""

_ATTRIBUTES = (
    "in_features", "out_features", "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation",
    "groups", "num_embeddings", "embedding_dim", "padding_idx", "normalized_shape", "num_features", "input_size",
    "hidden_size", "num_layers", "bidirectional", "batch_first", "embed_dim", "num_heads", "ignore_index", "training",
)  # fmt: skip


def last_uncaught() -> BaseException | None:
    """The exception that is ending this program, if one is."""
    error = getattr(sys, "last_value", None)
    if isinstance(error, (SystemExit, KeyboardInterrupt)):  # asked for
        return None
    return error if isinstance(error, BaseException) else None


def ending_child() -> BaseException | None:
    """The exception on its way out of a child process of `multiprocessing`, called while that unwinds.

    Such a child never sets `sys.last_value`: multiprocessing prints what ends it. `torch.multiprocessing.spawn` turns
    the exception into an exit status within its `except` block, so there it is the context of the `SystemExit`.
    """
    error = sys.exc_info()[1]
    if isinstance(error, SystemExit):
        error = error.__context__ if error.code not in (None, 0) else None
    return error if isinstance(error, Exception) else None


def describe(error: BaseException) -> Row:
    """Everything that is told of an exception, ready for JSON."""
    chain = _chain(error)
    rank = os.environ.get("RANK", "")
    row: Row = {
        "time": time.time(),
        "rank": int(rank) if rank.isdigit() else None,
        "platform": _platform(),
        "chain": [_raised(one, link) for one, link in chain],
    }
    root = _origin(chain)
    for part in (_operands, _file, _versions, _memory):
        try:
            row |= part(root)
        except Exception as problem:  # what cannot be told is left out; the rest stands
            row.setdefault("lacks", []).append(f"{part.__name__}: {type(problem).__name__}")
    return row


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """(exception, link to the one before), the earliest first; each once, however they refer to each other."""
    chain: list[tuple[BaseException, str]] = []
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and len(chain) < 20:
        seen.add(id(one))
        before = one.__cause__ if one.__cause__ is not None else None if one.__suppress_context__ else one.__context__
        link = "" if before is None else "direct" if one.__cause__ is not None else "during"
        chain.append((one, link))
        one = before
    return chain[::-1]


def _origin(chain: list[tuple[BaseException, str]]) -> BaseException:
    """The earliest of those that were raised from one another."""
    index = len(chain) - 1
    while index and chain[index][1] == "direct":
        index -= 1
    return chain[index][0]


def _raised(error: BaseException, link: str) -> Row:
    kind = type(error)
    module = kind.__module__
    name = kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    try:
        message = str(error)
    except Exception:
        message = ""
    if len(message) > MESSAGE:
        message = message[: MESSAGE // 2] + "\n" + message[-MESSAGE // 2 :]
    frames = [_frame(*one) for one in _walk(error.__traceback__)]
    if len(frames) > FRAMES:
        frames = frames[:10] + frames[10 - FRAMES :]
    return {"type": name, "message": message, "link": link, "frames": frames}


def _walk(trace: TracebackType | None) -> list[tuple[FrameType, int, tuple[int, int] | None]]:
    """(frame, line, columns of the failing expression where Python knows them), outermost first."""
    found: list[tuple[FrameType, int, tuple[int, int] | None]] = []
    while trace is not None and len(found) < 10_000:
        columns = None
        code = trace.tb_frame.f_code
        positions = getattr(code, "co_positions", None)
        if positions is not None and trace.tb_lasti >= 0:
            for number, (line, end_line, begin, end) in enumerate(positions()):
                if number == trace.tb_lasti // 2:
                    if line == end_line == trace.tb_lineno and begin is not None and end is not None:
                        columns = (begin, end)
                    break
        found.append((trace.tb_frame, trace.tb_lineno, columns))
        trace = trace.tb_next
    return found


def _frame(frame: FrameType, line: int, columns: tuple[int, int] | None) -> Row:
    code = frame.f_code
    text = linecache.getline(code.co_filename, line, frame.f_globals).rstrip("\n")
    row: Row = {"file": code.co_filename, "line": line, "fn": code.co_name, "code": text.strip()[:400]}
    if columns is not None and text.isascii():
        indent = len(text) - len(text.lstrip())
        row["mark"] = [columns[0] - indent, columns[1] - indent]
    return row


def _platform() -> str:
    return {"win32": "windows", "darwin": "mac"}.get(sys.platform, "linux")


def write(folder: str | os.PathLike[str], error: BaseException | None, role: str = "") -> None:
    """Tell of an exception in a log of its own: this process has no recorder. `role`: `worker` for another's helper."""
    from torchward import runlog

    if error is None:
        return
    log = runlog.Writer(os.path.join(folder, runlog.LOGS, f"{os.getpid()}.jsonl"))
    head: Row = {"version": runlog.VERSION, "time": time.time(), "pid": os.getpid(), "ppid": os.getppid()}
    log.add("head", **head, argv=sys.orig_argv[:64], **({"role": role} if role else {}))
    log.add("crash", **describe(error))
    log.close()


# --- tensors and layers of the failing expression --------------------------------------------------------------------

_MISSING = object()


def _own(file: str) -> bool:
    path = file.replace("\\", "/")
    package = __file__.replace("\\", "/").rpartition("/runtime/")[0]
    return not (
        not path
        or "/site-packages/" in path
        or "/dist-packages/" in path
        or path.startswith(("<frozen", package, os.path.dirname(os.__file__).replace("\\", "/") + "/"))
    )


def _operands(error: BaseException) -> Row:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return {}
    frames = _walk(error.__traceback__)
    own = [one for one in frames if _own(one[0].f_code.co_filename)]
    if not own:
        return {}
    frame, line, columns = own[-1]
    operands: dict[str, Row] = {}
    layers: dict[str, Row] = {}
    seen: set[int] = set()

    def add(name: str, value: Any) -> None:
        if id(value) in seen or len(operands) + len(layers) >= OPERANDS:
            return
        if isinstance(value, torch.Tensor):
            seen.add(id(value))
            operands[name] = _tensor(torch, name, value)
        elif isinstance(value, torch.nn.Module):
            layer = _layer(torch, name, value)
            if layer["attributes"]:
                seen.add(id(value))
                layers[name] = layer
        elif type(value) in (list, tuple):
            for number, item in enumerate(value[:ITEMS]):
                if isinstance(item, torch.Tensor):
                    add(f"{name}[{number}]", item)
        elif type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
            seen.add(id(value))
            shape, dtype = [int(size) for size in value.shape], str(value.dtype)
            operands[name] = {"name": name, "shape": shape, "dtype": dtype, "device": "numpy", "grad": False}

    for name, value in _named(frame, _source(frame, line, columns)):
        add(name, value)
    # The layers that were being called beneath the user's line: what they are, and what they were given.
    inner = frames[frames.index(own[-1]) + 1 :]
    for below, _, _ in inner:
        module = below.f_locals.get("self")
        if isinstance(module, torch.nn.Module) and below.f_code.co_name == "forward" and id(module) not in seen:
            add(_module_name(own, module) or type(module).__name__, module)
    # A linear layer got the wrong number of features: the convolution before it is what made them.
    for below, _, _ in inner:
        module = below.f_locals.get("self")
        if isinstance(module, torch.nn.Linear) and below.f_code.co_name == "forward":
            add(*_convolution_before(own, module))
    if inner and not operands:
        for below, _, _ in inner[:8]:
            for name in ("input", "x", "target", "query", "key", "value", "weight", "tensors"):
                if name in below.f_locals:
                    add(name, below.f_locals[name])
    return {"operands": list(operands.values()), "layers": list(layers.values())}


def _source(frame: FrameType, line: int, columns: tuple[int, int] | None) -> str:
    """The failing expression, or its whole line, or the statement that begins on it."""
    text = linecache.getline(frame.f_code.co_filename, line, frame.f_globals)
    if columns is not None and text.isascii():
        return text[columns[0] : columns[1]]
    lines = [text.strip()]
    for further in range(1, 12):
        try:
            ast.parse("\n".join(lines))
            break
        except SyntaxError:
            lines.append(linecache.getline(frame.f_code.co_filename, line + further, frame.f_globals).strip())
    return "\n".join(lines)


def _named(frame: FrameType, source: str) -> list[tuple[str, Any]]:
    """(name as written, value) of every name and attribute in the source, the longest chains first."""
    found: dict[str, Any] = {}
    try:
        tree = ast.parse(source.strip())
    except (SyntaxError, ValueError, RecursionError):
        try:
            tree = ast.parse(source.strip().rstrip(":") + ": pass")
        except (SyntaxError, ValueError, RecursionError):
            return []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name, ast.Subscript)):
            value = _look_up(frame, node)
            if value is not _MISSING:
                found.setdefault(ast.unparse(node)[:80], value)
    return list(found.items())


def _look_up(frame: FrameType, node: ast.AST) -> Any:
    if isinstance(node, ast.Name):
        for names in (frame.f_locals, frame.f_globals):
            if node.id in names:
                return names[node.id]
        return _MISSING
    if isinstance(node, ast.Attribute):
        owner = _look_up(frame, node.value)
        return _MISSING if owner is _MISSING else _attribute(owner, node.attr)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        owner, key = _look_up(frame, node.value), node.slice.value
        if type(owner) is dict and isinstance(key, (str, int)):
            return owner.get(key, _MISSING)
        if type(owner) in (list, tuple) and isinstance(key, int) and -len(owner) <= key < len(owner):
            return owner[key]
    return _MISSING


def _attribute(owner: Any, name: str) -> Any:
    """An attribute that is plainly stored; nothing that would have to be computed."""
    try:
        own = object.__getattribute__(owner, "__dict__")
    except (AttributeError, TypeError):
        return _MISSING
    if type(own) is not dict:
        return _MISSING
    if name in own:
        return own[name]
    for table in ("_parameters", "_buffers", "_modules"):
        held = own.get(table)
        if isinstance(held, dict) and name in held:
            return held[name]
    return _MISSING


def _tensor(torch: Any, name: str, value: Any) -> Row:
    row: Row = {
        "name": name,
        "shape": [int(size) for size in value.shape],
        "dtype": str(value.dtype).removeprefix("torch."),
        "device": str(value.device),
        "grad": bool(value.requires_grad),
    }
    whole = value.dtype in (torch.int64, torch.int32, torch.int16, torch.uint8)
    if whole and value.device.type == "cpu" and value.layout is torch.strided and 0 < value.numel() <= ELEMENTS:
        with torch.no_grad():
            low, high = torch.aminmax(value.detach())
        row["low"], row["high"] = int(low), int(high)
    return row


def _layer(torch: Any, name: str, module: Any) -> Row:
    attributes: dict[str, Any] = {}
    own = object.__getattribute__(module, "__dict__")
    for key in _ATTRIBUTES:
        value = own.get(key)
        if isinstance(value, (bool, int, float)) and not (key == "training" and value):
            attributes[key] = value
        elif type(value) is tuple and all(isinstance(item, int) for item in value):
            attributes[key] = list(value)
    weight = _attribute(module, "weight")
    if isinstance(weight, torch.Tensor):
        attributes["weight"] = f"{str(weight.dtype).removeprefix('torch.')} on {weight.device}"
    return {"name": name, "kind": type(module).__name__, "attributes": attributes}


def _module_name(own: list[tuple[FrameType, int, Any]], module: Any) -> str:
    """How the user's innermost module calls this one: `self.encoder.fc1`."""
    for frame, _, _ in reversed(own):
        for name, value in list(frame.f_locals.items())[:50]:
            named = getattr(type(value), "named_modules", None)
            if named is None or not hasattr(type(value), "register_forward_hook"):
                continue
            for path, held in named(value):
                if held is module:
                    return f"{name}.{path}" if path else name
    return ""


def _convolution_before(own: list[tuple[FrameType, int, Any]], module: Any) -> tuple[str, Any]:
    """Name and module of the last convolution that stands before this one in the model that calls it."""
    for frame, _, _ in reversed(own):
        for name, value in list(frame.f_locals.items())[:50]:
            named = getattr(type(value), "named_modules", None)
            if named is None or not hasattr(type(value), "register_forward_hook"):
                continue
            found: tuple[str, Any] = ("", None)
            for path, held in named(value):
                if held is module:
                    return found
                if "out_channels" in object.__getattribute__(held, "__dict__"):
                    found = (f"{name}.{path}" if path else name, held)
    return "", None


# --- files, versions, memory -----------------------------------------------------------------------------------------

_LOADERS = ("serialization.py", "safetensors", "_torch_docs.py")


def _file(error: BaseException) -> Row:
    """The beginning of the file that a failing load was given."""
    path: Any = None
    for frame, _, _ in _walk(error.__traceback__):
        file = frame.f_code.co_filename.replace("\\", "/")
        if file.endswith("torch/serialization.py") and frame.f_code.co_name == "load":
            path = frame.f_locals.get("f")
        elif "safetensors" in file and "filename" in frame.f_locals:
            path = frame.f_locals["filename"]
    if path is None and type(error).__name__ == "SafetensorError":
        frame = _walk(error.__traceback__)[-1][0]
        path = next((value for value in frame.f_locals.values() if str(value).endswith(".safetensors")), None)
    if hasattr(path, "name") and not isinstance(path, (str, os.PathLike)):
        path = path.name
    if not isinstance(path, (str, os.PathLike)) or not os.path.isfile(path):
        return {}
    with open(path, "rb") as file_:
        head = file_.read(512)
    return {"file": {"path": os.fspath(path), "size": os.path.getsize(path), "kind": file_kind(head)}}


def file_kind(head: bytes) -> str:
    """What the first bytes of a file say that it is; see `facts.FileHead`."""
    if not head:
        return "empty"
    if not head.strip(b"\0"):
        return "zeros"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(b"version https://git-lfs"):
        return "lfs"
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return "html"
    if head[:1] == b"\x80" and len(head) > 1 and head[1] in range(1, 6):
        return "pickle"
    if len(head) > 8 and head[8:9] == b"{":
        return "safetensors"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 or byte >= 128 for byte in head):
        return "text"
    return "unknown"


_PACKAGES = ("torch", "torchvision", "torchaudio", "numpy", "transformers", "accelerate", "peft", "trl", "diffusers",
             "lightning", "pytorch_lightning", "safetensors", "gymnasium", "stable_baselines3", "triton", "PIL",
             "bitsandbytes", "xformers", "flash_attn", "tokenizers", "datasets", "huggingface_hub")  # fmt: skip


def _versions(error: BaseException) -> Row:
    """Versions of what is loaded; nothing is imported for it."""
    versions = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in _PACKAGES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if isinstance(version, str):
            versions[name] = str(version)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "version"):
        versions["cuda"] = str(torch.version.cuda or "none").lower()
    return {"versions": versions}


def _memory(error: BaseException) -> Row:
    """What is known of memory without asking the device: its driver may be what failed."""
    memory: dict[str, int] = {}
    capability = ""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda") and torch.cuda.is_initialized():
        text = str(error)
        memory["allocated"] = int(torch.cuda.memory_allocated())
        memory["reserved"] = int(torch.cuda.memory_reserved())
        if "out of memory" in text or "CUDA" not in text.upper():
            free, total = torch.cuda.mem_get_info()
            memory["gpu_free"], memory["gpu_total"] = int(free), int(total)
            capability = ".".join(map(str, torch.cuda.get_device_capability()))
    if sys.platform == "linux":
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    memory["host_free"] = int(line.split()[1]) * 1024
    return {"memory": memory, "capability": capability}
