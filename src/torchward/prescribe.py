"""What to do on a machine, as commands to copy: which PyTorch to install and how, which driver, which toolkit.

Pure functions of a `Machine`; nothing is executed. Every step that could harm a working system says so.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from torchward import compat
from torchward.facts import Gpu, Machine
from torchward.rule import Text

INDEX = "https://download.pytorch.org/whl"
JETSON = "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/"
_RHEL = ("rhel", "centos", "rocky", "almalinux", "amzn", "ol")


@dataclass(frozen=True)
class Step:
    """One thing to do: what for, the commands, and what could go wrong."""

    title: Text
    commands: tuple[str, ...] = ()
    caution: Text | None = None
    otherwise: tuple[tuple[str, str], ...] = ()
    """(tool, command) pairs that do the same."""


@dataclass(frozen=True)
class Plan:
    """The newest PyTorch for a machine, and the steps to it."""

    choice: compat.Choice | None
    gpu: bool
    """Whether that build uses the machine's GPU."""
    needed: bool
    """False: what is installed works already, and the steps would only bring a newer one."""
    steps: tuple[Step, ...]
    blocked: Text | None = None
    """Why a GPU build cannot be had here, when one was asked for."""


# --- what the machine is -------------------------------------------------------------------------------------------


def nvidia(machine: Machine) -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that were seen, by the driver or on the bus."""
    return tuple(gpu for gpu in machine.gpus or () if gpu.vendor == "nvidia" and not gpu.lost)


def capability(gpu: Gpu) -> str:
    """As the driver says, else by the name; empty when neither is known."""
    return gpu.capability or compat.capability(gpu.name)


def capabilities(machine: Machine) -> tuple[str, ...]:
    """Of all NVIDIA GPUs, lowest first; unknown ones are left out."""
    found = {capability(gpu) for gpu in nvidia(machine)} - {""}
    return tuple(sorted(found, key=compat.version))


def windows_numbers(machine: Machine) -> bool:
    """Whether the driver's version is counted as on Windows: below WSL the driver is that of Windows."""
    return machine.system.name == "Windows" or machine.setting.wsl == 2


def driver_version(machine: Machine) -> str:
    """Of the driver; its branch, where only the CUDA that it supports was told; empty when nothing was."""
    driver = machine.driver
    return "" if driver is None else driver.version or (compat.branch(driver.cuda) or "" if driver.cuda else "")


def has_pip_torch(machine: Machine) -> bool:
    return any(package.name == "torch" and package.source == "pip" for package in machine.packages or ())


# --- PyTorch -------------------------------------------------------------------------------------------------------


def choose(machine: Machine, *, gpu: bool, any_driver: bool = False, any_python: bool = False) -> compat.Choice | None:
    """The newest build for this machine; with `any_driver` as if its driver were up to date."""
    system, python = machine.system, machine.python
    version = "" if any_python else python.version
    if not gpu:
        return compat.choose_cpu(
            system.name, version, free_threaded=python.free_threaded, glibc=system.glibc, arch=system.arch
        )
    driver = "" if any_driver else driver_version(machine)
    return compat.choose_cuda(
        capabilities(machine),
        driver,
        version,
        free_threaded=python.free_threaded,
        glibc=system.glibc,
        arch=system.arch or "x86_64",
        windows=windows_numbers(machine),
    )


def _projects(machine: Machine, choice: compat.Choice, tagged: bool) -> list[str]:
    """`torch==2.9.1+cu128 torchvision==0.24.1+cu128`, and torchaudio where it is installed."""
    torch, vision, audio = choice.release.patches[-1]
    tag = f"+{choice.tag}" if tagged else ""
    # From its stable builds on, torchvision has one wheel for all builds of torch, without a tag.
    stable = compat.version(vision) >= compat.version(compat.table()["companions"]["stable_torchvision"]["version"])
    found = [f"torch=={torch}{tag}", f"torchvision=={vision}{'' if stable else tag}"]
    if any(package.name == "torchaudio" for package in machine.packages or ()):
        least = compat.table()["companions"]["stable_torchaudio"]["version"]
        # The newest stable build serves them all, and is not on every index.
        stable = compat.version(audio) >= compat.version(least)
        found.append(f'"torchaudio>={least}"' if stable else f"torchaudio=={audio}")
    return found


