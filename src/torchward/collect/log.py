"""Logs: any text that a failed program left behind -> a `Crash`.

In two stages. The first looks at every byte of the input, knows nothing but a list of words, and keeps the lines
around them: a hundred megabytes become a few thousand lines. The second takes those apart: what stands before each line
(ranks, times, colours) is stripped, interleaved processes are unfolded, tracebacks are read, and then the exceptions
are put in order: where the trouble began first, its consequences last.

A log is untrusted text: nothing of it is run, no file that it names is opened.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from torchward.collect.tracebacks import Line, Reader, Traceback
from torchward.facts import Crash, Failed, Frame, LogLine, Raised, Waiting

BLOCK = 1 << 18
"""Bytes that are looked at in one go."""
WHOLE = 1 << 20
"""A log of up to this many bytes is taken whole."""
LAST = 2 << 20
"""Bytes of suspicious blocks that are kept of a longer log, the last ones."""
WEAK_LINES = 20_000
"""Single suspicious lines that are kept besides."""
OUTPUT = 2000
"""Lines outside of tracebacks that are kept as evidence; the last ones."""
LONG = 20_000
"""Characters of a line that are read; a tensor printed on one line is cut here."""
SHORT = 200
"""A log of so few lines was cut out by somebody: every line of it may tell something."""
REPEATED = 3
"""An exception that one process shows so often was survived, where another one follows."""
BURST = 120
"""Lines without an exception after which the one before it was survived: what a crash prints stands together."""

_STRONG = (
    b"Traceback (most",
    b'", line ',
    b"Error: ",
    b"Exception: ",
    b"\xe2\x9d\xb1",
    b"---> ",
    b"what():",
    b"Error:\n",
)
_WEAK = (
    b"rror", b"RROR", b"xception", b"arning", b"WARN", b"atal", b"FATAL", b"illed", b"fault", b"core dumped", b"bort",
    b"ssert", b"exit", b"signal", b"SIG", b"emory", b"oom", b"ailed", b"FAILED", b"annot", b"not found", b"rank",
    b"version", b"torch==", b"NCCL", b"undefined symbol",
)  # fmt: skip


def read(stream: BinaryIO, source: str = "", exit_code: int | None = None) -> Crash:
    """A log of any size and encoding, read once from its beginning to its end."""
    head = stream.read(BLOCK)
    encoding = _encoding(head)
    if encoding is None:
        while stream.read(BLOCK):
            pass
        return Crash(source=source, binary=True, exit_code=exit_code)
    lines, total = _scan(_blocks(head, stream, encoding))
    return _crash(lines, total, source, exit_code)


def parse(text: str, source: str = "", exit_code: int | None = None) -> Crash:
    """A log that is at hand as text."""
    lines = list(enumerate(text.split("\n"), 1))
    return _crash(lines, len(lines) - (not lines[-1][1]), source, exit_code)


def quoted(text: str) -> list[Traceback]:
    """The tracebacks that an exception's message quotes: what failed in a loader worker, a pool or a spawned rank."""
    reader = Reader()
    for number, line in enumerate(text.split("\n"), 1):
        reader.feed(Line(number, line))
    reader.finish()
    return reader.tracebacks


# --- bytes -> suspicious lines -------------------------------------------------------------------------------------

_MAGIC = (
    b"PK\x03\x04",
    b"\x80\x02",
    b"\x80\x04",
    b"\x1f\x8b",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"\x7fELF",
    b"%PDF",
    b"MZ\x90",
)


