"""What several rules of the machine ask of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torchward import compat
from torchward.facts import Gpu, Machine, Package, Trial
from torchward.prescribe import capability, nvidia


def package(machine: Machine, name: str, source: str = "pip") -> Package | None:
    """The installed distribution of this name that an import finds first."""
    found = [one for one in machine.packages or () if one.name == name and one.source == source]
    return next((one for one in found if one.active), None)


def driven(machine: Machine) -> tuple[Gpu, ...]:
    """NVIDIA GPUs on a machine whose driver answers (or of whose driver nothing is known)."""
    driver = machine.driver
    if driver is not None and (driver.problem or not driver.version):
        return ()
    return tuple(gpu for gpu in nvidia(machine) if gpu.index is not None)


def archs(machine: Machine) -> tuple[str, ...]:
    """What the installed build has code for: as it says itself, else by the table; empty when unknown."""
    torch = machine.torch
    if torch is None or not torch.cuda:
        return ()
    return torch.archs or compat.archs_of(torch.version, torch.cuda, machine.system.arch)


def misfits(machine: Machine) -> Iterable[tuple[Gpu, str, compat.Fit]]:
    """(GPU, compute capability, fit) of every GPU that the build has no machine code for."""
    have = archs(machine)
    for gpu in driven(machine):
        own = capability(gpu)
        fit = compat.fit(have, own) if own and have else None
        if fit in ("no", "ptx"):
            yield gpu, own, fit


def names(gpus: Iterable[Gpu]) -> str:
    """`NVIDIA A100 (2), NVIDIA T4`."""
    count: dict[str, int] = {}
    for gpu in gpus:
        count[gpu.name] = count.get(gpu.name, 0) + 1
    return ", ".join(f"{name} ({number})" if number > 1 else name for name, number in count.items())


def failed(machine: Machine, *whats: str) -> Iterable[Trial]:
    """Trials of the live check that failed."""
    return [trial for trial in (machine.live.trials if machine.live else ()) if not trial.ok and trial.what in whats]


def tag(version: str) -> str:
    """The build's tag in a version, `cu124`; empty when there is none."""
    match = re.search(r"\+(cu\d+|cpu|rocm[\d.]+|xpu)", version)
    return match[1] if match else ""


def meets(version: str, specifier: str) -> bool | None:
    """Whether a version meets a specifier such as `>=2.1,<3`; None for one with parts that are not compared here.

    Build tags count only where the specifier has one, as pip does it.
    """
    own = compat.version(version)
    if not own:
        return None
    for part in specifier.split(","):
        match = re.fullmatch(r"\s*(===?|!=|~=|>=|<=|<|>)\s*v?(\d+(?:\.\d+)*)(\.\*)?(\+[\w.]+)?\s*", part)
        if not match:
            return None
        sign, wanted, star, local = match[1], compat.version(match[2]), match[3], match[4]
        if star:
            equal = own[: len(wanted)] == wanted
        else:
            width = max(len(own), len(wanted))
            a, b = (value + (0,) * (width - len(value)) for value in (own, wanted))
            equal = a == b and (not local or local in version)
            order = (a > b) - (a < b)
        if sign in ("==", "==="):
            good = equal
        elif sign == "!=":
            good = not equal
        elif sign == "~=":
            good = order >= 0 and own[: len(wanted) - 1] == wanted[:-1]
        else:
            good = {">=": order >= 0, "<=": order <= 0, ">": order > 0, "<": order < 0}[sign]
        if not good:
            return False
    return True


def requirement(line: str) -> tuple[str, str, str]:
    """(name, specifier, marker) of a `Requires-Dist` line."""
    text, _, marker = line.partition(";")
    match = re.match(r"\s*([\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?([^)]*)\)?\s*$", text)
    if not match:
        return "", "", marker.strip()
    return re.sub(r"[-_.]+", "-", match[1]).lower(), match[2].strip(), marker.strip()


def applies(marker: str, machine: Machine) -> bool | None:
    """Whether a marker holds on this machine, for the few forms that torch and its companions use."""
    if not marker:
        return True
    known = {
        "platform_system": machine.system.name,
        "sys_platform": {"Linux": "linux", "Windows": "win32", "Darwin": "darwin"}.get(machine.system.name, ""),
        "platform_machine": machine.system.arch,
    }
    result = True
    for clause in re.split(r"\s+and\s+", marker.strip().strip("()")):
        match = re.fullmatch(r"\(?\s*(\w+)\s*(==|!=|>=|<=|<|>)\s*['\"]([^'\"]*)['\"]\s*\)?", clause)
        if not match:
            return None
        name, sign, value = match.groups()
        if name == "python_version":
            if not machine.python.version:
                return None
            held = meets(compat.minor(machine.python.version), f"{sign}{value}")
        elif name in known and known[name] and sign in ("==", "!="):
            held = (known[name] == value) == (sign == "==")
        else:
            return None
        if held is None:
            return None
        result = result and held
    return result


def newest_code(machine: Machine) -> tuple[int, ...]:
    """The newest architecture that the installed build has code for, `(9, 0)`."""
    found = []
    for arch in archs(machine):
        digits = re.sub(r"\D", "", arch.partition("+")[0])
        found.append((int(digits[:-1]), int(digits[-1])) if len(digits) > 1 else ())
    return max(found, default=())