def interpreter(machine: Machine) -> str:
    """`python` where that is the one that was looked at (or will be, in a new environment), else its path."""
    python = machine.python
    if python.first_is_this is False and python.executable and not _wants_environment(machine):
        return shlex.quote(python.executable) if machine.system.name != "Windows" else f'& "{python.executable}"'
    return "python"


def _wants_environment(machine: Machine) -> bool:
    """Nothing of PyTorch is installed, and this Python is the system's own: it had better stay as it is."""
    return machine.torch is None and (bool(machine.python.managed) or machine.python.environment == "system")


def install(machine: Machine, choice: compat.Choice) -> str:
    """The command that installs a build into the environment that was looked at."""
    if machine.system.name == "Darwin":
        return f"{interpreter(machine)} -m pip install {' '.join(_projects(machine, choice, False))}"
    return dict(alternatives(machine, choice))["uv" if machine.python.environment == "uv" else "pip"]


def alternatives(machine: Machine, choice: compat.Choice) -> tuple[tuple[str, str], ...]:
    """(tool, command) for pip, uv and conda, as far as each has a build."""
    tagged = " ".join(_projects(machine, choice, True))
    plain = " ".join(_projects(machine, choice, False))
    found = [
        ("pip", f"{interpreter(machine)} -m pip install {tagged} --index-url {INDEX}/{choice.tag}"),
        ("uv", f"uv pip install {plain} --torch-backend={choice.tag}"),
    ]
    specs = conda_specs(machine, gpu=choice.tag.startswith("cu")) if not choice.tag.startswith("rocm") else ""
    return (*found, ("conda", f"conda install {specs}")) if specs else tuple(found)


def conda_specs(machine: Machine, *, gpu: bool) -> str:
    """Channels and packages of conda's newest build for this machine; empty when it has none."""
    system, driver = machine.system, driver_version(machine)
    if machine.driver is not None and machine.driver.problem:
        driver = ""  # a new one comes first
    own = capabilities(machine)
    if system.name == "Darwin":
        return "-c conda-forge pytorch torchvision"
    if not gpu:
        return "-c conda-forge pytorch-cpu torchvision"
    cuda = compat.conda_cuda(
        own, driver, glibc=system.glibc, arch=system.arch or "x86_64", windows=windows_numbers(machine)
    )
    if cuda:
        return f'-c conda-forge pytorch-gpu torchvision "cuda-version={cuda}"'
    last = compat.conda_official(own, driver, windows=windows_numbers(machine)) if system.arch != "aarch64" else None
    return f"-c pytorch -c nvidia pytorch={last[0]} torchvision pytorch-cuda={last[1]}" if last else ""


def conda_torch(machine: Machine) -> bool:
    """Whether conda installed the torch of this environment: pip must then keep its hands off it."""
    return any(one.source == "conda" and one.name in ("pytorch", "libtorch") for one in machine.packages or ())


def replacement(machine: Machine, choice: compat.Choice) -> tuple[str, ...]:
    """The commands from the torch that is installed to a build."""
    specs = conda_specs(machine, gpu=choice.tag.startswith("cu"))
    if conda_torch(machine) and specs and not choice.tag.startswith("rocm"):
        # Into an environment of its own: builds of two channels do not mix, and the old one stays as it is.
        served = compat.table()["conda"]["pythons"] if "conda-forge" in specs else ["3.10", "3.11", "3.12"]
        own = compat.minor(machine.python.version)
        python = own if own in served else "3.12"
        return (f"conda create -n torch-new {specs} python={python}", "conda activate torch-new")
    commands = []
    if machine.torch is not None and has_pip_torch(machine):
        pip = "uv pip" if machine.python.environment == "uv" else f"{interpreter(machine)} -m pip"
        yes = "" if machine.python.environment == "uv" else "--yes "
        commands.append(f"{pip} uninstall {yes}torch torchvision torchaudio")
    return (*commands, install(machine, choice))


def install_or(machine: Machine, *, gpu: bool) -> str:
    """The commands for the newest build that works, for use in a text; a page to ask when the table knows none."""
    choice = best(machine) if gpu else choose(machine, gpu=False)
    return in_text(replacement(machine, choice)) if choice else "# https://pytorch.org/get-started/locally/"


def in_text(commands: tuple[str, ...]) -> str:
    """Commands as lines of a fix, whose first line is indented by the text itself."""
    return "\n    ".join(commands)


# --- drivers -------------------------------------------------------------------------------------------------------