def _encoding(head: bytes) -> str | None:
    """The encoding of a text, None for what is no text."""
    for bom, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(bom):
            return name
    if head.startswith(_MAGIC):
        return None
    if not head:
        return "utf-8"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.3 * len(head) / 2 > even:
        return "utf-16-le"
    if even > 0.3 * len(head) / 2 > odd:
        return "utf-16-be"
    controls = sum(head.count(bytes([code])) for code in (0, 1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20))
    if controls > 0.02 * len(head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        try:  # what Windows in Chinese writes; anything else is read as UTF-8 with marks for what is not
            codecs.getincrementaldecoder("gb18030")().decode(head)
        except UnicodeDecodeError:
            return "utf-8"
        return "gb18030"
    return "utf-8"


def _blocks(head: bytes, stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    """The input in UTF-8, in blocks that end with a line's end where there is one."""
    recode = encoding not in ("utf-8", "utf-8-sig")
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace") if recode else None
    if encoding == "utf-8-sig":
        head = head[3:]
    rest = b""
    data = head
    while data:
        chunk = decoder.decode(data).encode() if decoder is not None else data
        chunk = rest + chunk
        cut = chunk.rfind(b"\n") + 1
        if not cut and len(chunk) > 4 * BLOCK:  # one line of megabytes: a progress bar
            cut = chunk.rfind(b"\r") + 1 or len(chunk)
        if cut:
            yield chunk[:cut]
        rest = chunk[cut:]
        data = stream.read(BLOCK)
    if rest:
        yield rest


def _scan(blocks: Iterable[bytes]) -> tuple[list[tuple[int, str]], int]:
    """(number, line) of every line that may matter, and the number of lines."""
    first: list[tuple[int, bytes]] = []
    last: deque[tuple[int, bytes]] = deque()
    weak: deque[tuple[int, bytes]] = deque(maxlen=WEAK_LINES)
    kept_first = kept_last = 0
    number = 1
    size = 0
    before: tuple[int, bytes] | None = None
    follow = False
    seen: set[bytes] = set()
    for block in blocks:
        suspicious = any(mark in block for mark in _STRONG)
        if size + len(block) <= WHOLE:
            first.append((number, block))
            kept_first += len(block)
        elif suspicious or follow:
            for kept in ([before] if before is not None and suspicious else []) + [(number, block)]:
                last.append(kept)
                kept_last += len(kept[1])
            while kept_last > LAST + BLOCK:
                kept_last -= len(last.popleft()[1])
            before = None
        else:
            weak.extend(_weak(block, number, seen))
            before = (number, block)
        follow = suspicious
        size += len(block)
        number += block.count(b"\n")
        end = block
    if before is not None:
        last.append(before)
    lines: dict[int, str] = {}
    for start, block in (*first, *last):
        for offset, line in enumerate(block.split(b"\n")):
            if line or offset:
                text = line[-LONG:] if b"\r" in line else line[:LONG]
                at = start + offset
                lines[at] = lines.get(at, "") + text.decode("utf-8", "replace")
    for at, line in weak:
        lines.setdefault(at, line.decode("utf-8", "replace"))
    total = number - 1 + (1 if size and not end.endswith(b"\n") else 0)
    return sorted(lines.items()), total


_DIGITS = re.compile(rb"[\d.]+")


def _weak(block: bytes, number: int, seen: set[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with a suspicious word in an unsuspicious block, those that differ in numbers only once."""
    found: dict[int, bytes] = {}
    for word in _WEAK:
        at = block.find(word)
        hits = 0
        while at >= 0 and hits < 200:
            begin = max(block.rfind(b"\n", 0, at), block.rfind(b"\r", 0, at)) + 1
            end = block.find(b"\n", at)
            end = len(block) if end < 0 else end
            if begin not in found:
                found[begin] = block[begin : min(end, begin + 1000)]
            at = block.find(word, end)
            hits += 1
    for begin in sorted(found):
        key = _DIGITS.sub(b"0", found[begin][:80])
        if key not in seen and len(seen) < 4 * WEAK_LINES:
            seen.add(key)
            yield number + block.count(b"\n", 0, begin), found[begin]


# --- what stands before and around a line --------------------------------------------------------------------------

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])|\[(?:\d{1,2};)?\d{1,2}m")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\u200b]")
_PREFIXES = (
    re.compile(r"\[(?P<process>(?:default|rank|Rank ?)?\d+)\]:\s?"),  # torchrun --tee, [rank0]:
    re.compile(r"\[\d+,(?P<process>\d+)\]<std(?:err|out)>:\s?"),  # mpirun
    re.compile(r"\((?P<process>[\w.:]*\s?(?:pid|rank)=\d+)(?:, ip=[\d.]+)?\)\s"),  # ray
    re.compile(r"\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ [\w./@:-]+?(?:\[(?P<process>\d+)\])?: "),  # journald, syslog
    re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d) (?:std(?:err|out) [FP] )?"),  # Kubernetes, Actions
    re.compile(r"[\w.-]+-\d+\s+\| "),  # docker compose
    re.compile(
        r"(?P<process>(?:\d{1,3}|[\w-]+\d+)): (?=\S|  )(?=[A-Z ]|\S*:|\S+Error)"
    ),  # srun --label, deepspeed's host:
    re.compile(r"\[?\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?\]?(?: ?[-|:])? ?"),
    re.compile(r"\d\d:\d\d:\d\d[ -]+(?:\d+\s+)?(?=ERROR|Traceback|[A-Z])"),
    re.compile(r"\d+\.\d+s\s+\d+ "),  # Kaggle
    re.compile(r"(?:> ?|E   +|\*\*\* |!!! |!! |\| (?=Traceback|  File))"),  # quotations, pytest, web front ends
    re.compile(r"(?:ERROR|CRITICAL|error|Error)(?:[:|]\w*[:|])?[: |-]+(?=Traceback|\w+(?:\.\w+)*(?:Error|Exception):)"),
    re.compile(r"stderr: ?|\S+ \[std(?:err|out)\] "),
    re.compile(r"\[\d{1,8}\] (?=\[)"),
)
_QUICK = re.compile(r"[\d\[(>E*!|A-Zes]|\w+-\d+ ")


def _cleaned(number: int, raw: str) -> Iterator[Line]:
    """The line as its program wrote it; several where carriage returns overwrote it."""
    if "\x1b" in raw or "\ufffd[" in raw or "m" in raw:
        raw = _ANSI.sub("", raw)
    if "\r" in raw:
        pieces = [piece for piece in raw.split("\r") if piece.strip()]
        pieces = pieces[-40:] or [""]
    else:
        pieces = [raw]
    for piece in pieces:
        text, process = _CONTROL.sub("", piece).replace("\u00a0", " "), ""
        at = text.find("Traceback (most")
        if at > 0 and ("%|" in text or "it/s" in text) and not text[:at].strip().startswith(("│", "╭")):
            yield Line(number, text[:at].rstrip())  # a progress bar, and then the crash
            text = text[at:]
        for _ in range(4):
            if not _QUICK.match(text):
                break
            for prefix in _PREFIXES:
                found = prefix.match(text)
                if found and found.end():
                    process = process or (found.groupdict().get("process") or "")
                    text = text[found.end() :]
                    break
            else:
                break
        yield Line(number, text.rstrip(), process)


_TELLING = re.compile(
    r"rror|RROR|Traceback|xception|arning|WARN|atal|FATAL|[Kk]illed|fault|core dumped|[Aa]bort|[Aa]ssert|exit"
    r"|signal|SIG|memory|[Oo]om\b"
    r"|OOM|[Ff]ailed|FAILED|annot|can't|[Nn]ot found|rank|ersion|==\d|NCCL|undefined symbol|libc|GLIBC"
    r"|timed? ?out|refused"
    r"|not (?:available|supported|compatible|installed|compiled)|mismatch|must be|[Ee]xpected|nvcc|No module"
    r"|too many|unable"
    r"|invalid|illegal|[Dd]enied|host +:|full\b|left on device|CUDA|cuda|dll\b|DLL"
)


def _crash(lines: Sequence[tuple[int, str]], total: int, source: str, exit_code: int | None) -> Crash:
    short = len(lines) <= SHORT
    readers: dict[str, Reader] = {}
    versions: dict[str, str] = {}
    for number, raw in lines:
        if not raw.strip():
            for reader in readers.values():
                if reader.busy:
                    reader.feed(Line(number, ""))
            continue
        for line in _cleaned(number, raw[:LONG] if "\r" not in raw else raw):
            reader = readers.setdefault(line.process, Reader())
            if short or reader.busy or _TELLING.search(line.text) or 'File "' in line.text or "─" in line.text:
                reader.feed(line)
            if "ersion" in line.text or "==" in line.text or "used to build" in line.text:
                _versions(line.text, versions)
    tracebacks: list[Traceback] = []
    output: list[Line] = []
    for reader in readers.values():
        reader.finish()
        tracebacks += reader.tracebacks
        output += reader.output
    tracebacks.sort(key=lambda one: one.line)
    output.sort(key=lambda line: line.number)
    raised = ordered(tracebacks)
    failed = tuple(_failed(output))
    frames = [frame for one in raised for frame in one.frames]
    _versions_of_paths(frames, versions)
    return Crash(
        source=source,
        raised=tuple(raised),
        output=tuple(_once(output, short)),
        failed=failed,
        waiting=_waiting(output, tracebacks),
        ranks=_ranks(readers, output),
        exit_code=exit_code,
        rank=_rank(raised, failed),
        versions=versions,
        platform=_platform(frames, lines),
        lines=total,
    )


def _once(output: Sequence[Line], short: bool) -> list[LogLine]:
    """Each telling line once, those that differ in numbers only as one; the last `OUTPUT`."""
    seen: dict[str, LogLine] = {}
    for line in output:
        text = line.text.strip()
        if short or _TELLING.search(text):
            seen.setdefault(re.sub(r"[\d.]+", "0", text[:120]), LogLine(line.number, text[:2000]))
    return list(seen.values())[-OUTPUT:]


# --- which exception matters ---------------------------------------------------------------------------------------

_LAUNCHERS = re.compile(
    r"ChildFailedError|CalledProcessError|Process(?:Exited|Raised)Exception|SignalException|SystemExit"
)
_PEER = re.compile(
    r"closed by (?:peer|remote)|reset by peer|Broken pipe|[Cc]ommunicator was aborted|remote process exited|watchdog"
    r"|Timed out (?:waiting|after)|collective operation timeout|NCCL error.*remote|Socket Timeout"
    r"|ran for .* before timing"
    r"|another rank|[Bb]arrier.*timed|recvValue failed|failed to recv"
)
_QUIET = {"ConnectionResetError", "EOFError", "BrokenPipeError", "ConnectionRefusedError", "ConnectionAbortedError"}


def ordered(tracebacks: Sequence[Traceback]) -> list[Raised]:
    """The exceptions in the order in which to look for the cause; those after the origin say what they follow from."""
    whole = [one for one in tracebacks if one.type]
    reasons = [_consequence(one, whole[n - 1] if n else None) for n, one in enumerate(whole)]
    # The outer exception quotes the inner one as its cause, or the one before is what this was raised from.
    for n, one in enumerate(whole):
        if one.link == "inner" and n:
            reasons[n - 1] = "wrapper"
            back = n - 1
            while back and whole[back].link in ("direct", "during") and not reasons[back - 1]:
                back -= 1
                reasons[back] = reasons[back] or "wrapper"
        elif one.link == "direct" and n:
            reasons[n] = reasons[n] or "chain"
        elif one.link == "during" and n and reasons[n - 1] in ("launcher", "cleanup"):
            reasons[n] = reasons[n] or reasons[n - 1]
    if any(not reason for reason in reasons):
        own = {n for n, reason in enumerate(reasons) if not reason}
        peers = {n for n in own if _PEER.search(f"{whole[n].type}: {whole[n].text[:500]}")}
        quiet = {n for n in own if whole[n].type in (*_QUIET, "KeyboardInterrupt", "SystemExit")}
        keys = [(one.process, one.type, one.text[:80]) for one in whole]
        often = {key for key, count in Counter(keys).items() if count >= REPEATED}
        survived = {n for n in own if whole[n].where in ("survived", "logged") or keys[n] in often}
        for group, reason in ((survived, "survived"), (quiet, "cleanup"), (peers, "peer")):
            if own - group:
                own -= group
                for n in group:
                    reasons[n] = reasons[n] or reason
        _bursts(whole, reasons)
    first: dict[tuple[str, str], Raised] = {}
    for one, reason in zip(whole, reasons, strict=True):
        raised = _raised(one, reason)
        key = (raised.name, re.sub(r"\d+", "0", raised.message[:200]))
        held = first.get(key)
        if held is None or (held.consequence and not reason) or (not held.frames and raised.frames):
            first[key] = raised if held is None or not held.consequence or not reason else held
    # A cut log may end within a traceback: nothing is named, but the place is known.
    cut = [_raised(one, "") for one in tracebacks if not one.type]
    result = sorted(first.values(), key=lambda one: (_ORDER.get(one.consequence, 1), one.line))
    return result or cut[-1:]


_ORDER = {"": 0, "chain": 1, "wrapper": 1, "survived": 3, "peer": 2, "cleanup": 2, "launcher": 2}


def _bursts(whole: Sequence[Traceback], reasons: list[str]) -> None:
    """Mark what was survived: exceptions that a long stretch of ordinary lines separates from the last ones."""
    own = [n for n, reason in enumerate(reasons) if not reason]
    last = own[-1]
    for n in reversed(own):
        if whole[last].line - whole[n].line <= BURST + len(whole[last].frames) * 3:
            last = n
        else:
            break
    for n in own:
        if n < last and whole[n].process == whole[last].process:
            reasons[n] = "survived"


def _consequence(one: Traceback, before: Traceback | None) -> str:
    name = one.type.rpartition(".")[2]
    if one.where == "ignored":
        return "cleanup"
    if _LAUNCHERS.fullmatch(name):
        return "launcher"
    if "watchdog thread terminated" in one.text:  # a rank that waited in vain for others
        return "peer"
    if name == "RuntimeError" and re.search(r"DataLoader worker \(pid\(s\)", one.text):
        return "wrapper"
    if name == "EOFError" and any("spawn" in frame.file or frame.function == "spawn_main" for frame in one.frames):
        return "wrapper"
    if name in _QUIET and (one.where in ("thread", "process") or any("queues.py" in f.file for f in one.frames)):
        return "cleanup"
    if name in ("ExceptionGroup", "BaseExceptionGroup"):
        return "wrapper"
    return ""


def _raised(one: Traceback, reason: str) -> Raised:
    frames = list(one.frames)
    if "from user code:" in one.text:
        frames += _user_frames(one.text)
    return Raised(one.type, one.text, tuple(frames), one.line, one.process, reason, one.whole and bool(one.type))


def _user_frames(text: str) -> list[Frame]:
    """What Dynamo says of the user's code within its message."""
    _, _, after = text.partition("from user code:")
    found = re.findall(r'File "([^"\n]+)", line (\d+), in (\S+)\n\s*([^\n]*)', after[:4000])
    return [Frame(file, int(line), function, code.strip()) for file, line, function, code in found]


# --- launchers' summaries ------------------------------------------------------------------------------------------

_FIELD = re.compile(r"^\s*(time|host|rank|exitcode|error_file|traceback)\s*: ?(.*)$")
_ENDED = (
    re.compile(r"failed \(exitcode: (?P<code>-?\d+)\) local_rank: (?P<rank>\d+)"),
    re.compile(
        r"srun: error: (?P<host>[\w.-]+): tasks? (?P<rank>\d+)[^:]*: (?:Exited with exit code (?P<code>\d+)"
        r"|(?P<word>.+))"
    ),
    re.compile(r"exits with return code = (?P<code>-?\d+)"),
    re.compile(r"process (?P<rank>\d+) terminated with (?:exit code (?P<code>\d+)|signal (?P<word>SIG\w+))"),
    re.compile(r"returned non-zero exit status (?P<code>\d+)|died with <Signals\.(?P<word>SIG\w+)"),
)
_WORDS = {
    "SIGKILL": -9, "SIGSEGV": -11, "SIGABRT": -6, "SIGBUS": -7, "SIGTERM": -15, "SIGINT": -2, "SIGFPE": -8,
    "SIGILL": -4,
    "Killed": -9, "Out Of Memory": -9, "Segmentation fault": -11, "Aborted": -6, "Bus error": -7, "Terminated": -15,
}  # fmt: skip


def _failed(output: Sequence[Line]) -> Iterator[Failed]:
    """What torchrun, accelerate, srun, DeepSpeed and mp.spawn say of the processes that failed, the first first."""
    fields: dict[str, str] = {}
    root: list[Failed] = []
    others: list[Failed] = []
    in_root = False
    for line in output:
        if "Root Cause (first observed failure)" in line.text:
            in_root = True
        found = _FIELD.match(line.text)
        if found:
            fields[found[1]] = found[2].strip()
            if found[1] in ("traceback", "error_file") and "exitcode" in fields:
                code = re.match(r"-?\d+", fields["exitcode"])
                rank = re.match(r"\d+", fields.get("rank", ""))
                file = fields.get("error_file", "")
                one = Failed(
                    int(rank[0]) if rank else None, int(code[0]) if code else None, fields.get("host", ""),
                    "" if "N/A" in file else file, line.number,
                )  # fmt: skip
                (root if in_root else others).append(one)
                fields = {}
            continue
        for pattern in _ENDED:
            ended = pattern.search(line.text)
            if ended:
                groups = ended.groupdict()
                word = groups.get("word") or ""
                end = (
                    int(groups["code"])
                    if groups.get("code")
                    else next((c for w, c in _WORDS.items() if w in word), None)
                )
                at = int(groups["rank"]) if groups.get("rank") else None
                others.append(Failed(at, end, groups.get("host") or "", "", line.number))
                break
    seen = set()
    for one in (*root, *others):
        key = (one.rank, one.exit_code)
        if key not in seen:
            seen.add(key)
            yield one


_WAITED = re.compile(
    r"\[Rank (?P<rank>\d{1,5})\] Watchdog caught collective operation timeout: WorkNCCL\("
    r"(?:SeqNum=(?P<number>\d{1,15}), )?OpType=(?P<operation>\w+)"
)
_RANK = re.compile(r"\[[Rr]ank ?(\d{1,4})\]")


def _waiting(output: Sequence[Line], tracebacks: Sequence[Traceback]) -> tuple[Waiting, ...]:
    found: dict[tuple[int, str, int | None], None] = {}
    for text in (*(line.text for line in output), *(one.text for one in tracebacks)):
        for one in _WAITED.finditer(text):
            number = int(one["number"]) if one["number"] else None
            found[int(one["rank"]), one["operation"], number] = None
    return tuple(Waiting(*one) for one in found)


def _ranks(readers: Iterable[str], output: Sequence[Line]) -> tuple[int, ...]:
    """Ranks by the prefixes of lines, and by what lines say of themselves."""
    found = {int(one[1]) for process in readers if (one := re.fullmatch(r"[Rr]ank ?(\d{1,4})", process))}
    for line in output:
        if one := _RANK.match(line.text):
            found.add(int(one[1]))
    return tuple(sorted(found))


def _rank(raised: Sequence[Raised], failed: Sequence[Failed]) -> int | None:
    found = re.fullmatch(r"(?:default|rank|Rank ?)?(\d{1,4})", raised[0].process) if raised else None
    if found:
        return int(found[1])
    return failed[0].rank if failed else None


# --- what the log says of the machine ------------------------------------------------------------------------------

_VERSIONS = (
    (
        "torch",
        re.compile(
            r"(?:PyTorch version|torch version|torch\.__version__)\s*[:=]+\s*'?(\d+\.\d+[\w.+]*)", re.IGNORECASE
        ),
    ),
    ("torch", re.compile(r"\b(?:torch|pytorch)(?:==|=)(\d+\.\d+[\w.+]*)")),
    ("python", re.compile(r"Python version\s*:\s*(\d+\.\d+[\d.]*)|\bPython (\d+\.\d+\.\d+)\b")),
    ("cuda", re.compile(r"(?:CUDA used to build PyTorch|torch\.version\.cuda)\s*[:=]\s*(\d+\.\d+|None)")),
    ("driver", re.compile(r"(?:Driver Version|Nvidia driver version)\s*:\s*(\d+\.\d+[\d.]*)", re.IGNORECASE)),
    ("numpy", re.compile(r"\bnumpy(?:==| version:? )(\d+\.\d+[\d.]*)")),
    ("transformers", re.compile(r"\btransformers(?:==| version:? )(\d+\.\d+[\w.]*)")),
)


def _versions(text: str, versions: dict[str, str]) -> None:
    for name, pattern in _VERSIONS:
        found = pattern.search(text[:500])
        if found and name not in versions:
            versions[name] = (found[1] or found[found.lastindex or 1]).lower()


def _versions_of_paths(frames: Iterable[Frame], versions: dict[str, str]) -> None:
    for frame in frames:
        found = re.search(r"[\\/][Pp]ython(\d)\.?(\d+)[\\/]", frame.file)
        if found and "python" not in versions:
            versions["python"] = f"{found[1]}.{found[2]}"


def _platform(frames: Iterable[Frame], lines: Sequence[tuple[int, str]]) -> str:
    for frame in frames:
        if re.match(r"[A-Za-z]:[\\/]", frame.file):
            return "windows"
        if frame.file.startswith(("/Users/", "/opt/homebrew", "/Library/")):
            return "mac"
        if frame.file.startswith(("/home/", "/usr/", "/root/", "/opt/", "/data", "/content/", "/kaggle/", "/mnt/")):
            return "linux"
    for _, text in lines[-200:]:
        if "WinError" in text or re.search(r"\b[A-Z]:\\\w", text):
            return "windows"
    return ""
