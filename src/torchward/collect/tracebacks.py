"""Tracebacks of all makes, line by line: Python's own, IPython's, rich's boxes, exception groups, C++'s last words.

A `Reader` takes the lines of one process, already without prefixes, and gives the exceptions in the order in which
they stand, each with how it is linked to the one before, and all other lines. Which of them matters is not its affair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from torchward.facts import Frame

PLAIN_LINES = 60
"""Lines of a message that are not indented: what goes on for longer is the program's next output."""
MESSAGE_LINES = 3000
"""Lines of one message that are kept: a state dict's complaint has one per parameter."""


@dataclass
class Line:
    """A line without prefix. `number` counts from 1."""

    number: int
    text: str
    process: str = ""


@dataclass
class Traceback:
    """One exception as it stands in a log; `type` is empty when the log ends before it is named."""

    process: str
    lead: int = 0
    frames: list[Frame] = field(default_factory=list)
    type: str = ""
    message: list[str] = field(default_factory=list)
    line: int = 0
    """Where the message begins; where the traceback ends when it has none."""
    last: int = 0
    link: str = ""
    """To the exception before: `direct` (raised from it), `during` (raised while it was handled), `inner` (the one
    before quotes this one as its own cause), or empty."""
    where: str = ""
    """What announced it: `ignored`, `thread`, `process`, `survived`, `logged` (in the middle of a line); or empty."""
    style: str = "python"
    width: int = 0
    indent: int = 4
    blanks: int = 0
    whole: bool = True

    @property
    def text(self) -> str:
        return "\n".join(self.message).strip()


_HEADER = re.compile(r"Traceback \(most recent call last\)")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_TYPE = r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*"
_FINAL = re.compile(rf"^(?P<type>{_TYPE})(?:\((?P<inner>\w+)\))?(?::(?: (?P<message>.*)|$)|$)")
_ENDINGS = (
    "Error|Exception|Interrupt|Exit|Failure|Failed|BadZipFile|BadZipfile|Unsupported|StopIteration|Fault|Unavailable"
)
ALONE = re.compile(
    rf"^(?P<type>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:{_ENDINGS})|binascii\.Error|EOFError|Exception(?=: )"
    r"|(?:[a-z_]\w*\.)+(?:error|errors|exc|exceptions)\.[A-Z]\w*(?=: ))(?:: ?(?P<message>.*))?$"
)
_EMBEDDED = re.compile(
    r"(?:^|[\s:>|\]\)(*`\"'])(?P<type>(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|BadZipFile)): (?P<message>\S.*)$"
)
_DIRECT = "The above exception was the direct cause of the following exception"
_DURING = "During handling of the above exception, another exception occurred"
_WRAPS = re.compile(
    r"Caught \w+ in |terminated with the following error|RemoteTraceback|RemoteError|RayTaskError"
    r"|[Oo]riginal (?:error|exception|traceback)|an error is thrown:|ExceptionGroup|raised:\s*$"
)
_CARETS = re.compile(r"^\s*[\^~]+[\s\^~]*$")

_IPYTHON_HEAD = re.compile(rf"^(?P<type>{_TYPE})\s+Traceback \(most recent call last\)")
_IPYTHON_FRAMES = (
    re.compile(r"^(?P<file>(?:Cell|Input) In ?\[\d+\]), line (?P<line>\d+)(?:, in (?P<function>.+?)(?:\(.*)?)?$"),
    re.compile(r"^(?P<file>(?:Cell|Input) In ?\[\d+\]), in (?P<function><.*?>|\w+)(?:\(.*)?$"),
    re.compile(r"^File (?P<file>\S.*?):(?P<line>\d+)(?:, in (?P<function>[^(]+).*)?$"),
    re.compile(r"^(?:\[)?(?P<file><ipython-input[^>]*>|[~/.]\S*?\.pyx?|[A-Za-z]:\\.*?\.pyx?"
               r"|\S+\.pyx)(?:\]\([^)]*\))? in (?P<function>[^(]+).*$"),
)  # fmt: skip
_IPYTHON_CODE = re.compile(r"^-{1,5}> ?(?P<line>\d+) ?(?P<code>.*)$")
_IPYTHON_OTHER = re.compile(r"^\s*\d+(?:\s.*)?$")

_BOX_TOP = re.compile(r"^[╭+┌]?[─-]{3,} ?Traceback \(most recent call last\) ?[─-]{3,}[╮+┐]?$")
_BOX_END = re.compile(r"^[╰+└][─-]{8,}[╯+┘]$")
_BOX_FRAME = re.compile(r"^(?P<file>.*?):(?P<line>\d+) ?in (?P<function>[\w<>. ]+)$")
_BOX_CODE = re.compile(r"^[❱>] *(?P<line>\d+) [│|] ?(?P<code>.*)$")
_BOX_OTHER = re.compile(r"^\s*\d+ [│|]")