def driver_commands(machine: Machine) -> tuple[str, ...]:
    """How this distribution installs NVIDIA's driver; a page to read for others."""
    system, setting = machine.system, machine.setting
    branch = next((last for last in map(compat.last_branch, capabilities(machine)) if last), None)
    if setting.wsl or system.name == "Windows":
        return ("# on Windows: https://www.nvidia.com/drivers",)
    if setting.container:
        return ("# on the host, not in the container: https://www.nvidia.com/drivers",)
    if setting.job or setting.cluster:
        return ("# on a cluster its administrators install the driver",)
    if system.distribution in ("ubuntu", "pop", "linuxmint"):
        if branch:
            return (f"sudo apt-get update && sudo apt-get install nvidia-driver-{branch}", "sudo reboot")
        return ("sudo ubuntu-drivers install", "sudo reboot")
    if system.distribution == "debian":
        return (
            "# needs the component `non-free` in /etc/apt/sources.list",
            "sudo apt-get update && sudo apt-get install linux-headers-amd64 nvidia-driver",
            "sudo reboot",
        )
    if system.distribution == "fedora":
        package = f"akmod-nvidia-{branch}xx" if branch else "akmod-nvidia"
        return ("# needs the repository RPM Fusion nonfree", f"sudo dnf install {package}", "sudo reboot")
    if system.distribution in _RHEL:
        # Up to release 9 a module stream chooses the branch. The guide's chapter on kernel modules.
        stream = f"nvidia-driver:{branch}-dkms" if branch else "nvidia-driver:open-dkms"
        old = compat.version(system.version)[:1] in ((8,), (9,))
        return (
            "# needs NVIDIA's repository: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
            *((f"sudo dnf module enable {stream}",) if old else ()),
            f"sudo dnf install {'cuda-drivers' if branch else 'nvidia-open'}",
            "sudo reboot",
        )
    if system.distribution in ("arch", "manjaro") and not branch:
        return ("sudo pacman -S nvidia-open", "sudo reboot")
    return ("# https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",)


DRIVER_CAUTION = Text(
    "It replaces the kernel's driver: end what runs on the GPU first, and with Secure Boot enrol the module's key when "
    "asked. "
    "A screen that this GPU drives is off until the reboot ends.",
    "这会替换内核中的驱动：请先结束 GPU 上的任务；若启用了 Secure Boot，请按提示登记模块密钥。"
    "重启完成前，该 GPU 连接的显示器不可用。",
)


# --- the plan ------------------------------------------------------------------------------------------------------


def plan(machine: Machine, want_gpu: bool) -> Plan:
    """What to install on this machine. With `want_gpu` the driver comes first where it is missing or too old."""
    torch = machine.torch
    makers = {gpu.vendor for gpu in machine.gpus or () if not gpu.lost}
    gpu, driver_first, blocked = False, False, None
    choice: compat.Choice | None = None
    if not machine.system.name and not makers and torch is None:
        return Plan(None, False, False, ())  # nothing is known to choose by
    if machine.setting.jetson and (torch is None or (torch.known and not torch.cuda)):
        return Plan(None, True, True, (_jetson_step(),))
    if torch is not None and (torch.hip or torch.xpu):
        return Plan(None, "amd" in makers or "intel" in makers, False, ())
    if "nvidia" in makers:
        choice = best(machine)
        gpu, driver_first = choice is not None, _driver_is_short(machine, choice)
        blocked = _blocked(machine) if choice is None and want_gpu else None
    elif "apple" in makers:
        gpu = True  # the one build for a Mac uses its GPU
    elif want_gpu and rocm_cards(machine) and machine.system.name == "Linux":
        choice = _rocm(machine)
        gpu = choice is not None
    elif want_gpu:
        blocked = _no_gpu(machine)
    if choice is None and torch is not None and torch.cuda:
        # A CUDA build where no GPU can be seen now: it is not for us to replace it with one for the CPU.
        return Plan(None, False, False, (), blocked)
    choice = choice or choose(machine, gpu=False)
    steps = [_driver_step(machine, choice)] if driver_first and want_gpu else []
    if choice is None:
        choice = choose(machine, gpu=gpu, any_driver=True, any_python=True)
        if choice is None or not machine.python.version:
            return Plan(choice, gpu, torch is None, tuple(steps), blocked)
        return Plan(choice, gpu, True, (*steps, _python_step(machine, choice), _install_step(machine, choice)), blocked)
    if _serves(machine, gpu, choice, new_driver=bool(steps)):
        newer = torch is not None and compat.version(choice.torch)[:2] > compat.version(torch.version)[:2]
        if newer and not steps:
            steps = [_install_step(machine, choice)]
            return Plan(choice, gpu, False, tuple(steps), blocked)
        return Plan(choice, gpu, bool(steps), tuple(steps), blocked)
    if _wants_environment(machine):
        steps.append(_venv_step(machine))
    steps.append(_install_step(machine, choice))
    if torch is None and machine.packages is None:
        return Plan(choice, gpu, False, tuple(steps), blocked)  # who knows what is installed
    if choice.tag.startswith(("cu", "rocm")):
        check = 'python -c "import torch; print(torch.__version__, torch.cuda.is_available())"'
        steps.append(Step(Text("Check", "验证"), (check,)))
    return Plan(choice, gpu, True, tuple(steps), blocked)


