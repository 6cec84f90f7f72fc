"""Which PyTorch, CUDA, driver, GPU and Python go together: questions to the table `compat.toml`, answered purely.

`None` always means "the table does not know": a caller must then stay silent. Imports nothing of ours and never torch.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Fit = Literal["native", "ptx", "no"]
"""How a build serves a GPU: with machine code, with portable code that the driver compiles at first use, not at all."""

_TEGRA = {(5, 3), (6, 2), (7, 2), (8, 7), (10, 1)}
"""Capabilities of systems on a chip: they run only code made for exactly them (torch's own DEVICE_REQUIREMENT)."""


def version(text: str) -> tuple[int, ...]:
    """The leading numbers of a version, `2.6.0+cu124` -> (2, 6, 0); empty when there are none."""
    match = re.match(r"\s*v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def minor(text: str) -> str:
    """`2.6.0+cu124` -> `2.6`; empty when the text is no version."""
    return ".".join(map(str, version(text)[:2])) if len(version(text)) >= 2 else ""


def is_release(text: str) -> bool:
    """Whether a version is a final one: nightlies, source builds and vendors' own builds follow no table."""
    return bool(re.fullmatch(r"\d+\.\d+\.\d+(?:\.post\d+)?(?:\+(?:cu\d+|cpu|rocm[\d.]+|xpu|cu\d+\.with\.\w+))?", text))


@dataclass(frozen=True)
class Build:
    """One build of a release of PyTorch."""

    tag: str
    """`cu126`."""
    archs: tuple[str, ...]
    """Compute capabilities on Linux x86_64, `8.6`, `12.0+PTX`."""
    arm: tuple[str, ...]
    """... on Linux aarch64; empty when unknown."""
    unsure: bool
    offered: bool
    cudnn: str
    """The cuDNN that it was built with, `9.10.2.21`; empty when unknown."""

    @property
    def cuda(self) -> tuple[int, int]:
        return int(self.tag[2:-1]), int(self.tag[-1])


@dataclass(frozen=True)
class Release:
    """One minor release of PyTorch."""

    minor: str
    released: str
    pythons: tuple[str, ...]
    pypi: str
    glibc: str
    """The least C library of its wheels for x86_64."""
    glibc_arm: str
    numpy2: bool
    macos_x86: bool
    triton: str
    rocm: tuple[str, ...]
    patches: tuple[tuple[str, str, str], ...]
    """(torch, torchvision, torchaudio)."""
    builds: tuple[Build, ...]

    @property
    def newest(self) -> str:
        return self.patches[-1][0]

    def build(self, tag: str) -> Build | None:
        return next((build for build in self.builds if build.tag == tag), None)


@cache
def table() -> dict[str, Any]:
    """The table as it stands in the file."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

    return tomllib.loads(Path(__file__).with_name("compat.toml").read_text(encoding="utf-8"))


def collected() -> str:
    """The day on which the table was made, `2026-11-20`."""
    return str(table()["collected"])


@cache
def releases() -> tuple[Release, ...]:
    """All releases, oldest first."""
    return tuple(
        Release(
            minor=row["version"],
            released=row["released"],
            pythons=tuple(row["pythons"]),
            pypi=row["pypi"],
            glibc=row["glibc"],
            glibc_arm=row.get("glibc_arm", row["glibc"]),
            numpy2=row["numpy2"],
            macos_x86=row["macos_x86"],
            triton=row.get("triton", ""),
            rocm=tuple(row["rocm"]),
            patches=tuple((torch, vision, audio) for torch, vision, audio in row["patches"]),
            builds=tuple(
                Build(
                    build["tag"],
                    tuple(build["archs"]),
                    tuple(build.get("arm", ())),
                    build.get("unsure", False),
                    build.get("offered", True),
                    build.get("cudnn", ""),
                )
                for build in row["builds"]
            ),
        )
        for row in table()["torch"]
    )


def release(torch: str) -> Release | None:
    """The release that a version of torch belongs to."""
    return next((row for row in releases() if row.minor == minor(torch)), None)


def newer_than_table(torch: str) -> bool:
    """Whether this version came out after the table was made."""
    return version(torch)[:2] > version(releases()[-1].minor)


# --- drivers -------------------------------------------------------------------------------------------------------


def driver_floor(cuda: str, windows: bool = False) -> str | None:
    """The least driver that starts a build for this CUDA, minor-version compatibility included; None if unknown."""
    floors = table()["driver"]["floor"]
    row = floors.get(minor(cuda)) or floors.get(cuda.split(".", maxsplit=1)[0])
    return None if row is None else str(row["windows" if windows else "linux"])


def driver_serves(driver: str, cuda: str, windows: bool = False) -> bool | None:
    """Whether this driver can run a build for this CUDA. Newer drivers run everything older."""
    floor = driver_floor(cuda, windows)
    if not version(driver) or floor is None:
        return None
    return version(driver) >= version(floor)


def driver_cuda(driver: str) -> str | None:
    """The newest CUDA that a driver supports (what `nvidia-smi` prints); None for drivers older than the table."""
    if not version(driver):
        return None
    found = None
    for branch, cuda in sorted(table()["driver"]["branch"].items(), key=lambda item: int(item[0])):
        if int(branch) <= version(driver)[0]:
            found = str(cuda)
    return found


def branch(cuda: str) -> str | None:
    """The first driver branch that supports a version of CUDA; None for one that no branch of the table stands for."""
    known: dict[str, str] = table()["driver"]["branch"]
    return next((own for own, newest in known.items() if newest == cuda), None)


def last_branch(capability: str) -> str | None:
    """The last driver branch that supports a GPU; None when the newest does, or when it is not known."""
    last: dict[str, str] = table()["driver"]["last"]
    return last.get(capability) or last.get(capability.split(".", maxsplit=1)[0]) if capability else None


# --- GPUs ----------------------------------------------------------------------------------------------------------


@cache
def capability(name: str) -> str:
    """Compute capability of an NVIDIA GPU by its name; empty when the table does not know it."""
    for value, patterns in table()["gpus"].items():
        if re.search(rf"(?<![\w])(?:{'|'.join(patterns)})(?![\w])", name, re.IGNORECASE):
            return str(value)
    return ""


def _arch(text: str) -> tuple[int, int, str] | None:
    """(major, minor, kind) of `8.6`, `12.0+PTX`, `sm_90a`, `compute_120`; kind is `cubin`, `ptx` or `both`."""
    match = re.fullmatch(r"(\d+)\.(\d)(\+PTX)?", text)
    if match:
        return int(match[1]), int(match[2]), "both" if match[3] else "cubin"
    match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", text)
    if match:
        return int(match[2]), int(match[3]), "cubin" if match[1] == "sm" else "ptx"
    return None


def is_embedded(capability: str) -> bool:
    """Whether GPUs of this compute capability are part of a system on a chip (Jetson before Thor)."""
    return version(capability)[:2] in _TEGRA


def fit(archs: tuple[str, ...], capability: str) -> Fit | None:
    """How a build with these architectures serves a GPU of this compute capability.

    Machine code runs on devices of the same major version with the same or a higher minor one; portable code (PTX) on
    every newer device. Systems on a chip (Jetson) need code of their own.
    """
    device = version(capability)[:2]
    parsed = [_arch(arch) for arch in archs]
    if len(device) != 2 or not parsed or None in parsed:
        return None
    best: Fit = "no"
    for arch in parsed:
        assert arch is not None
        major, small, kind = arch
        if kind != "ptx" and major == device[0] and small <= device[1] and device not in _TEGRA - {(major, small)}:
            return "native"
        if kind != "cubin" and (major, small) <= device:
            best = "ptx"
    return best


def archs_of(torch: str, cuda: str, arch: str) -> tuple[str, ...]:
    """The architectures that a release's build has machine code for; empty when the table cannot say for sure."""
    row = release(torch) if is_release(torch) else None
    build = row.build(f"cu{cuda.replace('.', '')}") if row else None
    if build is None or build.unsure:
        return ()
    return build.arm if arch == "aarch64" else build.archs


# --- Python and the C library --------------------------------------------------------------------------------------


def python_serves(row: Release, python: str, free_threaded: bool = False) -> bool:
    """Whether a release has wheels for this Python."""
    return minor(python) + ("t" if free_threaded else "") in row.pythons


def newest_for_python(python: str, free_threaded: bool = False) -> Release | None:
    return next((row for row in reversed(releases()) if python_serves(row, python, free_threaded)), None)


def glibc_serves(row: Release, glibc: str, arch: str = "x86_64") -> bool | None:
    least = row.glibc_arm if arch == "aarch64" else row.glibc
    return version(glibc) >= version(least) if version(glibc) else None


# --- companions ----------------------------------------------------------------------------------------------------


def companions(torch: str) -> tuple[str, str] | None:
    """(torchvision, torchaudio) that belong to this version of torch."""
    row = release(torch)
    wanted = ".".join(map(str, version(torch)[:3]))
    if row is None:
        return None
    return next(((vision, audio) for own, vision, audio in row.patches if own == wanted), None)


def companion_fits(name: Literal["torchvision", "torchaudio"], companion: str, torch: str) -> bool | None:
    """Whether this version of a companion was built for this torch; None for versions that the table does not know."""
    stable = table()["companions"][f"stable_{name}"]
    if version(companion) >= version(stable["version"]) and version(torch) >= version(stable["torch"]):
        return True
    column = 1 if name == "torchvision" else 2
    own = ".".join(map(str, version(companion)[:3]))
    partners = {patch[0] for row in releases() for patch in row.patches if patch[column] == own}
    if not partners or release(torch) is None:
        return None
    # A release of torch whose companion was not released anew keeps that of the patch before it.
    return minor(torch) in {minor(partner) for partner in partners}


def pins(torch: str, cuda: str) -> dict[str, str]:
    """Libraries that a CUDA build for Linux asks for -> specifier, as far as the table knows them."""
    row = release(torch) if is_release(torch) else None
    build = row.build(f"cu{cuda.replace('.', '')}") if row else None
    if row is None or build is None:
        return {}
    found = {f"nvidia-cudnn-cu{build.cuda[0]}": f"=={build.cudnn}"} if build.cudnn else {}
    return found | ({"triton": f"=={row.triton}.*"} if row.triton else {})


def numpy2_serves(torch: str, windows: bool = False) -> bool:
    """Whether this torch was built against NumPy 2."""
    rule = table()["numpy"]
    return version(torch) >= version(rule["first_torch_windows" if windows else "first_torch"])


# --- what to install -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """A build that works on a machine."""

    release: Release
    tag: str
    """`cu126`, `cpu`, `rocm6.4`."""

    @property
    def torch(self) -> str:
        return self.release.newest

    @property
    def on_pypi(self) -> bool:
        return self.tag == self.release.pypi


def choose_cuda(
    capabilities: tuple[str, ...],
    driver: str,
    python: str = "",
    *,
    free_threaded: bool = False,
    glibc: str = "",
    arch: str = "x86_64",
    windows: bool = False,
) -> Choice | None:
    """The newest release with a CUDA build that serves these GPUs, driver, Python and C library, for sure.

    Within a release: machine code for all GPUs before portable code, then the build on PyPI, then the newest CUDA.
    An empty argument does not restrict.
    """
    for row in reversed(releases()):
        if python and not python_serves(row, python, free_threaded):
            continue
        if glibc and glibc_serves(row, glibc, arch) is False:
            continue
        best: tuple[tuple[bool, bool, tuple[int, int]], Choice] | None = None
        for build in row.builds:
            cuda = ".".join(map(str, build.cuda))
            archs = build.arm if arch == "aarch64" else build.archs
            if not build.offered or not archs or (driver and not driver_serves(driver, cuda, windows)):
                continue
            fits = [fit(archs, one) for one in capabilities]
            if any(one in ("no", None) for one in fits) or (build.unsure and capabilities):
                continue
            newest_code = driver_cuda(driver) if driver else None
            if "ptx" in fits and newest_code and version(newest_code) < build.cuda:
                continue  # portable code newer than the driver cannot be compiled by it
            key = ("ptx" not in fits, build.tag == row.pypi, build.cuda)
            if best is None or key > best[0]:
                best = (key, Choice(row, build.tag))
        if best:
            return best[1]
    return None


def choose_cpu(
    system: str, python: str = "", *, free_threaded: bool = False, glibc: str = "", arch: str = "x86_64"
) -> Choice | None:
    """The newest release without CUDA for this machine."""
    for row in reversed(releases()):
        if python and not python_serves(row, python, free_threaded):
            continue
        if system == "Linux" and glibc and glibc_serves(row, glibc, arch) is False:
            continue
        if system == "Darwin" and arch == "x86_64" and not row.macos_x86:
            continue
        return Choice(row, "cpu")
    return None


def conda_cuda(
    capabilities: tuple[str, ...], driver: str, *, glibc: str = "", arch: str = "x86_64", windows: bool = False
) -> str | None:
    """The major version of CUDA of conda-forge's newest build for these GPUs, driver and C library."""
    for build in table()["conda"]["builds"]:
        archs = tuple(build["arm" if arch == "aarch64" else "archs"])
        if driver and not driver_serves(driver, f"{build['cuda']}.0", windows):
            continue
        if version(glibc) and version(glibc) < version(build["glibc"]):
            continue
        # Portable code would need a driver as new as the build's own CUDA, whose minor version conda is left to choose.
        if all(fit(archs, one) == "native" for one in capabilities):
            return str(build["cuda"])
    return None


def conda_official(capabilities: tuple[str, ...], driver: str, *, windows: bool = False) -> tuple[str, str] | None:
    """(torch, CUDA) of the last release on the channel `pytorch`, for what conda-forge's builds do not serve."""
    row = release(table()["conda"]["official"])
    for build in reversed(row.builds if row else ()):
        cuda = ".".join(map(str, build.cuda))
        served = all(fit(build.archs, one) in ("native", "ptx") for one in capabilities)
        if row and served and (not driver or driver_serves(driver, cuda, windows)):
            return row.newest, cuda
    return None