_TERMINATE = re.compile(r"terminate called after throwing an instance of '(?P<type>[^']+)'")
_ABI = re.compile(r"libc\+\+abi(?:\.dylib)?: terminating.*?of type (?P<type>[\w:]+)(?:: (?P<message>.*))?")
_WHAT = re.compile(r"^\s*what\(\): ?(?P<message>.*)$")

_LOGGED = re.compile(
    r"\s*\d+%\||(?:INFO|DEBUG|WARNING|ERROR|CRITICAL)\b|Epoch\b|wandb:|\[[EWFI]\d* ?[\w/.]+(?:\.cpp|\.cu"
    r"|\.hpp):\d+|\[?[EWI]\d{3,4} "
    r"|srun: |slurmstepd|\$ |root@|\S+@\S+[:$]|Press any key|Exception in thread|Process \w+-\d+:|-{20,}$"
    r"|={20,}$|\[20\d\d-"
    r"|\S+\.py:\d+: \w*Warning|Exception ignored|terminate called|\w+/\w+\.cu:\d+|\S+\.cu:\d+|Killed\b|Aborted\b"
    r"|(?:[Ee]poch|[Ss]tep|[Ii]ter)\b|Segmentation fault|Bus error|\(\w[\w.-]*\) \S+[@:$>]|PS [A-Z]:|[A-Z]:\\\S*>"
)
_PARAGRAPH = re.compile(
    r"CUDA kernel errors|For debugging|Compile with|Device-side|Set the environment|\(\d\)|\t|Please |Check the doc"
    r"|WeightsUnpickler|This |Last error|You can|To |See |Here |If |from user code|Set TORCH|Explanation|Hint"
    r"|Developer debug"
    r"|Note|Traceback|---|A |The |In |It |Most |We |Do |Perhaps |\d\. |\d\) |Solution|Example|Available"
    r"|Possible|Original"
)
_ANNOUNCED = (
    (re.compile(r"Exception ignored in|Error in atexit|Exception ignored on"), "ignored"),
    (re.compile(r"Exception in thread"), "thread"),
    (re.compile(r"^Process \S+:$"), "process"),
    (
        re.compile(
            r"Error (?:loading script|running|calling|executing callback|verifying|completing)|Cannot import"
            r"|IMPORT FAILED"
            r"|Failed to load custom|[Ss]kipp(?:ed|ing)\b|[Ii]gnor(?:ed|ing)\b|[Rr]etrying|WARNING"
        ),
        "survived",
    ),
)


def library(file: str) -> str:
    """The package that a file belongs to, `python` for the standard library, empty for the user's own code."""
    path = file.replace("\\", "/")
    for marker in ("/site-packages/", "/dist-packages/"):
        if marker in path:
            return path.rpartition(marker)[2].split("/")[0].removesuffix(".py")
    if path.startswith(("<frozen", "<__array", "<torch_package")):
        return "python"
    if re.search(r"/lib(?:64)?/python\d[\d.]*/|/(?:Python\d+|[am]\w+conda\d?|envs/[^/]+)/lib/", path, re.IGNORECASE):
        return "python"
    return "numpy" if path.endswith(".pyx") else ""