def held_back(machine: Machine, choice: compat.Choice, gpu: bool) -> tuple[Text, ...]:
    """What keeps a machine from the newest release: each reason that would bring a newer one if it alone were gone.

    When only all of them together do, all that are known are named.
    """
    newest = compat.releases()[-1]
    system, python = machine.system, machine.python
    reasons: list[Text] = []
    if choice.release is newest or choice.tag.startswith("rocm"):
        return ()
    if python.version and not compat.python_serves(newest, python.version, python.free_threaded):
        own = _literal(compat.minor(python.version) + ("t" if python.free_threaded else ""))
        span = f"{newest.pythons[0]}–{[one for one in newest.pythons if not one.endswith('t')][-1]}"
        reasons.append(
            Text(
                f"Python {own} ({newest.newest} has wheels for {span})",
                f"Python {own}（{newest.newest} 只为 {span} 提供 wheel）",
            )
        )
    if system.name == "Linux" and compat.glibc_serves(newest, system.glibc, system.arch) is False:
        reasons.append(
            Text(
                f"glibc {system.glibc} ({newest.newest} needs {newest.glibc})",
                f"glibc {system.glibc}（{newest.newest} 需要 {newest.glibc}）",
            )
        )
    if system.name == "Darwin" and system.arch == "x86_64":
        reasons.append(
            Text("an Intel processor, for which there are no newer builds", "Intel 处理器（没有更新的版本）")
        )
    if not gpu or choice.release.build(choice.tag) is None:
        return tuple(reasons)
    driver = machine.driver
    later = choose(machine, gpu=True, any_driver=True)
    if driver and driver.version and later and later.release is not choice.release:
        cuda = ".".join(map(str, build.cuda)) if (build := later.release.build(later.tag)) else ""
        floor = compat.driver_floor(cuda, windows_numbers(machine)) or "?"
        own = _literal(driver.version)
        reasons.append(
            Text(
                f"driver {own} ({later.torch} for this GPU needs {floor})",
                f"驱动 {own}（适合该 GPU 的 {later.torch} 需要 {floor}）",
            )
        )
    if later and later.release is not newest and not reasons:
        cards = _literal(", ".join(sorted({gpu.name for gpu in nvidia(machine)})))
        reasons.append(Text(f"{cards} (no newer build has code for it)", f"{cards}（更新的版本不再含有它的代码）"))
    return tuple(reasons)


def best(machine: Machine) -> compat.Choice | None:
    """The newest CUDA build for the driver that is there, else the newest for one that is up to date."""
    driver = machine.driver
    answers = driver is None or (bool(driver_version(machine)) and not driver.problem)
    return (choose(machine, gpu=True) if answers else None) or choose(machine, gpu=True, any_driver=True)


def rocm_cards(machine: Machine) -> bool:
    """Whether there is an AMD card with ROCm builds of PyTorch; graphics inside a processor are not meant."""
    return any(gpu.vendor == "amd" and _ROCM.search(gpu.name) for gpu in machine.gpus or ())


_ROCM = re.compile(r"Instinct|\bMI\d{2,3}X?\b|\bRX [679]\d\d0|Radeon (?:AI )?PRO [WR]\d|Radeon VII")
"""rocm.docs.amd.com, compatibility matrix."""


def _rocm(machine: Machine) -> compat.Choice | None:
    for row in reversed(compat.releases()):
        python = machine.python
        if row.rocm and (not python.version or compat.python_serves(row, python.version, python.free_threaded)):
            return compat.Choice(row, f"rocm{row.rocm[-1]}")
    return None


