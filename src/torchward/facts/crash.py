"""A crash: what a log or a live exception tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Frame:
    """One frame of a traceback, outermost first in `Raised.frames`."""

    file: str
    line: int
    function: str
    code: str = ""
    """The source line, stripped; empty when the traceback does not show it."""
    library: str = ""
    """The package that the file belongs to, `torch`, or `python` for the standard library; empty for the user's own."""
    mark: tuple[int, int] | None = None
    """Where in `code` the failing expression begins and ends, in characters."""

    @property
    def marked(self) -> str:
        """`code` with the failing expression between `»` and `«`, where that is only a part of it."""
        if self.mark is None or self.mark == (0, len(self.code)):
            return self.code
        begin, end = self.mark
        return f"{self.code[:begin]}»{self.code[begin:end]}«{self.code[end:]}"


@dataclass(frozen=True)
class LogLine:
    """A line of a log, without prefixes and colour codes. `number` counts from 1; 0 when there is no log."""

    number: int
    text: str


@dataclass(frozen=True)
class Raised:
    """One exception that a log shows, or that is at hand in the process."""

    type: str
    """As Python prints it, `torch.OutOfMemoryError`; empty for a message that stands alone."""
    message: str
    """All of it, which may be many lines."""
    frames: tuple[Frame, ...] = ()
    line: int = 0
    """Number of the line in the log where the message begins; 0 when there is no log."""
    process: str = ""
    """How the log names the process: `rank3`, a pid; empty when it does not."""
    consequence: str = ""
    """Why this is not where the trouble began (`launcher`, `worker`, `chain`, `peer`, `cleanup`); empty for a cause."""
    whole: bool = True
    """False when the log is cut off within it."""

    @property
    def name(self) -> str:
        """The type without its module: `OutOfMemoryError`."""
        return self.type.replace("::", ".").rpartition(".")[2]

    @property
    def text(self) -> str:
        """Type and message, as on the last lines of a traceback."""
        return f"{self.type}: {self.message}" if self.type and self.message else self.type or self.message

    @property
    def site(self) -> Frame | None:
        """The innermost frame of the user's own code."""
        return next((frame for frame in reversed(self.frames) if not frame.library), None)


@dataclass(frozen=True)
class Operand:
    """A tensor in the failing expression: what it is, never what it holds."""

    name: str
    """As the source writes it: `x`, `self.fc1.weight`."""
    shape: tuple[int, ...]
    dtype: str
    """Without `torch.`: `float32`."""
    device: str
    requires_grad: bool = False
    low: int | None = None
    """Least value of a whole-number tensor on the CPU (labels, indices); None where it was not looked at."""
    high: int | None = None

    def __str__(self) -> str:
        grad = " grad" if self.requires_grad else ""
        values = f" {self.low}..{self.high}" if self.low is not None else ""
        return f"{self.name}: {self.dtype} ({', '.join(map(str, self.shape))}) {self.device}{grad}{values}"


@dataclass(frozen=True)
class Layer:
    """A module in the failing expression, or the one whose `forward` failed."""

    name: str
    """As the source writes it: `self.fc1`."""
    kind: str
    """Class name: `Linear`."""
    attributes: Mapping[str, int | float | str | bool | tuple[int, ...]] = field(default_factory=dict)
    """Sizes and dtypes that decide what it takes: `in_features`, `num_embeddings`, `weight` (its dtype), ..."""

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}({', '.join(f'{key}={value}' for key, value in self.attributes.items())})"


@dataclass(frozen=True)
class FileHead:
    """The beginning of a file that could not be loaded."""

    path: str
    size: int
    """Bytes."""
    kind: str
    """What the first bytes say: `zip`, `pickle`, `lfs`, `html`, `safetensors`, `empty`, `zeros`, `text`, `unknown`."""


@dataclass(frozen=True)
class Failed:
    """A process that a launcher's summary names as failed."""

    rank: int | None
    exit_code: int | None
    """Negative: ended by that signal."""
    host: str = ""
    error_file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Waiting:
    """A rank that reports that it waited too long in a collective operation."""

    rank: int
    operation: str
    """As NCCL names it: `ALLREDUCE`."""
    number: int | None = None
    """Sequence number of the operation; ranks that did the same things are at the same number."""


@dataclass(frozen=True)
class Crash:
    """How a program failed, from its log or from the exception itself.

    From a log, `versions`, `platform` and the like hold only what the log says: never what this machine would say.
    """

    source: str = ""
    """Name of the log file, `<stdin>`; empty when the exception itself was at hand."""
    live: bool = False
    """The exception itself was at hand: `operands`, `layers`, `versions` are the process's own."""
    raised: tuple[Raised, ...] = ()
    """Exceptions: first the one where the trouble began as far as can be told, consequences last."""
    output: tuple[LogLine, ...] = ()
    """Lines outside of tracebacks that tell of a warning, an error or an end, in order; repeated ones once."""
    failed: tuple[Failed, ...] = ()
    """Processes that a launcher counts as failed, the first failure first."""
    waiting: tuple[Waiting, ...] = ()
    """Ranks that reported a time-out in a collective operation, in the order of their reports."""
    ranks: tuple[int, ...] = ()
    """Ranks that the log knows of."""
    exit_code: int | None = None
    """Of the process, where known; negative: ended by that signal."""
    rank: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions by package (`torch`, `python`, `cuda`, `numpy`, `driver`); `cuda` is `none` for a CPU build."""
    platform: str = ""
    """`linux`, `windows` or `mac`."""
    operands: tuple[Operand, ...] = ()
    layers: tuple[Layer, ...] = ()
    file_head: FileHead | None = None
    memory: Mapping[str, int] = field(default_factory=dict)
    """Bytes: `gpu_free`, `gpu_total`, `allocated`, `reserved`, `host_free`."""
    capability: str = ""
    """Compute capability of the device, `8.6`."""
    lines: int = 0
    """Lines read."""
    binary: bool = False
    """The input is no text."""

    @property
    def error(self) -> Raised | None:
        """The exception where the trouble began."""
        return self.raised[0] if self.raised else None
