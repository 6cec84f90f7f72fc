"""The report for a terminal: new findings while the run goes on, and the whole at its end.

Readable without colour: severity is a mark and a word. Lines are folded here rather than by rich, which breaks Chinese
only at spaces; cell widths of East Asian characters count as two.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from torchward.report import Outcome
from torchward.report._summary import (
    Said,
    cost_text,
    counts,
    ending,
    flat,
    grouped_blind,
    looked_text,
    said,
    say_one,
    trained,
    verdict,
)
from torchward.report._words import (
    CONFIDENCE_MEANS,
    SEVERITY,
    clauses,
    command_line,
    listing,
    place_parts,
    say,
    short_path,
)
from torchward.rule import Confidence, Finding, Language, Rule, Severity

if TYPE_CHECKING:
    from rich.text import Text as Styled

IN_FULL = 5
"""Findings told in full, as far as a screen holds them."""
IN_SHORT = 10
"""... and in one line each after these."""
SCREEN = 46
"""Lines after which no further finding is told in full."""

_MARK = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.HINT: "-"}
_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.HINT: "bold cyan"}
_PREFIX = "torchward: "


def live(finding: Finding, rules: Mapping[str, Rule], language: Language, stream: TextIO) -> None:
    """Print a finding the moment it is made: up to four lines, each with the prefix, written in one piece."""
    one = say_one(finding, rules, language)
    page = Page(None)
    page.line(_PREFIX, _title(one, language), style=_STYLE[one.severity])
    page.line(_PREFIX, "  ", _one_line(one.message))
    where = place_parts(language, one.place)
    colon = "：" if language == "zh" else ": "
    if where:
        page.line(_PREFIX, f"  {say(language, 'at')}{colon}", listing(language, where), style="dim")
    if one.fix:
        page.line(_PREFIX, f"  {say(language, 'fix')}{colon}", _one_line(one.fix.split("\n", 1)[0].rstrip(":：")))
    page.flush(stream)


def write(outcome: Outcome, stream: TextIO, *, everything: bool = False, width: int | None = None) -> None:
    """Write the report: causes first, symptoms beneath, and what was looked at last.

    It keeps to a screenful unless `everything` is asked for. `width` is that of the terminal, or 100 for a file, whose
    closing line is then left unfolded.
    """
    language = outcome.language
    tty = _is_tty(stream)
    page = Page(width or (max(40, shutil.get_terminal_size().columns) if tty else 100))
    findings = said(outcome)
    blind = [
        f"{listing(language, [*whats[:4], *(['…'] if len(whats) > 4 and not everything else whats[4:])])}"
        + (f"（{why}）" if language == "zh" else f" ({why})")
        for why, whats in grouped_blind(outcome)
    ]
    if not everything and len(blind) > 3:
        blind = [*blind[:3], "…"]
    closing = [say(language, "closing_looked", things=listing(language, looked_text(outcome)))]
    if not findings and not trained(outcome):
        closing = []
    if blind:
        closing.append(say(language, "closing_blind", things=listing(language, blind)))
    if outcome.diagnosis.silenced:
        closing.append(say(language, "silenced", n=outcome.diagnosis.silenced))
    if closing:
        closing.append(cost_text(outcome))
    sentence = clauses(language, closing) if closing else ""

    if findings:
        head = [counts(language, findings), command_line(outcome.command), *ending(outcome)]
        page.fold(" · ".join(part for part in head if part), _PREFIX, " " * len(_PREFIX), style="bold")
        tell(page, findings, language, everything, f"torchward show {_run_name(outcome.folder)} --all")
        page.line()
        opening = _PREFIX
    else:
        opening = f"{_PREFIX}{verdict(outcome)}{' ' if sentence and language != 'zh' else ''}"
        if language != "zh":
            sentence = sentence[:1].upper() + sentence[1:]
    for note in outcome.notes:
        page.fold(note, f"{_PREFIX}{say(language, 'note')}: ", " " * len(_PREFIX))
    if width or tty:
        page.fold(opening + sentence, "", " " * len(_PREFIX), style="" if findings else "bold")
    else:
        page.line(opening + sentence)
    page.flush(stream)


def tell(page: Page, findings: list[Said], language: Language, everything: bool, command: str) -> None:
    """The findings: the first ones in full, as far as a screen holds them, then short; `command` shows all."""
    full = 0
    for finding in findings:
        if not everything and full and (full == IN_FULL or page.height >= SCREEN - 8):
            break
        page.line()
        _full(page, finding, language, everything)
        full += 1
    rest = findings[full:]
    if rest:
        page.line()
        page.line(say(language, "further", n=len(rest)))
        for finding in rest[:IN_SHORT]:
            page.fold(
                f"{_title(finding, language)}{'：' if language == 'zh' else ': '}{_one_line(finding.message)}",
                "  ",
                "    ",
                most=1,
            )
        if len(rest) > IN_SHORT:
            page.line("  ", say(language, "rest", n=len(rest) - IN_SHORT))
    hidden = rest or any(len(finding.symptoms) > 3 for finding in findings)
    if hidden and not everything:
        page.fold(say(language, "show_all", command=command), "", "  ", style="dim")


def _run_name(folder: str) -> str:
    """What `torchward show` takes: the name of a run that lies under the working directory, else its path."""
    parent, name = os.path.split(os.path.normpath(folder or "RUN"))
    here = os.path.join(".torchward", "runs")
    return command_line([name if short_path(parent) in ("", here) else short_path(folder)])


def _full(page: Page, finding: Said, language: Language, everything: bool) -> None:
    page.line(_title(finding, language), style=_STYLE[finding.severity])
    page.fold(finding.message, "  ", "  ", style="bold")
    labels = [say(language, key) for key in ("at", "why", "fix", "sure")]
    column = max(map(page.cells, labels)) + 2
    at, why, fix, sure = (f"  {label}{' ' * (column - page.cells(label))}" for label in labels)
    indent = " " * (column + 2)
    where = place_parts(language, finding.place)
    if where:
        page.fold(" · ".join(part.replace(" ", _HELD) for part in where), at, indent)
    for seen in (finding.evidence.get("expression", ""), *finding.evidence.get("operands", ())[:4]):
        if seen:
            page.fold(str(seen), indent, indent, style="dim", most=1)
    if finding.why:
        page.fold(finding.why, why, indent, style="dim")
    if finding.fix:
        page.fold(finding.fix, fix, indent)
    if finding.check:
        page.fold(finding.check, sure, indent, style="dim")
    elif finding.confidence is not Confidence.CERTAIN and not finding.code.startswith("ERR"):
        page.fold(CONFIDENCE_MEANS[finding.confidence].render(language, {}), sure, indent, style="dim")
    if everything and finding.evidence:
        evidence = ", ".join(f"{key}={value}" for key, value in finding.evidence.items())
        page.fold(evidence, f"  {say(language, 'evidence')}: ", indent, style="dim")
    symptoms = flat(finding.symptoms)
    for symptom in symptoms if everything else symptoms[:3]:
        where = place_parts(language, symptom.place)
        text = f"{symptom.message} ({listing(language, where)})" if where and everything else symptom.message
        colon = "：" if language == "zh" else ": "
        page.fold(
            f"{symptom.code} {symptom.name}{colon}{_one_line(text)}", "    └ ", "      ", most=0 if everything else 2
        )
    if len(symptoms) > 3 and not everything:
        page.line("    └ ", say(language, "rest", n=len(symptoms) - 3))


def _title(finding: Said, language: Language) -> str:
    word = SEVERITY[finding.severity].render(language, {})
    return f"{_MARK[finding.severity]} {word} {finding.code} {finding.name}".rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_tty(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no such method, or closed
        return False


class Page:
    """Lines of styled text, folded to a width and written in one piece."""

    def __init__(self, width: int | None) -> None:
        from rich.cells import cell_len

        self.cells = cell_len
        self._width = width
        self._lines: list[Styled] = []

    @property
    def height(self) -> int:
        return len(self._lines)

    def line(self, *parts: str, style: str = "") -> None:
        """One line, never folded; the style is that of its last part."""
        from rich.text import Text

        text = Text("".join(parts[:-1]))
        if parts:
            text.append(parts[-1].expandtabs(4), style)
        text.highlight_regex(r"`[^`]+`", "cyan")
        self._lines.append(text)

    def fold(self, text: str, first: str, rest: str, *, style: str = "", most: int = 0) -> None:
        """Text that may hold lines of code, folded beneath `first`; `most` lines at most, if given."""
        folded: list[str] = []
        for paragraph in text.expandtabs(4).split("\n"):
            if paragraph[:1] == " " or self._width is None:
                folded.append(paragraph)  # code is never folded
            else:
                folded += self._fold(paragraph, max(20, self._width - max(self.cells(first), self.cells(rest))))
        if most and len(folded) > most:
            room = max(20, (self._width or 100) - self.cells(rest)) - 1
            last = folded[most - 1]
            while self.cells(last) > room:
                last = last[:-1]
            folded = [*folded[: most - 1], last.rstrip() + "…"]
        for number, line in enumerate(folded):
            self.line(rest if number else first, line, style=style)

    def _fold(self, paragraph: str, width: int) -> Iterator[str]:
        line, used = "", 0
        for whole in _PIECES.findall(paragraph):
            piece = whole
            size = self.cells(piece.rstrip())
            if line.strip() and used + size > width:
                yield line.rstrip()
                line, used = "", 0
            while size > width:  # a path or an identifier longer than the line
                cut = piece[:width]
                while self.cells(cut) > width:
                    cut = cut[:-1]
                yield line + cut
                line, used, piece = "", 0, piece[len(cut) :]
                size = self.cells(piece.rstrip())
            if line or piece.strip():
                line += piece
                used += self.cells(piece)
        if line.strip() or not paragraph:
            yield line.rstrip()

    def flush(self, stream: TextIO) -> None:
        """Write everything; colour only on a terminal that did not decline it."""
        if _is_tty(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
            import io

            from rich.console import Console

            console = Console(
                file=io.StringIO(), force_terminal=True, color_system="standard", no_color=False, highlight=False,
                width=10_000, legacy_windows=False,
            )  # fmt: skip
            with console.capture() as captured:
                for line in self._lines:
                    console.print(line, soft_wrap=True)
            text = captured.get()
        else:
            text = "".join(f"{line.plain.rstrip()}\n" for line in self._lines)
        text = text.replace(_HELD, " ")
        stream.write(_encodable(text, getattr(stream, "encoding", None) or "utf-8"))
        stream.flush()


_HELD = "\N{NO-BREAK SPACE}"
_OPENING, _CLOSING = "（「『《“‘【", "，。；：！？、）」』》”’】…%"
_HAN = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f"
_PIECES = re.compile(
    # One Han character, or a word without any; opening marks go with what follows, closing ones with what they end.
    rf"[{_OPENING}]*(?:[^ {_HAN}{_OPENING}{_CLOSING}]+|[^ {_OPENING}{_CLOSING}])?[{_CLOSING}]*[ ]*"
)


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for mark, ascii_mark in (("✗", "x"), ("└", "-"), ("·", "|"), ("–", "-"), ("…", "..."), ("\u2019", "'")):
            text = text.replace(mark, ascii_mark)
        text = text.encode(encoding, "replace").decode(encoding)
    except LookupError:
        pass
    return text