def _driver_is_short(machine: Machine, choice: compat.Choice | None) -> bool:
    """Whether no build goes with the driver as it is."""
    driver = machine.driver
    if choice is None or driver is None:
        return False
    return bool(driver.problem) or not driver_version(machine) or choose(machine, gpu=True) is None


def _serves(machine: Machine, gpu: bool, choice: compat.Choice, new_driver: bool) -> bool:
    """Whether the installed build is one that works here, as far as can be told."""
    torch, driver = machine.torch, machine.driver
    if torch is None:
        return False
    if not gpu or not torch.known or not choice.tag.startswith(("cu", "rocm")):
        return True
    if not torch.cuda or choice.tag.startswith("rocm"):
        return False
    judged = driver is not None and not new_driver and not (machine.live and machine.live.cuda_available)
    if judged and driver and compat.driver_serves(driver.version, torch.cuda, windows_numbers(machine)) is False:
        return False
    archs = torch.archs or compat.archs_of(torch.version, torch.cuda, machine.system.arch)
    return not any(compat.fit(archs, one) == "no" for one in capabilities(machine))


def _blocked(machine: Machine) -> Text:
    cards = ", ".join(sorted({gpu.name for gpu in nvidia(machine)}))
    return Text(
        f"The table knows no CUDA build of PyTorch that goes with {_literal(cards)}, this Python, its driver and its C "
        "library together.",
        f"对照表中没有同时适合 {_literal(cards)}、当前 Python、驱动和 C 库的 CUDA 版 PyTorch。",
    )


def _no_gpu(machine: Machine) -> Text:
    setting = machine.setting
    if machine.gpus is None:
        return Text("GPUs could not be looked for.", "无法检查是否有 GPU。")
    if setting.hosted:
        return Text(
            "This session has no GPU: choose a GPU as its accelerator in the settings of the notebook.",
            "当前会话没有 GPU：请在 notebook 的设置中选择 GPU 加速器。",
        )
    if setting.container:
        return Text(
            "No GPU can be seen in this container. If the host has one, start the container anew with "
            "`docker run --gpus all ...` (the host needs NVIDIA's container toolkit).",
            "容器内看不到 GPU。如果宿主机有 GPU，请用 `docker run --gpus all ...` 重新启动容器"
            "（宿主机需要安装 NVIDIA Container Toolkit）。",
        )
    if setting.job or setting.cluster:
        return Text(
            "No GPU here: ask the scheduler for one, as in `srun --gres=gpu:1 --pty bash`.",
            "此处没有 GPU：请向调度系统申请，例如 `srun --gres=gpu:1 --pty bash`。",
        )
    return Text("No GPU was found on this machine.", "这台机器上没有找到 GPU。")


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _driver_step(machine: Machine, choice: compat.Choice | None) -> Step:
    build = choice.release.build(choice.tag) if choice else None
    cuda = ".".join(map(str, build.cuda)) if build else ""
    least = compat.driver_floor(cuda, windows_numbers(machine)) or "?"
    return Step(
        Text(
            f"Install NVIDIA's driver, {least} or newer (for CUDA {cuda})",
            f"安装 NVIDIA 驱动，版本不低于 {least}（用于 CUDA {cuda}）",
        ),
        driver_commands(machine),
        DRIVER_CAUTION if not (machine.setting.wsl or machine.setting.container) else None,
    )


def _jetson_step() -> Step:
    return Step(
        Text(
            "Install the PyTorch that NVIDIA builds for this JetPack release, or use its container",
            "安装 NVIDIA 为该 JetPack 版本构建的 PyTorch，或使用其容器",
        ),
        (f"# {JETSON}",),
    )


def _venv_step(machine: Machine) -> Step:
    windows = machine.system.name == "Windows"
    return Step(
        Text("Make an environment of your own; the system's Python stays as it is", "新建独立环境，不改动系统 Python"),
        (
            "python -m venv .venv" if windows else "python3 -m venv .venv",
            r".venv\Scripts\activate" if windows else ". .venv/bin/activate",
        ),
        otherwise=(("uv", "uv venv"),),
    )


def _python_step(machine: Machine, choice: compat.Choice) -> Step:
    python = next(version for version in reversed(choice.release.pythons) if not version.endswith("t"))
    python = "3.12" if "3.12" in choice.release.pythons else python
    return Step(
        Text(
            f"Make an environment with Python {python}: no PyTorch has wheels for Python {machine.python.version}",
            f"用 Python {python} 新建环境：没有任何 PyTorch 版本为 Python {machine.python.version} 提供 wheel",
        ),
        (f"uv venv --python {python}", ". .venv/bin/activate"),
        otherwise=(("conda", f"conda create -n torch python={python} && conda activate torch"),),
    )


