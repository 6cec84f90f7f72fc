"""What a crash means, on a terminal and as JSON.

Short by default: what happened, the line of the log that says so, why, what to change, how sure, and the check that
decides where more than one cause is possible. The rest (other causes, consequences, frames) on demand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TextIO

from torchward.facts import Crash, Frame, Raised
from torchward.report._summary import plain
from torchward.report._words import clean, file_line, listing, say, short_path
from torchward.report.terminal import Page
from torchward.rule import Cause, Confidence, Explanation, Language, Text

LINES = 14
"""Lines of the short form at 100 columns."""
VERSION = 1

WORDS = {
    "log": Text("log", "日志"),
    "line": Text("line {n}: {text}", "第 {n} 行：{text}"),
    "check": Text("check", "确认"),
    "or": Text("or", "或者"),
    "tensors": Text("with", "其中"),
    "certain": Text("certain: the message says so itself", "确定：消息本身已说明"),
    "likely": Text("likely", "很可能"),
    "possible": Text("one of {n} possible causes", "{n} 种可能的原因之一"),
    "possible_one": Text("possible; the message does not prove it", "可能；消息本身不能证明"),
    "others": Text("{n} more with --verbose", "还有 {n} 种，见 --verbose"),
    "causes": Text("Other causes of the same message", "同一消息的其他原因"),
    "frames": Text("Frames, library code folded", "调用栈（折叠库代码）"),
    "folded": Text("{n} frames in {library}", "{library} 中的 {n} 帧"),
    "chain": Text("Other exceptions in the log", "日志中的其他异常"),
    "failed": Text("rank {rank} on {host} ended with exit code {code}", "{host} 上的 rank {rank} 以退出码 {code} 结束"),
    "versions": Text("Versions", "版本"),
    "links": Text("Read more", "延伸阅读"),
    # where there is nothing to explain
    "empty": Text("{source} is empty: there is nothing to explain.", "{source} 是空的，没有可解释的内容。"),
    "binary": Text(
        "{source} is not text: give a log, or what the program printed.",
        "{source} 不是文本：请提供日志或程序的输出。",
    ),
    "no_error": Text(
        "no error was found in {lines} lines of {source}, so nothing is known of it.",
        "{source} 的 {lines} 行中没有发现错误，因此无从解释。",
    ),
    "no_exception": Text("no exception was raised here so far.", "目前没有发生异常。"),
    "unknown": Text(
        "{type} is not among the errors that torchward knows: nothing is known of its cause.",
        "torchward 不认识这个 {type}，无法说明它的原因。",
    ),
    "cut": Text(
        "the log ends within a traceback, before the exception is named: its cause is not in this log.",
        "日志在回溯中途结束，没有显示异常本身，原因不在此日志中。",
    ),
    "summary": Text(
        "this is a launcher's summary: the cause is in the output of the process that failed first, not in this log.",
        "这只是启动器的汇总：原因在最先失败的进程的输出中，不在此日志中。",
    ),
    "chain_consequence": Text("raised from it", "由它引发"),
    "wrapper_consequence": Text("passes it on", "转述它"),
    "launcher_consequence": Text("the launcher's report of it", "启动器的汇报"),
    "peer_consequence": Text("another process that noticed", "其他进程的连带失败"),
    "cleanup_consequence": Text("while cleaning up", "清理时发生"),
    "survived_consequence": Text("earlier, and survived", "更早发生，未导致终止"),
    "other_consequence": Text("while it was handled", "处理它时发生"),
}


@dataclass(frozen=True)
class Explained:
    """A crash and what is known of it."""

    crash: Crash
    explanations: tuple[Explanation, ...]
    language: Language

    @property
    def status(self) -> str:
        """`explained`, `unknown` (an error that is not in the catalogue), or what the log holds instead of an error."""
        crash = self.crash
        if self.explanations:
            return "explained"
        if crash.binary:
            return "binary"
        error = crash.error
        if error is not None:
            if not error.type:
                return "cut"
            return "summary" if error.consequence == "launcher" else "unknown"
        if crash.failed:
            return "summary"
        if crash.live:
            return "no_exception"
        return "no_error" if crash.lines else "empty"

    def say(self, key: str, **data: Any) -> str:
        return WORDS[key].render(self.language, data)

    @property
    def source(self) -> str:
        if self.crash.live:
            return "此进程" if self.language == "zh" else "this process"
        if self.crash.source in ("", "<stdin>"):
            return "标准输入" if self.language == "zh" else "standard input"
        return clean(short_path(self.crash.source))


# --- terminal ------------------------------------------------------------------------------------------------------


def write(explained: Explained, stream: TextIO, *, verbose: bool = False, width: int = 100) -> None:
    """Write the explanation; under 15 lines unless everything is asked for."""
    if not explained.explanations:
        page = Page(width)
        _unexplained(page, explained, verbose)
        page.flush(stream)
        return
    for room in ((99, 99),) if verbose else ((4, 6), (3, 5), (3, 4), (2, 3), (2, 2), (1, 1)):
        page = Page(width)
        for number, explanation in enumerate(explained.explanations):
            if number:
                page.line()
            _explanation(page, explained, explanation, room, verbose)
        if page.height <= LINES:
            break
    page.flush(stream)


def _explanation(
    page: Page, explained: Explained, explanation: Explanation, room: tuple[int, int], verbose: bool
) -> None:
    language, data = explained.language, explanation.finding.data
    rule = explanation.rule
    labels = [explained.say("log"), explained.say("check"), explained.say("or"), explained.say("tensors")]
    labels += [say(language, key) for key in ("at", "why", "fix", "sure")]
    column = max(map(page.cells, labels)) + 2
    indent = " " * (column + 2)

    def part(label: str, text: str, most: int, style: str = "") -> None:
        first = f"  {label}{' ' * (column - page.cells(label))}"
        page.fold(clean(text), first, indent, style=style, most=most)

    page.line(f"✗ {rule.code} {rule.name}", style="bold red")
    page.fold(clean(rule.message.render(language, data)), "  ", "  ", style="bold", most=2)
    _place(explained, part, verbose)
    for number, quoted in explanation.evidence[: None if verbose else 1]:
        text = explained.say("line", n=str(number), text=quoted) if number else quoted
        part(explained.say("log"), text, 0 if verbose else 1, "dim")
    why = rule.why.render(language, data).strip()
    if why:
        part(say(language, "why"), why, room[0])
    fix = rule.fix.render(language, data).strip()
    if fix:
        part(say(language, "fix"), fix, room[1])
    sure = _sure(explained, explanation)
    top = explanation.causes[0] if explanation.causes else None
    part(say(language, "sure"), sure, 1, "dim")
    check = top.check.render(language, data).strip() if top else ""
    if check and explanation.finding.confidence is not Confidence.CERTAIN:
        part(explained.say("check"), check, 0 if verbose else min(2, room[0]))
    if verbose:
        _rest(page, explained, explanation)
    elif len(explanation.causes) > 1:
        others = len(explanation.causes) - 1
        names = listing(language, [cause.name for cause in explanation.causes[1:3]])
        part(explained.say("or"), f"{names} · {explained.say('others', n=others)}", 1, "dim")


def _sure(explained: Explained, explanation: Explanation) -> str:
    confidence = explanation.finding.confidence
    if confidence is Confidence.POSSIBLE:
        several = len(explanation.causes)
        return explained.say("possible", n=several) if several > 1 else explained.say("possible_one")
    return explained.say("certain" if confidence is Confidence.CERTAIN else "likely")


def _place(explained: Explained, part: Any, verbose: bool) -> None:
    error = explained.crash.error
    site = error.site if error is not None else None
    if site is None and error is not None and error.frames:
        site = error.frames[-1]
    if site is not None:
        where = file_line(site.file, site.line)
        if site.function and not site.function.startswith("<"):
            where = say(explained.language, "in_function", place=where, function=site.function)
        part(say(explained.language, "at"), where + (f"   {site.marked}" if site.code else ""), 0 if verbose else 2)
    crash = explained.crash
    seen = [str(one) for one in (*crash.operands, *crash.layers)]
    for text in seen if verbose else seen[:3]:
        part(explained.say("tensors"), text, 1, "dim")


def _rest(page: Page, explained: Explained, explanation: Explanation) -> None:
    data = explanation.finding.data
    if len(explanation.causes) > 1:
        page.line()
        page.line("  ", explained.say("causes"), style="bold")
        for cause in explanation.causes[1:]:
            _cause(page, explained, cause, data)
    _frames(page, explained)
    if explanation.rule.links:
        page.line()
        page.line("  ", explained.say("links"), style="bold")
        for link in explanation.rule.links:
            page.line("    ", link)


def _cause(page: Page, explained: Explained, cause: Cause, data: Any) -> None:
    language = explained.language
    page.fold(f"{cause.name}: {clean(cause.why.render(language, data))}", "    ", "      ")
    page.fold(f"{say(language, 'fix')}: {clean(cause.fix.render(language, data))}", "      ", "      ")
    check = cause.check.render(language, data)
    if check:
        page.fold(f"{explained.say('check')}: {clean(check)}", "      ", "      ")


def _frames(page: Page, explained: Explained) -> None:
    crash = explained.crash
    error = crash.error
    if error is not None and error.frames:
        page.line()
        page.line("  ", explained.say("frames"), style="bold")
        for text in folded(explained, error):
            page.fold(clean(text), "    ", "      ")
    if len(crash.raised) > 1:
        page.line()
        page.line("  ", explained.say("chain"), style="bold")
        for other in crash.raised[1:12]:
            reason = explained.say(f"{other.consequence or 'other'}_consequence")
            where = explained.say("line", n=str(other.line), text="") if other.line else ""
            page.fold(
                clean(f"{where}{other.type} ({reason}): {other.message.split(chr(10))[0][:200]}"), "    ", "      "
            )
    for one in crash.failed[:8]:
        page.line("    ", explained.say("failed", rank=str(one.rank), host=one.host or "?", code=str(one.exit_code)))
    if crash.versions:
        page.line()
        versions = [f"{name} {version}" for name, version in crash.versions.items()]
        versions += [f"sm_{crash.capability.replace('.', '')}"] if crash.capability else []
        versions += [f"{name} {size / 2**30:.2f} GiB" for name, size in crash.memory.items()]
        page.fold(f"{explained.say('versions')}: {clean(listing(explained.language, versions))}", "  ", "    ")


def folded(explained: Explained, error: Raised) -> list[str]:
    """The frames, those of libraries in a row as one line; the last one stays."""
    lines: list[str] = []
    run: list[Frame] = []

    def close() -> None:
        if len(run) > 1:
            libraries = listing(explained.language, list(dict.fromkeys(frame.library for frame in run)))
            lines.append("… " + explained.say("folded", n=len(run), library=libraries))
        elif run:
            lines.append(_frame(run[0]))
        run.clear()

    for frame in error.frames[:-1]:
        if frame.library:
            run.append(frame)
        else:
            close()
            lines.append(_frame(frame))
    close()
    return [*lines, _frame(error.frames[-1])][-30:]


def _frame(frame: Frame) -> str:
    return f"{file_line(frame.file, frame.line)} {frame.function}" + (f": {frame.marked}" if frame.code else "")


def _unexplained(page: Page, explained: Explained, verbose: bool) -> None:
    crash, status = explained.crash, explained.status
    error = crash.error
    text = explained.say(status, source=explained.source, lines=crash.lines, type=error.type if error else "")
    page.fold(clean(text), "torchward: ", "           ", style="bold")
    indent = "         "

    def part(label: str, text: str, most: int, style: str = "") -> None:
        page.fold(clean(text), f"  {label}{' ' * max(1, 7 - page.cells(label))}", indent, style=style, most=most)

    if error is not None:
        _place(explained, part, verbose)
        if error.type:
            shown = error.text.split("\n")[0]
            quoted = explained.say("line", n=str(error.line), text=shown) if error.line else shown
            part(explained.say("log"), quoted, 0 if verbose else 2, "dim")
    for one in crash.failed[:3]:
        page.line("  ", explained.say("failed", rank=str(one.rank), host=one.host or "?", code=str(one.exit_code)))
        if one.error_file:
            page.line("  ", one.error_file)
    if verbose:
        _frames(page, explained)


# --- JSON ----------------------------------------------------------------------------------------------------------


def dump(explained: Explained) -> str:
    """Everything that is known, as strict JSON with a final newline. Fields are only ever added within a version."""
    return json.dumps(plain(as_json(explained)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_json(explained: Explained) -> dict[str, Any]:
    crash = explained.crash
    return {
        "version": VERSION,
        "language": explained.language,
        "source": crash.source,
        "lines": crash.lines,
        "status": explained.status,
        "findings": [_finding(explained, one) for one in explained.explanations],
        "exceptions": [_raised(one) for one in crash.raised],
        "failed": [
            {"rank": one.rank, "exit_code": one.exit_code, "host": one.host, "error_file": one.error_file}
            for one in crash.failed
        ],
        "exit_code": crash.exit_code,
        "rank": crash.rank,
        "versions": dict(crash.versions),
        "platform": crash.platform,
        "operands": [str(one) for one in crash.operands],
        "layers": [str(one) for one in crash.layers],
        "memory": dict(crash.memory),
    }


def _finding(explained: Explained, one: Explanation) -> dict[str, Any]:
    language, data, place = explained.language, one.finding.data, one.finding.place
    return {
        "code": one.rule.code,
        "name": one.rule.name,
        "severity": one.rule.severity.name.lower(),
        "confidence": one.finding.confidence.name.lower(),
        "message": one.rule.message.render(language, data),
        "why": one.rule.why.render(language, data).strip(),
        "fix": one.rule.fix.render(language, data).strip(),
        "place": {"file": place.file or None, "line": place.line or None, "function": place.function or None},
        "values": dict(data),
        "evidence": [{"line": number or None, "text": text} for number, text in one.evidence],
        "causes": [
            {
                "name": cause.name,
                "confidence": cause.confidence.name.lower(),
                "why": cause.why.render(language, data),
                "fix": cause.fix.render(language, data),
                "check": cause.check.render(language, data),
            }
            for cause in one.causes
        ],
        "links": list(one.rule.links),
    }


def _raised(one: Raised) -> dict[str, Any]:
    return {
        "type": one.type,
        "message": one.message[:4000],
        "line": one.line or None,
        "process": one.process,
        "consequence": one.consequence or None,
        "frames": [
            {"file": frame.file, "line": frame.line, "function": frame.function, "code": frame.code,
             "library": frame.library or None}
            for frame in one.frames
        ],
    }  # fmt: skip
