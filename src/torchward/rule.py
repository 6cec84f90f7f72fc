"""The vocabulary of judgement: `Rule`, `Finding`, `Place`, `Text`. Imports nothing of ours and never torch."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Literal

Language = Literal["en", "zh"]


class Severity(enum.IntEnum):
    """How much a finding matters. A `HINT` never fails a run, whatever `--fail-on` says of warnings."""

    HINT = 1
    WARNING = 2
    ERROR = 3


class Confidence(enum.IntEnum):
    """How sure a finding is.

    `CERTAIN`: the mechanism itself was seen (a gradient that no call cleared). `LIKELY`: its traces were seen and
    healthy training does not leave them. `POSSIBLE`: the traces have innocent explanations too; never printed while
    the run goes on, only at its end.
    """

    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3


@dataclass(frozen=True)
class Text:
    """A sentence in English and in Simplified Chinese, with the same `{placeholders}` in both."""

    en: str
    zh: str

    def render(self, language: Language, data: Mapping[str, Any]) -> str:
        """Fill the placeholders from `data`; floats are rounded to four significant digits.

        A plain `{name}` is formatted for reading; `{name:.0%}` and the like follow the usual format language.
        """
        return _TextFormatter().vformat(self.zh if language == "zh" else self.en, (), data)

    def fields(self) -> tuple[frozenset[str], frozenset[str]]:
        """The placeholders of the English and of the Chinese text."""
        names = (
            frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
            for text in (self.en, self.zh)
        )
        english, chinese = names
        return english, chinese


class _TextFormatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec:
            return str(format(value, format_spec))
        if isinstance(value, bool) or value is None:
            return str(value)
        if isinstance(value, float):
            return f"{value:.4g}"
        if isinstance(value, int):
            return f"{value:,}"
        if isinstance(value, (tuple, list)):
            shape = all(isinstance(item, int) for item in value)
            return str(tuple(value)) if shape else ", ".join(str(item) for item in value)
        return str(value)


@dataclass(frozen=True)
class Place:
    """Where a finding points. Every field may be empty; `file` is an absolute path as Python reported it."""

    file: str = ""
    line: int = 0
    function: str = ""
    module: str = ""
    """Dotted path of a module in its model, `encoder.layers.0`."""
    parameter: str = ""
    """Dotted path of a parameter in its model, `encoder.layers.0.weight`."""
    first_step: int | None = None
    last_step: int | None = None
    rank: int | None = None
    """Rank of the process in a distributed run; empty otherwise."""


@dataclass(frozen=True)
class Finding:
    """What a check yields: which problem, how sure, where, and the values that fill its texts and prove it.

    `data` holds numbers, strings and short tuples of these, nothing else: it is written to `findings.json` as evidence.
    """

    code: str
    data: Mapping[str, Any] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    confidence: Confidence = Confidence.CERTAIN
    severity: Severity | None = None
    """Overrides the rule's own severity where this instance matters less (or more)."""
    symptoms: tuple[Finding, ...] = ()
    """Findings that this one explains. Filled by the engine, never by a check."""


Check = Callable[[Any], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A named problem: what to look for (`checks`), what to say (`message`, `why`, `fix`), and two examples.

    Each check is a pure function of one fact; the annotation of its one parameter says which (`def check(run: Run)`).
    `message` says in one sentence what was seen, with its numbers; `why` why that matters; `fix` one thing to do, with
    the code to write. `bad` is a whole program that has the problem and `good` its sound twin: both are run for real
    by the tests, and `good` must be silent under every rule. Rules of a machine have two machines there, in the JSON
    that `torchward doctor --from` reads.
    """

    code: str
    name: str
    severity: Severity
    since: str
    checks: tuple[Check, ...]
    message: Text
    why: Text
    fix: Text
    bad: str
    good: str
    links: tuple[str, ...]
    explains: tuple[str, ...] = ()
    """Codes whose findings become symptoms of this one's. A trailing `*` stands for any ending: `TRN*`."""
    explained_by: tuple[str, ...] = ()
    """The other way round: codes whose findings explain this one. Written so by what was added later."""
    needs: tuple[str, ...] = ()
    """What must have been visible (keys of `Run.blind`) for silence to mean health."""
    written: bool = False
    """The program itself says it, whatever happens in training: no `*` of another rule makes a symptom of it."""
    preview: bool = False


@dataclass(frozen=True)
class Cause:
    """One possible cause of a crash: what speaks for it, what to change, and one check that decides."""

    name: str
    confidence: Confidence
    why: Text
    fix: Text
    check: Text
    """What to run or look at to know; empty where nothing is left to decide."""


@dataclass(frozen=True)
class Explanation:
    """What a crash means. Texts are filled from `finding.data`."""

    finding: Finding
    rule: Rule
    """The entry's texts; `why` and `fix` are those of the likeliest cause where it has several."""
    causes: tuple[Cause, ...] = ()
    """Ranked, those that the evidence speaks for first; those that it rules out are left out."""
    evidence: tuple[tuple[int, str], ...] = ()
    """(line number in the log, text): what was recognised. The number is 0 where there is no log."""


@dataclass(frozen=True)
class Diagnosis:
    """What the engine made of the facts: findings in order, causes first, each with its symptoms nested in it."""

    findings: tuple[Finding, ...] = ()
    could_not_look: tuple[tuple[str, str], ...] = ()
    """(what, why) pairs: rules or areas for which silence does not mean health."""
    silenced: int = 0
    """Findings dropped by `# torchward: ignore[...]` comments."""
    rules: int = 0
    """Number of rules that were applied."""
    explanations: tuple[Explanation, ...] = ()
    """What is known of the crash that ended the run; their findings are among `findings` or are symptoms there."""