def _install_step(machine: Machine, choice: compat.Choice) -> Step:
    commands: list[str] = []
    conda = conda_torch(machine)
    replaced = machine.torch is not None and has_pip_torch(machine) and not conda
    if machine.python.has_pip is False and machine.python.environment not in ("uv", "conda") and machine.torch is None:
        commands.append(f"{interpreter(machine)} -m ensurepip --upgrade")
    commands += replacement(machine, choice)
    caution = _unknown_cards(machine, choice)
    if caution is None and replaced and machine.torch is not None:
        old = _literal(machine.torch.version)
        caution = Text(
            f"It replaces torch {old} in this environment; packages that were built for that one may need a new build.",
            f"这会替换当前环境中的 torch {old}；为旧版本编译的扩展包可能需要重新安装。",
        )
    if conda:
        return Step(
            Text(
                "Make a conda environment with the newest build for this machine", "新建带有最新适用版本的 conda 环境"
            ),
            tuple(commands),
            caution
            or Text(
                "The present environment stays as it is: install your other packages into the new one, with conda.",
                "当前环境保持不变：请用 conda 把其他包装到新环境中。",
            ),
        )
    return Step(
        Text(f"Install PyTorch {choice.torch} ({choice.tag})", f"安装 PyTorch {choice.torch}（{choice.tag}）"),
        tuple(commands),
        caution,
        tuple(
            pair
            for pair in alternatives(machine, choice)
            if pair[1] not in commands and (machine.system.name != "Darwin" or pair[0] == "conda")
        ),
    )


def _unknown_cards(machine: Machine, choice: compat.Choice) -> Text | None:
    """A CUDA build for cards whose compute capability nobody told, and whose name the table does not know."""
    build = choice.release.build(choice.tag)
    unknown = _literal(", ".join(sorted({gpu.name for gpu in nvidia(machine) if not capability(gpu)})))
    if build is None or not unknown:
        return None
    codes = ", ".join(build.archs)
    return Text(
        f"The compute capability of {unknown} is not known here; this build has code for {codes} only. "
        "See `nvidia-smi --query-gpu=compute_cap --format=csv` first.",
        f"尚不清楚 {unknown} 的计算能力；该版本只含 {codes} 的代码。"
        "请先用 `nvidia-smi --query-gpu=compute_cap --format=csv` 查看。",
    )


# --- switching the toolkit -----------------------------------------------------------------------------------------


_TOOLKIT = re.compile(r"/cuda(?:-[\d.]+)?/(?:bin|lib64|lib|targets|extras|nvvm)/")


def use_cuda(machine: Machine, wanted: str, path: str, library_path: str) -> list[str] | None:
    """Shell lines that switch to a toolkit, for `eval`; None when none of that version is on disk.

    A major version alone stands for the newest of its toolkits.
    `path` and `library_path` are the present PATH and LD_LIBRARY_PATH; folders of other toolkits are taken out of both.
    """
    found = machine.toolkits or ()
    fitting = [one for one in found if wanted in (one.version, one.version.partition(".")[0]) and one.version]
    if not fitting:
        return None
    toolkit = max(fitting, key=lambda one: (compat.version(one.version), one.nvcc))
    if machine.system.name == "Windows":
        return [f"$env:CUDA_PATH = '{toolkit.path}'", f"$env:PATH = '{toolkit.path}\\bin;' + $env:PATH"]
    roots = tuple(f"{one.path.rstrip('/')}/" for one in found if one.path not in ("/usr", "/usr/local"))

    def without_toolkits(value: str) -> list[str]:
        entries = [entry for entry in value.split(":") if entry and not f"{entry}/".startswith(roots)]
        return [entry for entry in entries if not _TOOLKIT.search(f"{entry}/")]

    lines = [f"export CUDA_HOME={shlex.quote(toolkit.path)}"]
    for name, folder, value in (("PATH", "bin", path), ("LD_LIBRARY_PATH", "lib64", library_path)):
        entries = [f"{toolkit.path}/{folder}", *without_toolkits(value)]
        lines.append(f"export {name}={shlex.quote(':'.join(entries))}")
    return lines
