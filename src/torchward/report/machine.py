"""What `torchward doctor` says: causes first, then what to install, then the machine in a few lines; as text or JSON.

The JSON is versioned and described by `doctor.schema.json`. Its `machine` holds the fields that were seen; those that
are absent were not, and `torchward doctor --from` reads it again.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from torchward import __version__, compat
from torchward.facts import Gpu, Machine, Package
from torchward.prescribe import Plan, Step, capability, held_back
from torchward.report._redact import Redactor
from torchward.report._summary import Said, flat, plain, say_one
from torchward.report._words import SEVERITY, clean, counted, duration, listing, looked_for, reason
from torchward.report.terminal import Page, tell
from torchward.rule import Diagnosis, Language, Rule, Severity, Text

VERSION = 1


@dataclass(frozen=True)
class Examination:
    """One machine, judged."""

    machine: Machine
    diagnosis: Diagnosis
    rules: Mapping[str, Rule]
    plan: Plan
    language: Language
    want_gpu: bool
    seconds: float | None

    @property
    def ready(self) -> bool:
        """Nothing above a hint was found, and what was wanted is there."""
        worst = max((one.severity for one in said(self)), default=Severity.HINT)
        return worst < Severity.WARNING and not (self.want_gpu and (self.plan.needed or not self.plan.gpu))


def said(examination: Examination) -> list[Said]:
    """The findings in words, causes first; a cause weighs as its worst symptom."""
    found = [say_one(one, examination.rules, examination.language) for one in examination.diagnosis.findings]
    return [
        dataclasses.replace(one, severity=max(one.severity, *(symptom.severity for symptom in flat([one]))))
        for one in found
    ]


_WORDS = {
    "ready": Text("ready for PyTorch", "可以运行 PyTorch"),
    "ready_gpu": Text("ready for PyTorch on the GPU", "可以在 GPU 上运行 PyTorch"),
    "not_ready": Text("no problems found, but PyTorch cannot use a GPU here", "未发现问题，但 PyTorch 无法使用 GPU"),
    "partly": Text("no problems found in what could be looked at", "在能够查看的范围内未发现问题"),
    "hints": Text("ready for PyTorch, with {n}", "可以运行 PyTorch，另有 {n}"),
    "table": Text("table of versions: {date}", "版本对照表：{date}"),
    "old_table": Text(
        "The table of versions is {months} months old: newer releases are not known to it.",
        "版本对照表已有 {months} 个月：其后的新版本不在其中。",
    ),
    "newest": Text("newest PyTorch for this machine", "适合这台机器的最新 PyTorch"),
    "installed": Text("installed: {version}", "已安装：{version}"),
    "held": Text("The newest release, {newest}, is held back by: {things}", "未能使用最新版 {newest}，原因：{things}"),
    "works": Text("what is installed works; to upgrade:", "当前版本可用；如需升级："),
    "there": Text("it is installed.", "已经安装。"),
    "steps": Text("What to do, in this order (nothing was executed):", "依次执行以下步骤（本工具没有执行任何命令）："),
    "caution": Text("mind", "注意"),
    "or": Text("or with {tool}", "或用 {tool}"),
    "none": Text("none", "无"),
    "not_seen": Text("could not look", "无法检查"),
    "not_installed": Text("not installed", "未安装"),
    "blind": Text("could not look at {things}", "未能查看：{things}"),
    "all": Text("In full: torchward doctor --all", "完整内容：torchward doctor --all"),
    "system": Text("system", "系统"),
    "python": Text("Python", "Python"),
    "torch": Text("PyTorch", "PyTorch"),
    "gpu": Text("GPU", "GPU"),
    "driver": Text("driver", "驱动"),
    "toolkit": Text("CUDA toolkit", "CUDA toolkit"),
    "live": Text("tried out", "实测"),
    "packages": Text("packages", "相关的包"),
    "container": Text("in {name}", "位于 {name} 中"),
    "trials": Text(
        "imported in {seconds}; {ok} of {all} trials passed on {devices}",
        "导入用时 {seconds}；在 {devices} 上 {all} 项测试中 {ok} 项通过",
    ),
    "import_failed": Text("the import failed", "导入失败"),
    "not_tried": Text("not tried", "未测试"),
    "not_needed": Text("only for compiling extensions", "仅在编译扩展时需要"),
    "from": Text("a machine read from {source}", "读取自 {source} 的机器"),
    "issue": Text("Machine", "机器"),
    "issue_findings": Text("Findings", "发现的问题"),
    "freest": Text("most free: number {index}, {free} GiB", "最空闲：{index} 号，剩余 {free} GiB"),
    "path": Text("on PATH", "PATH 中"),
    "pip": Text("pip", "pip"),
    "twice": Text("also {others}: hidden", "另有 {others}：被遮住"),
}


def _say(language: Language, key: str, **data: Any) -> str:
    return _WORDS[key].render(language, data)


# --- text ----------------------------------------------------------------------------------------------------------


def write(examination: Examination, stream: TextIO, *, everything: bool = False, width: int | None = None) -> None:
    """Write the report to a terminal or a file."""
    language = examination.language
    tty = stream.isatty()
    page = Page(width or (max(40, shutil.get_terminal_size().columns) if tty else 100))
    findings = said(examination)
    page.fold(f"torchward: {headline(examination)}", "", " " * 11, style="bold")
    if findings:
        here = examination.machine.source == "here"
        tell(page, findings, language, everything, f"torchward doctor {'' if here else '--from FILE '}--all")
    page.line()
    _plan(page, examination)
    page.line()
    rows = summary(examination, everything)
    column = max(page.cells(label) for label, _ in rows) + 2
    for label, text in rows:
        page.fold(text, f"{label}{' ' * (column - page.cells(label))}", " " * column, style="dim")
    blind = blindness(examination)
    if blind:
        page.fold(blind, "", "  ", style="dim")
    age = _age()
    if age >= OLD:
        page.fold(_say(language, "old_table", months=age), "", "  ", style="dim")
    page.flush(stream)


OLD = 6
"""Months: PyTorch has had a release every two to three."""


def _age() -> int:
    """Months since the table was made."""
    import time

    year, month = map(int, compat.collected().split("-")[:2])
    now = time.localtime()
    return (now.tm_year - year) * 12 + now.tm_mon - month


def headline(examination: Examination) -> str:
    """The verdict in one line."""
    language, machine = examination.language, examination.machine
    found = said(examination)
    count = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    parts = [
        counted(language, count[severity], severity.name.lower())
        for severity in (Severity.ERROR, Severity.WARNING, Severity.HINT)
        if count[severity]
    ]
    if not count[Severity.ERROR] and not count[Severity.WARNING]:
        told = machine.source == "here" or machine.gpus is not None
        if not (examination.diagnosis.rules and told) or (machine.torch is None and machine.packages is None):
            verdict = _say(language, "partly")
        elif not examination.ready:
            verdict = _say(language, "not_ready")
        elif parts:
            verdict = _say(language, "hints", n=parts[0])
        else:
            verdict = _say(language, "ready_gpu" if examination.plan.gpu and machine.torch else "ready")
    else:
        verdict = listing(language, parts)
    tail = [] if machine.source == "here" else [_say(language, "from", source=machine.source)]
    if examination.seconds is not None:
        tail.append(duration(language, examination.seconds))
    return " · ".join([verdict, *tail, _say(language, "table", date=compat.collected())])


def _plan(page: Page, examination: Examination) -> None:
    language, plan, machine = examination.language, examination.plan, examination.machine
    if plan.blocked is not None:
        page.fold(plan.blocked.render(language, {}), "", "", style="bold")
    colon = "：" if language == "zh" else ": "
    if plan.choice is not None:
        unknown = machine.torch is None and machine.packages is None
        own = machine.torch.version if machine.torch else _say(language, "not_seen" if unknown else "none")
        has = _say(language, "installed", version=own)
        tag = f" ({plan.choice.tag})" if language == "en" else f"（{plan.choice.tag}）"
        line = f"{_say(language, 'newest')}{colon}{plan.choice.torch}{tag} · {has}"
        works = machine.live is None or machine.live.imported
        if not plan.needed and plan.steps and works and not unknown:
            line += f" · {_say(language, 'works')}"
        page.fold(line, "", "  ", style="bold")
        held = held_back(machine, plan.choice, plan.gpu)
        if held:
            things = listing(language, [one.render(language, {}) for one in held])
            page.fold(_say(language, "held", newest=compat.releases()[-1].newest, things=things), "  ", "  ")
    if plan.needed and len(plan.steps) > 1:
        page.line(_say(language, "steps"))
    for number, step in enumerate(plan.steps, 1):
        _step(page, step, language, number if len(plan.steps) > 1 else 0)


def _step(page: Page, step: Step, language: Language, number: int) -> None:
    if number:
        page.fold(f"{number}. {step.title.render(language, {})}", "  ", "     ")
    for command in step.commands:
        page.line("      ", command)
    for tool, command in step.otherwise:
        page.line(
            f"      # {_say(language, 'or', tool=tool)}{'：' if language == 'zh' else ': '}", command, style="dim"
        )
    if step.caution is not None:
        caution = f"      {_say(language, 'caution')}{'：' if language == 'zh' else ': '}"
        page.fold(step.caution.render(language, {}), caution, "      ", style="dim")


# --- the machine in a few lines ------------------------------------------------------------------------------------


def summary(examination: Examination, everything: bool = False) -> list[tuple[str, str]]:
    """(label, text) lines that describe the machine."""
    language, machine = examination.language, examination.machine
    system, setting, python = machine.system, machine.setting, machine.python
    none = _say(language, "none")
    unseen = _say(language, "not_seen")
    around = setting.container or setting.hosted or setting.job or (f"WSL {setting.wsl}" if setting.wsl else "")
    os_parts = [
        system.title or system.name or unseen,
        system.arch,
        system.release and f"{'kernel' if language == 'en' else '内核'} {system.release}",
        system.glibc and f"glibc {system.glibc}",
        around and _say(language, "container", name=around),
        setting.jetson and f"Jetson {setting.jetson}",
    ]
    resources = _resources(machine, language)
    rows = [("system", listing(language, [*filter(None, os_parts), *resources]))]
    own = [python.version or unseen, python.environment, python.executable]
    rows.append(("python", listing(language, [part for part in own if part])))
    rows.append(("torch", _torch(machine, language, everything)))
    gpus = machine.gpus
    shown = unseen if gpus is None else _gpus(gpus, language) or none
    rows.append(("gpu", shown))
    rows.append(("driver", _driver(machine, language)))
    kits = machine.toolkits
    text = unseen if kits is None else listing(language, [f"{one.version or '?'} ({one.path})" for one in kits]) or none
    if kits and not machine.nvcc:
        text += f" · {_say(language, 'not_needed')}"
    if machine.source in ("here", "json"):
        rows.append(("toolkit", text))
    rows.append(("live", _live(machine, language)))
    if everything:
        rows += _ways(machine)
        rows += [("packages", line) for line in packages(machine, language)] or [("packages", none)]
    return [(_say(language, key), clean(value)) for key, value in rows]


def _ways(machine: Machine) -> list[tuple[str, str]]:
    """What `python` and `pip` mean in this shell, and where pip looks."""
    python, pip = machine.python, machine.pip
    names = [
        f"{name} = {path}" for name, path in (("python", python.first_python), ("pip", python.pip_interpreter)) if path
    ]
    names += [f"PYTHONPATH = {':'.join(python.pythonpath)}"] if python.pythonpath else []
    looks = [f"index {pip.index}"] if pip.index else []
    looks += [f"extra {url}" for url in pip.extra] + [f"find-links {url}" for url in pip.find_links]
    looks += [f"proxy {pip.proxy}"] if pip.proxy else []
    return [(key, ", ".join(values)) for key, values in (("path", names), ("pip", looks)) if values]


def _resources(machine: Machine, language: Language) -> list[str]:
    system = machine.system
    found = []
    cores = system.cores_allowed or system.cores
    if cores:
        granted = f"{min(system.quota, cores):.3g}/" if system.quota else ""
        found.append(f"{granted}{cores} {'cores' if language == 'en' else '核'}")
    if system.memory:
        limit = min(system.memory, system.memory_limit or system.memory)
        found.append(f"{limit / 2**30:.0f} GiB")
    return found


def _torch(machine: Machine, language: Language, everything: bool) -> str:
    torch = machine.torch
    if torch is None:
        return _say(language, "not_seen" if machine.packages is None else "not_installed")
    parts = [torch.version]
    runtime = f"CUDA {torch.cuda}" if torch.cuda else f"ROCm {torch.hip}" if torch.hip else ""
    if not runtime and torch.known:
        runtime = "XPU" if torch.xpu else "CPU"
    parts.append(runtime)
    wanted = ("torchvision", "torchaudio", "numpy", *(("triton", "lightning", "transformers") if everything else ()))
    for one in machine.packages or ():
        if one.active and one.source == "pip" and one.name in wanted:
            parts.append(f"{one.name} {one.version}")
    return listing(language, [part for part in parts if part])


def _gpus(gpus: tuple[Gpu, ...], language: Language) -> str:
    count: dict[str, int] = {}
    for gpu in gpus:
        own = capability(gpu) if gpu.vendor == "nvidia" else gpu.capability
        memory = f", {gpu.memory / 2**30:.0f} GiB" if gpu.memory else ""
        text = f"{gpu.name}{' (sm_' + own.replace('.', '') + memory + ')' if own else ''}"
        count[text] = count.get(text, 0) + 1
    names = listing(language, [f"{number} x {text}" if number > 1 else text for text, number in count.items()])
    free = {gpu.index: (gpu.memory - gpu.used) / 2**30 for gpu in gpus if gpu.memory and gpu.used is not None}
    if len(free) < 2:
        return names
    index = max(free, key=lambda key: free[key])
    return f"{names} · {_say(language, 'freest', index=index, free=f'{free[index]:.0f}')}"


def _driver(machine: Machine, language: Language) -> str:
    driver = machine.driver
    if driver is None:
        return _say(language, "not_seen")
    if not driver.version:
        return driver.said or (f"CUDA {driver.cuda}" if driver.cuda else _say(language, "none"))
    cuda = driver.cuda or compat.driver_cuda(driver.version) or "?"
    return f"{driver.version} (CUDA {cuda}){' · ' + driver.said if driver.said else ''}"


def _live(machine: Machine, language: Language) -> str:
    live = machine.live
    if live is None or (not live.trials and live.imported):
        return _say(language, "not_tried")
    if not live.imported:
        return f"{_say(language, 'import_failed')}: {live.said or live.signal}"
    passed = sum(one.ok for one in live.trials)
    return _say(
        language,
        "trials",
        seconds=duration(language, live.seconds or 0.0),
        ok=passed,
        all=len(live.trials),
        devices=listing(language, ["cpu", *live.devices]),
    )


def packages(machine: Machine, language: Language) -> list[str]:
    """Every package that brings torch, CUDA or a driver, by who installed it; hidden copies are marked."""
    brings = ("torch", "pytorch", "nvidia-", "cuda", "libcudnn", "cudnn", "nccl", "libnvidia", "triton", "tensorrt",
              "tensorflow", "jax", "libtorch", "xformers", "flash-attn")  # fmt: skip
    found = [one for one in machine.packages or () if one.name.startswith(brings)]
    hidden: dict[tuple[str, str], list[Package]] = {}
    for one in found:
        if not one.active:
            hidden.setdefault((one.name, one.source), []).append(one)
    lines = []
    for source in dict.fromkeys(one.source for one in found):
        names = []
        for one in found:
            if one.source == source and one.active:
                others = [other.version for other in hidden.get((one.name, source), ())]
                mark = f" ({_say(language, 'twice', others=listing(language, others))})" if others else ""
                names.append(f"{one.name} {one.version}{mark}")
        lines.append(f"{source}: {listing(language, names)}")
    return lines


def blindness(examination: Examination) -> str:
    """What could not be looked at, as one sentence; empty when nothing."""
    pairs = examination.diagnosis.could_not_look
    language = examination.language
    brackets = "（{}）" if language == "zh" else " ({})"
    things = [clean(looked_for(language, what)) + brackets.format(clean(reason(language, why))) for what, why in pairs]
    return _say(examination.language, "blind", things=listing(examination.language, things)) if things else ""


# --- for a bug report ----------------------------------------------------------------------------------------------


def issue(examination: Examination, redactor: Redactor | None) -> str:
    """A block of Markdown to paste into a bug report."""
    language = examination.language
    lines = [f"### {_say(language, 'issue')}", ""]
    lines += [f"- **{label}**: {text}" for label, text in summary(examination, everything=True)]
    environment = examination.machine.environment
    if environment:
        lines.append(f"- **environment**: {listing('en', [f'`{key}={value}`' for key, value in environment.items()])}")
    lines += ["", f"### {_say(language, 'issue_findings')}", ""]
    found = said(examination)
    lines += [f"- {SEVERITY[one.severity].render(language, {})} {one.code} {one.name}: {one.message}" for one in found]
    if not found:
        lines.append(f"- {_say(language, 'none')}")
    blind = blindness(examination)
    lines += [
        "",
        *([blind, ""] if blind else []),
        f"torchward {__version__} · {_say(language, 'table', date=compat.collected())}",
    ]
    text = "\n".join(lines) + "\n"
    return redactor.text(text) if redactor else text


# --- JSON ----------------------------------------------------------------------------------------------------------


def dump(examination: Examination, redactor: Redactor | None) -> str:
    """The whole examination as strict JSON with a final newline."""
    plan, choice = examination.plan, examination.plan.choice
    language = examination.language
    report = {
        "version": VERSION,
        "torchward": __version__,
        "language": language,
        "source": examination.machine.source,
        "table": compat.collected(),
        "redacted": redactor is not None,
        "ready": examination.ready,
        "findings": [_finding(one) for one in said(examination)],
        "prescription": {
            "torch": choice.torch if choice else None,
            "build": choice.tag if choice else None,
            "gpu": plan.gpu,
            "needed": plan.needed,
            "blocked": plan.blocked.render(language, {}) if plan.blocked else None,
            "held_back": [
                one.render(language, {}) for one in (held_back(examination.machine, choice, plan.gpu) if choice else ())
            ],
            "steps": [
                {
                    "title": step.title.render(language, {}),
                    "commands": list(step.commands),
                    "caution": step.caution.render(language, {}) if step.caution else None,
                    "otherwise": [{"tool": tool, "command": command} for tool, command in step.otherwise],
                }
                for step in plan.steps
            ],
        },
        "could_not_look": [{"what": what, "why": why} for what, why in examination.diagnosis.could_not_look],
        "rules": examination.diagnosis.rules,
        "machine": seen(examination.machine),
    }
    report = plain(report)
    if redactor is not None:
        report = redactor.value(report)
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finding(one: Said) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "severity": one.severity.name.lower(),
        "confidence": one.confidence.name.lower(),
        "message": one.message,
        "why": one.why,
        "fix": one.fix,
        "evidence": one.evidence,
        "symptoms": [_finding(symptom) for symptom in one.symptoms],
        "links": list(one.links),
    }


def seen(fact: Any) -> Any:
    """A fact as JSON values, without the fields that are at their defaults."""
    if dataclasses.is_dataclass(fact) and not isinstance(fact, type):
        found = {}
        for field in dataclasses.fields(fact):
            value = getattr(fact, field.name)
            default = field.default_factory() if callable(field.default_factory) else field.default
            if value != default:
                found[field.name] = seen(value)
        return found
    if isinstance(fact, (tuple, list)):
        return [seen(item) for item in fact]
    if isinstance(fact, Mapping):
        return {str(key): seen(value) for key, value in fact.items()}
    return fact


def schema() -> dict[str, Any]:
    """The JSON Schema of what `dump` gives."""
    from importlib.resources import files

    text = files("torchward.report").joinpath("doctor.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