class Reader:
    """Takes the lines of one process one after another."""

    def __init__(self) -> None:
        self.tracebacks: list[Traceback] = []
        self.output: list[Line] = []
        self._open: Traceback | None = None
        self._link = ""
        self._where = ""
        self._group = False
        self._wrapped = ""

    @property
    def busy(self) -> bool:
        """A traceback is under way: the next line may belong to it, whatever it looks like."""
        return self._open is not None or bool(self._link)

    def feed(self, line: Line) -> None:
        text = line.text
        if self._group:
            text = re.sub(r"^(?:\s*\|)+ ?|^\s*\+-\+-+ \d+ -+$|^\s*\+-+$", "", text)
            line = Line(line.number, text, line.process)
        if "Traceback (most" in text and _HEADER.search(text):
            self._header(line)
            return
        current = self._open
        if current is not None:
            if current.type and current.style != "ipython":
                if self._continues(current, line):
                    return
                self._end()
            elif getattr(self, f"_{current.style}")(current, line):
                return
            elif line.number - current.last > 30:
                self._end()
        self._outside(line)

    def finish(self) -> None:
        """There are no more lines."""
        self._end()

    # --- where one begins ---

    def _header(self, line: Line) -> None:
        text = line.text
        before, _, _ = text.partition("Traceback (most")
        inner = False
        if self._open is not None:
            outer = self._open
            if outer.type and ("Original" in before or _WRAPS.search(f"{outer.type}: {outer.text}")):
                inner = True
            if outer.type or outer.frames:
                self._end()
        opened = Traceback(line.process, line=line.number, last=line.number, link="inner" if inner else self._link)
        opened.where, self._link = self._where, ""
        self._where = ""
        notebook = _IPYTHON_HEAD.match(text)
        if _BOX_TOP.match(text.strip()):
            opened.style, opened.width = "box", len(text.rstrip())
        elif notebook and notebook["type"] not in ("Original", "Group"):
            opened.style, opened.type = "ipython", notebook["type"]
        else:
            self._group = self._group or "Exception Group" in before
            lead = before.removesuffix("Original ").removesuffix("Exception Group ")
            opened.lead = len(lead) if not lead.strip(" +|") else 0
            if lead.strip(" +|"):
                self._outside(Line(line.number, lead.strip(), line.process))
                opened.where, self._where = opened.where or self._where, ""
        self._open = opened

    # --- its frames, and the line that names it ---

    def _python(self, current: Traceback, line: Line) -> bool:
        text = line.text
        found = _FRAME.match(text)
        if found:
            frame = Frame(found["file"], int(found["line"]), (found["function"] or "").strip())
            current.frames.append(replace(frame, library=library(frame.file)))
            current.last = line.number
            return True
        body = text[current.lead :] if not text[: current.lead].strip() else text
        if not body.strip():
            return line.number - current.last < 3
        if body[:1] in " \t":
            if current.frames:
                self._source(current, body)
            current.last = line.number
            return bool(current.frames)
        return self._final(current, line, body)

    def _source(self, current: Traceback, body: str) -> None:
        last = current.frames[-1]
        if _CARETS.match(body):
            begin = len(body) - len(body.lstrip()) - current.indent
            if last.code and begin >= 0 and not last.mark:
                current.frames[-1] = replace(last, mark=(begin, len(body.rstrip()) - current.indent))
        elif not last.code and "[Previous line repeated" not in body:
            current.indent = len(body) - len(body.lstrip())
            current.frames[-1] = replace(last, code=body.strip())

    def _final(self, current: Traceback, line: Line, body: str) -> bool:
        final = _FINAL.match(body)
        if final is None or (final["message"] is None and not body.rstrip().endswith(":") and " " in body.strip()):
            return False
        if not current.frames and not ALONE.match(body) and final["type"] not in ("KeyboardInterrupt", "SystemExit"):
            return False
        current.type, current.line, current.last = final["type"], line.number, line.number
        current.message, current.blanks = [final["message"] or ""], 0
        return True

    def _ipython(self, current: Traceback, line: Line) -> bool:
        text = line.text.rstrip()
        if not text.strip():
            current.blanks += 1
            return current.blanks < 6
        if current.message:
            return self._continues(current, line)
        body = text.strip()
        for pattern in _IPYTHON_FRAMES:
            found = pattern.match(body)
            if found:
                groups = found.groupdict()
                file = groups["file"]
                frame = Frame(file, int(groups.get("line") or 0), (groups.get("function") or "").strip())
                current.frames.append(replace(frame, library=library(file)))
                current.last, current.blanks = line.number, 0
                return True
        code = _IPYTHON_CODE.match(body)
        if code and current.frames:
            last = current.frames[-1]
            current.frames[-1] = replace(last, line=int(code["line"]), code=code["code"].strip())
            current.last, current.blanks = line.number, 0
            return True
        name = current.type.rpartition(".")[2]
        final = _FINAL.match(text)
        if final and final["type"].rpartition(".")[2] == name:
            current.type, current.line, current.last = final["type"], line.number, line.number
            current.message, current.style, current.blanks = [final["message"] or ""], "python", 0
            return True
        if _IPYTHON_OTHER.match(text) or text[:1] in " \t" or re.match(r"\d+ frames|\.{3}|\(\.\.\.\)", text):
            current.last = line.number
            return True
        return line.number - current.last < 3

    def _box(self, current: Traceback, line: Line) -> bool:
        text = line.text.strip()
        if _BOX_END.match(text):
            current.last, current.blanks = line.number, -1
            return True
        if current.blanks == -1:
            return self._final(current, line, line.text.strip()) or not text
        if text[:1] not in "│|" or text[-1:] not in "│|":
            current.last = line.number
            return bool(_BOX_CODE.match(text) or _BOX_OTHER.match(text)) or line.number - current.last < 3
        body = text[1:-1].strip()
        current.last = line.number
        code = _BOX_CODE.match(body)
        if code:
            if current.frames:
                last = current.frames[-1]
                if last.line == int(code["line"]):
                    current.frames[-1] = replace(last, code=code["code"].strip(" │|"))
            self._wrapped = ""
            return True
        if not body or _BOX_OTHER.match(body) or body[:1] in "╭╰│":
            self._wrapped = ""
            return True
        found = _BOX_FRAME.match(self._wrapped + body)
        if found:
            file = found["file"]
            current.frames.append(Frame(file, int(found["line"]), found["function"].strip(), "", library(file)))
            self._wrapped, current.indent = "", len(self._wrapped + body)
        elif current.indent == current.width - 4 and re.fullmatch(r"\w+>?", body) and current.frames:
            last = current.frames[-1]  # the function's name went over the edge of the box
            current.frames[-1] = replace(last, function=last.function + body)
        else:
            self._wrapped += body
        return True

    # --- its message ---

    def _continues(self, current: Traceback, line: Line) -> bool:
        text = line.text[current.lead :] if not line.text[: current.lead].strip() else line.text
        if _DIRECT in text or _DURING in text:
            self._end()
            self._link = "direct" if _DIRECT in text else "during"
            return True
        if len(current.message) > MESSAGE_LINES or line.number - current.last > 3:
            return False
        stripped = text.strip()
        what = _WHAT.match(text) if "::" in current.type and not current.text else None
        if what:
            current.message, current.line, current.last = [what["message"].strip()], line.number, line.number
            return True
        if not stripped:
            current.blanks += 1
            if current.blanks > 2:
                return False
            current.message.append("")
            current.last = line.number
            return True
        if stripped in ('"""', "'''", "```"):
            return stripped == '"""' and not current.text
        alone = ALONE.match(text)
        if alone:
            quoted = bool(re.search(r"(?:raised|error|following|errors?):\s*$", current.text)) or current.text == ""
            where = self._open
            self._end()
            self._alone(line, alone["type"], alone["message"] or "", "inner" if quoted and where else "")
            return True
        if _LOGGED.match(text):
            return False
        if current.blanks and text[:1] not in " \t" and not _PARAGRAPH.match(text) and not current.text.endswith(":"):
            return False
        if len(current.message) > PLAIN_LINES and text[:1] not in " \t":
            return False
        current.blanks = 0
        previous = current.message[-1] if current.message else ""
        if current.width and previous and len(previous) + len(stripped.split(" ")[0]) + 2 > current.width - 20:
            first = f"{current.type}: " if len(current.message) == 1 else ""
            if len(first + previous) + len(stripped.split(" ")[0]) + 1 > current.width:
                current.message[-1] = f"{previous} {stripped}"
                current.last = line.number
                return True
        current.message.append(text)
        current.last = line.number
        return True

    # --- everything else ---

    def _outside(self, line: Line) -> None:
        text = line.text
        if not text.strip():
            return
        if _DIRECT in text or _DURING in text:
            self._link = "direct" if _DIRECT in text else "during"
            return
        body = text.strip()
        alone = ALONE.match(body)
        if alone:
            if alone["type"] == "Exception":  # also what warnings and loggers write before a reason
                self._where = self._where or "logged"
            self._alone(line, alone["type"], alone["message"] or "", "")
            return
        found = _TERMINATE.search(body) or _ABI.search(body)
        if found:
            self._alone(line, found["type"], found.groupdict().get("message") or "", "")
            return
        frame = _FRAME.match(text)
        if frame and frame["function"]:
            lead = max(0, len(text) - len(text.lstrip()) - 2)
            self._open = Traceback(line.process, lead, line=line.number, last=line.number, whole=False, link=self._link)
            self._link = ""
            self._python(self._open, line)
            return
        embedded = _EMBEDDED.search(body) if "Warning" not in body else None
        if embedded:
            self._where = self._where or "logged"
            self._alone(line, embedded["type"], embedded["message"], "")
            return
        for pattern, where in _ANNOUNCED:
            if pattern.search(body):
                self._where = where
                break
        else:
            self._where = ""
        self.output.append(line)

    def _alone(self, line: Line, kind: str, message: str, link: str) -> None:
        self._open = Traceback(
            line.process, 0, [], kind, [message], line.number, line.number, link or self._link, self._where
        )
        self._link = self._where = ""

    def _end(self) -> None:
        current, self._open = self._open, None
        if current is None:
            return
        if current.type or current.frames:
            self.tracebacks.append(current)
