"""`torchward doctor`: looking at made-up machines, reading those of others, and what the command prints."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from machines import BROKEN, SOUND
from torchward.cli import main
from torchward.collect import _cuda, _devices, _python, _system, live
from torchward.collect._look import Look
from torchward.collect.machine import collect, variables
from torchward.collect.others import parse_collect_env, parse_smi, read
from torchward.engine import judge, load_rules
from torchward.facts import Machine, Toolkit
from torchward.prescribe import plan, use_cuda
from torchward.report import machine as report
from torchward.report._redact import Redactor

RULES = load_rules(select=("ENV",))

# --- a machine made of files ---------------------------------------------------------------------------------------


class Made:
    """A root folder, and a `Look` at it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: dict[str, str] = {"PATH": "/usr/bin"}
        self.path: list[str] = ["/env/lib/python3.11/site-packages"]

    def file(self, path: str, text: str | bytes = "") -> Path:
        whole = self.root / path.lstrip("/")
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_bytes(text if isinstance(text, bytes) else text.encode())
        return whole

    def program(self, name: str, script: str) -> None:
        file = self.file(f"/usr/bin/{name}", f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def package(self, name: str, version: str, requires: tuple[str, ...] = (), folder: str = "") -> None:
        lines = "".join(f"Requires-Dist: {line}\n" for line in requires)
        stem = f"{folder or self.path[0]}/{name.replace('-', '_')}-{version}"
        self.file(f"{stem}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n{lines}\n\ntext")

    def torch(self, version: str, cuda: str | None, folder: str = "") -> None:
        base = folder or self.path[0]
        self.package("torch", version, folder=base)
        self.file(f"{base}/torch/__init__.py")
        self.file(
            f"{base}/torch/version.py",
            f"from typing import Optional\n__version__ = '{version}'\ndebug = False\ncuda: Optional[str] = {cuda!r}\nhip = None\n",
        )

    def look(self) -> Look:
        return Look(
            self.root, self.env, self.path, self.root / "work", Path("/home/ana"), "/env/bin/python", "/env", "/usr"
        )


@pytest.fixture
def made(tmp_path: Path) -> Made:
    one = Made(tmp_path)
    one.file("/proc/version", "Linux version 6.8.0")
    one.file("/etc/os-release", 'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n')
    (tmp_path / "work").mkdir()
    return one


SMI = """\
Sat Nov 21 04:12:11 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
|   0  NVIDIA A100-SXM4-80GB          On  |   00000000:07:00.0 Off |                    2 |
| N/A   29C    P0             61W /  400W |   78412MiB /  81920MiB |     97%   E. Process |
|                                         |                        |             Disabled |
+-----------------------------------------+------------------------+----------------------+
|   1  NVIDIA A100-SXM4-80GB          On  |   00000000:0B:00.0 Off |                    0 |
| N/A   28C    P0             59W /  400W |       4MiB /  81920MiB |      0%      Default |
|                                         |                        |              Enabled |
+-----------------------------------------+------------------------+----------------------+

+-----------------------------------------------------------------------------------------+
| MIG devices:                                                                            |
+------------------+----------------------------------+-----------+-----------------------+
| GPU  GI  CI  MIG |                     Memory-Usage |        Vol|        Shared         |
|      ID  ID  Dev |                       BAR1-Usage | SM     Unc| CE ENC  DEC  OFA  JPG |
|==================+==================================+===========+=======================|
|  1    7   0   0  |              12MiB /  9728MiB    | 16      0 |  1   0    0    0    0 |
+------------------+----------------------------------+-----------+-----------------------+
+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|  GPU   GI   CI        PID   Type   Process name                              GPU Memory |
|=========================================================================================|
|    0   N/A  N/A   1234567      C   /home/ana/secret/.venv/bin/python           78400MiB |
+-----------------------------------------------------------------------------------------+
"""


def test_a_machine_is_read_from_its_files_and_programs(made: Made) -> None:
    made.torch("2.5.1+cu124", "12.4")
    made.package("numpy", "2.1.3")
    made.package("nvidia-cudnn-cu12", "9.1.0.70")
    made.package("requests", "2.32")
    made.file("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n")
    made.file("/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    made.file("/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.15")
    for node in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        made.file(f"/dev/{node}")
    made.program(
        "nvidia-smi",
        f"""case "$1" in
        --query-gpu=*) echo '0, NVIDIA A100-SXM4-80GB, 550.54.15, 81920, 78412, 97, Exclusive_Process, Disabled, 2, 8.0';
                       echo '1, NVIDIA A100-SXM4-80GB, 550.54.15, 81920, 4, 0, Default, Enabled, [N/A], 8.0';;
        *) cat <<'END'\n{SMI}END\n;; esac""",
    )
    made.file("/usr/local/cuda-12.4/include/cuda.h", "#define CUDA_VERSION 12040\n")
    made.file("/usr/local/cuda-12.4/include/crt/host_config.h", "#if __GNUC__ > 13\n#error\n")
    made.file("/usr/local/cuda-12.4/bin/nvcc")
    made.file("/usr/local/cuda-11.8/include/cuda.h", "#define CUDA_VERSION 11080\n")
    made.program("gcc", "echo 'gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0'")
    made.env |= {
        "CUDA_HOME": "/usr/local/cuda-12.4",
        "HF_TOKEN": "hf_abcdefghijklmnopqrst",
        "CUDA_VISIBLE_DEVICES": "0",
    }
    seen = collect(made.look())
    assert seen.blind == {}
    assert seen.torch is not None
    assert (seen.torch.version, seen.torch.cuda, seen.torch.known) == ("2.5.1+cu124", "12.4", True)
    assert [(one.name, one.version) for one in seen.packages or ()] == [
        ("numpy", "2.1.3"), ("nvidia-cudnn-cu12", "9.1.0.70"), ("torch", "2.5.1+cu124"),
    ]  # fmt: skip
    assert seen.gpus is not None
    first, second = seen.gpus
    assert (first.capability, first.memory, first.ecc_errors, first.compute_mode) == (
        "8.0", 81920 << 20, 2, "Exclusive_Process",
    )  # fmt: skip
    assert (second.mig, second.mig_devices) == (True, 1)
    assert [(one.pid, one.name) for one in first.processes] == [(1234567, "python")]
    assert seen.driver is not None
    assert (seen.driver.version, seen.driver.module, seen.driver.library, seen.driver.cuda, seen.driver.problem) == (
        "550.54.15", "550.54.15", "550.54.15", "12.4", "",
    )  # fmt: skip
    assert [(kit.version, kit.nvcc, kit.gcc_limit) for kit in seen.toolkits or ()] == [
        ("11.8", False, None), ("12.4", True, 13),
    ]  # fmt: skip
    assert (seen.gcc, seen.cuda_home_exists) == ("11.4.0", True)
    assert seen.environment["HF_TOKEN"] == "(set)"
    assert seen.environment["CUDA_VISIBLE_DEVICES"] == "0"


def test_an_empty_machine_is_looked_at_too(tmp_path: Path) -> None:
    seen = collect(Made(tmp_path).look())
    assert seen.torch is None
    assert seen.packages == ()
    assert seen.gpus is None
    assert "gpus" in seen.blind


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "mismatch"),
        (
            'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9',
            "unreachable",
        ),
        ("echo 'No devices were found'; exit 6", "no-devices"),
        ("echo 'Failed to initialize NVML: Unknown Error'; exit 255", "cut-off"),
        ("echo 'Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.'; exit 15", "lost"),
        ("printf '\\377\\376 broken'; exit 1", "failed"),
        ("kill -SEGV $$", "failed"),
    ],
)
def test_an_nvidia_smi_that_fails(made: Made, script: str, problem: str) -> None:
    made.program("nvidia-smi", script)
    driver = collect(made.look()).driver
    assert driver is not None
    assert driver.problem == problem


def test_an_nvidia_smi_that_hangs_is_left(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cuda, "SMI_LIMIT", 0.3)
    made.program("nvidia-smi", "/bin/sleep 30 & /bin/sleep 30")
    start = time.perf_counter()
    driver = collect(made.look()).driver
    assert time.perf_counter() - start < 20  # not the 30 s that it sleeps, on a machine that is busy
    assert driver is not None
    assert driver.problem == "hangs"


def test_an_old_driver_that_does_not_know_a_field(made: Made) -> None:
    made.program(
        "nvidia-smi",
        """case "$1" in
        *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;;
        --query*) echo '0, Tesla K80, 440.33.01, 11441, 0, 0, Default, [N/A], 0';;
        *) echo '| NVIDIA-SMI 440.33.01    Driver Version: 440.33.01    CUDA Version: 10.2     |';; esac""",
    )
    gpus = collect(made.look()).gpus
    assert gpus is not None
    assert (gpus[0].name, gpus[0].capability, gpus[0].memory) == ("Tesla K80", "", 11441 << 20)


def test_a_container_with_the_driver_and_without_its_tools(made: Made) -> None:
    made.file("/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    made.file("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue\n")
    program = made.file(
        "/env/bin/python", "#!/bin/sh\necho 'CUDA Version: 12.4'\necho '0, NVIDIA L4, , 22491, , , , , , 8.9'\n"
    )
    program.chmod(0o755)
    seen = collect(made.look())
    assert seen.driver is not None
    assert (seen.driver.version, seen.driver.cuda, seen.driver.problem) == ("550.54.15", "12.4", "")
    assert [(gpu.name, gpu.capability, gpu.memory) for gpu in seen.gpus or ()] == [("NVIDIA L4", "8.9", 22491 << 20)]


class FakeNvml:
    """Three cards as `nvidia-ml-py` tells of them: one in use, one in MIG mode, one that fell off the bus."""

    NVML_MEMORY_ERROR_TYPE_UNCORRECTED = NVML_VOLATILE_ECC = 0

    class NVMLError(Exception):
        pass

    def __getattr__(self, name: str) -> Any:
        def answer(*of: Any) -> Any:
            given = {
                "nvmlInit": None,
                "nvmlSystemGetDriverVersion": b"570.124.06",
                "nvmlSystemGetCudaDriverVersion": 12080,
                "nvmlDeviceGetCount": 3,
                "nvmlDeviceGetHandleByIndex": of[0] if of and of[0] != 2 else None,
                "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=80 << 30, used=40 << 30),
                "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=50) if of == (0,) else None,
                "nvmlDeviceGetMigMode": (of == (1,), False),
                "nvmlDeviceGetCudaComputeCapability": (9, 0),
                "nvmlDeviceGetTotalEccErrors": 0,
                "nvmlDeviceGetName": "NVIDIA H100, 80GB",
                "nvmlDeviceGetComputeMode": 3,
                "nvmlDeviceGetMaxMigDeviceCount": 7,
                "nvmlDeviceGetMigDeviceHandleByIndex": of[1] if len(of) > 1 and of[1] < 2 else None,
                "nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=7, usedGpuMemory=1 << 30)] * (of == (0,)),
                "nvmlSystemGetProcessName": b"/usr/bin/python train.py",
            }[name]
            if given is None and name != "nvmlInit":
                raise self.NVMLError
            return given

        return answer


def test_what_nvml_tells(made: Made) -> None:
    rows = list(_devices._nvml(FakeNvml()))
    made.file("/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    made.file(f"{made.look().path[0]}/pynvml.py")
    made.program("nvidia-smi", "sleep 30")  # it is not asked
    made.file("/env/bin/python", "#!/bin/sh\n" + "\n".join(f"echo '{row}'" for row in rows)).chmod(0o755)
    seen = collect(made.look())
    assert seen.driver is not None
    assert seen.gpus is not None
    assert (seen.driver.version, seen.driver.cuda, seen.driver.problem) == ("570.124.06", "12.8", "")
    busy, mig, lost = seen.gpus
    assert (busy.name, busy.capability, busy.memory, busy.used) == ("NVIDIA H100  80GB", "9.0", 80 << 30, 40 << 30)
    assert (busy.utilization, busy.compute_mode, busy.ecc_errors) == (0.5, "Exclusive_Process", 0)
    assert [(one.pid, one.name, one.memory) for one in busy.processes] == [(7, "python", 1 << 30)]
    assert (busy.mig, mig.mig, mig.mig_devices, mig.utilization, lost.lost) == (False, True, 2, None, True)


def test_an_nvml_that_fails_leaves_the_question_to_nvidia_smi(made: Made) -> None:
    made.file("/usr/lib/x86_64-linux-gnu/libcuda.so.1")
    made.file(f"{made.look().path[0]}/pynvml.py")
    made.file("/env/bin/python", "#!/bin/sh\necho 'cuInit gave 999'; exit 1\n").chmod(0o755)
    made.program("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    driver = collect(made.look()).driver
    assert driver is not None
    assert driver.problem == "mismatch"


def test_gpus_on_the_bus_without_a_driver(made: Made) -> None:
    made.program(
        "lspci",
        "echo '01:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD104 [GeForce RTX 4070] [10de:2786] (rev a1)'\n"
        "echo '0c:00.0 VGA compatible controller [0300]: Advanced Micro Devices, Inc. [AMD/ATI] Raphael [1002:164e]'\n"
        "echo '02:00.0 Ethernet controller [0200]: Intel Corporation [8086:15f3]'\n"
        "echo '05:00.0 VGA compatible controller [0300]: ASPEED Technology, Inc. [1a03:2000]'",
    )
    gpus = collect(made.look()).gpus or ()
    assert [(gpu.vendor, gpu.index) for gpu in gpus] == [("nvidia", None), ("amd", None)]
    assert gpus[0].name == "GeForce RTX 4070"


def test_driver_packages_of_the_distribution(made: Made) -> None:
    made.file(
        "/var/lib/dpkg/status",
        "Package: nvidia-driver-550\nStatus: install ok installed\nVersion: 550.120-0ubuntu1\n\n"
        "Package: libnvidia-compute-535\nStatus: deinstall ok config-files\nVersion: 535.1\n\n"
        "Package: bash\nStatus: install ok installed\nVersion: 5\n\n",
    )
    seen = collect(made.look())
    assert seen.driver is not None
    assert seen.driver.packages == ("nvidia-driver-550 550.120-0ubuntu1",)


def test_broken_metadata_and_leftovers(made: Made) -> None:
    made.file(f"{made.path[0]}/torch-2.8.0.dist-info/METADATA", b"\xff\xfe\x00broken")
    (made.root / made.path[0].lstrip("/") / "numpy-2.0.dist-info").mkdir()
    made.file(f"{made.path[0]}/~orch-2.7.0.dist-info/METADATA", "x")
    made.file(f"{made.path[0]}/torch/version.py", "__version__ = '2.8.0'\ncuda = (\n")
    seen = collect(made.look())
    assert {(one.name, one.version) for one in seen.packages or ()} == {("torch", "2.8.0"), ("numpy", "2.0")}
    assert seen.python.leftovers == ("~orch-2.7.0.dist-info",)
    assert seen.torch is not None
    assert (seen.torch.version, seen.torch.known) == ("2.8.0", False)


def test_the_first_copy_on_the_path_is_the_active_one(made: Made) -> None:
    made.path.insert(0, "/home/ana/.local/lib/python3.11/site-packages")
    made.torch("2.5.1+cu121", "12.1", made.path[0])
    made.torch("2.8.0+cu128", "12.8", made.path[1])
    seen = collect(made.look())
    assert [(one.version, one.active) for one in seen.packages or ()] == [("2.5.1+cu121", True), ("2.8.0+cu128", False)]
    assert seen.torch is not None
    assert seen.torch.version == "2.5.1+cu121"
    assert [one.code for one in judge([seen], RULES).findings][:1] == ["ENV005"]


def test_thousands_of_packages_are_quick(made: Made) -> None:
    folder = made.root / made.path[0].lstrip("/")
    folder.mkdir(parents=True)
    for number in range(3000):
        (folder / f"package{number}-1.0.dist-info").mkdir()
    made.torch("2.8.0", None)
    start = time.perf_counter()
    found = _python.packages(made.look())
    assert time.perf_counter() - start < 10
    assert [one.name for one in found] == ["torch"]


def test_unreadable_files_are_no_error(made: Made) -> None:
    for path in ("/proc/meminfo", "/etc/docker/daemon.json", "/var/lib/dpkg/status", "/env/pyvenv.cfg"):
        (made.root / path.lstrip("/")).mkdir(parents=True)  # a folder cannot be read as a file
    assert collect(made.look()).blind.keys() <= {"gpus"}


def test_a_link_to_a_toolkit_is_that_toolkit(made: Made) -> None:
    made.file("/usr/local/cuda-12.8/include/cuda.h", "#define CUDA_VERSION 12080\n")
    (made.root / "usr/local/cuda").symlink_to(made.root / "usr/local/cuda-12.8")
    (made.root / "usr/local/cuda-12").symlink_to(made.root / "usr/local/cuda-12.8")
    assert [kit.path for kit in _cuda.toolkits(made.look())] == ["/usr/local/cuda-12.8"]


def test_control_groups_and_containers(made: Made) -> None:
    made.file("/proc/self/cgroup", "0::/kubepods/pod1\n")
    made.file("/sys/fs/cgroup/kubepods/pod1/cpu.max", "max 100000\n")
    made.file("/sys/fs/cgroup/kubepods/cpu.max", "350000 100000\n")
    made.file("/sys/fs/cgroup/kubepods/pod1/memory.max", "4294967296\n")
    made.env["KUBERNETES_SERVICE_HOST"] = "10.0.0.1"
    look = made.look()
    assert (_system._quota(look), _system._memory_limit(look)) == (3.5, 4 << 30)
    assert _system.setting(look, "6.1.0").container == "kubernetes"


@pytest.mark.parametrize(
    ("kernel", "wsl"),
    [
        ("4.4.0-19041-Microsoft", 1),
        ("5.15.167.4-microsoft-standard-WSL2", 2),
        ("6.6.36.3-microsoft-standard", 2),
        ("6.8.0", 0),
    ],
)
def test_wsl(made: Made, kernel: str, wsl: int) -> None:
    assert _system.setting(made.look(), kernel).wsl == wsl


def test_pip_settings_lose_their_passwords(made: Made) -> None:
    made.file("/home/ana/.config/pip/pip.conf", "[global]\nindex-url = https://ana:s3cret@nexus.corp/simple\nextra-index-url =\n    https://x/simple\n    https://y/simple\n[install]\nuser = true\n")  # fmt: skip
    made.env["HTTPS_PROXY"] = "http://ana:s3cret@proxy:3128"
    seen = _python.pip(made.look())
    assert "s3cret" not in repr(seen)
    assert seen.index == "https://***@nexus.corp/simple"
    assert seen.extra == ("https://x/simple", "https://y/simple")
    assert seen.target == "user"
    assert variables({"MASTER_ADDR": "node17.corp"}) == {"MASTER_ADDR": "(set)"}
    assert variables({"PIP_X": "1", "CUDA_X": "http://a:b@c", "WANDB_API_KEY": "k", "NCCL_DEBUG": "INFO"}) == {
        "CUDA_X": "http://***@c", "NCCL_DEBUG": "INFO",
    }  # fmt: skip


def test_notebook_kernels(made: Made) -> None:
    for name, interpreter in (
        ("here", "/env/bin/python"),
        ("other", "/opt/conda/bin/python"),
        ("gone", "/old/bin/python"),
    ):
        made.file(
            f"/home/ana/.local/share/jupyter/kernels/{name}/kernel.json",
            json.dumps({"argv": [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}),
        )
    made.file("/home/ana/.local/share/jupyter/kernels/r/kernel.json", "{not json")
    made.file("/env/bin/python")
    made.file("/opt/conda/bin/python")
    (made.root / "opt/conda/lib/python3.12/site-packages").mkdir(parents=True)
    seen = {kernel.name: kernel for kernel in _python.kernels(made.look())}
    assert (seen["here"].here, seen["other"].here) == (True, False)
    assert (seen["other"].torch, seen["gone"].exists) == ("", False)


def test_files_that_hide_libraries(made: Made) -> None:
    made.file("/work/torch.py")
    made.file("/work/random/__init__.py")
    made.file("/work/train.py")
    (made.root / "work/datasets").mkdir()
    assert tuple(_python._shadows(replace_folder(made))) == ("random/", "torch.py")


def replace_folder(made: Made) -> Look:
    look = made.look()
    look.folder = Path("/work")
    return look


def test_daemon_json(made: Made) -> None:
    made.program("docker", "true")
    made.file("/etc/docker/daemon.json", '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}},}')
    assert _cuda.docker(made.look()).broken
    made.file("/etc/docker/daemon.json", '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}')
    assert _cuda.docker(made.look()).runtimes == ("nvidia",)
    made.file("/etc/docker/daemon.json", "[1]")
    assert _cuda.docker(made.look()).broken


# --- the live check ------------------------------------------------------------------------------------------------


def trial(tmp_path: Path, program: str) -> Any:
    file = tmp_path / "trial.py"
    file.write_text(program)
    return live.check(limit=1.0, program=file)[0]


def test_a_torch_that_crashes(tmp_path: Path) -> None:
    seen = trial(tmp_path, "import ctypes\nctypes.string_at(0)")
    assert (seen.imported, seen.signal) == (False, "SIGSEGV")
    assert "Segmentation fault" in seen.said


def test_a_torch_that_hangs_keeps_what_was_said_before(tmp_path: Path) -> None:
    seen = trial(tmp_path, 'print(\'{"imported": true, "seconds": 1.5}\', flush=True)\nimport time\ntime.sleep(60)')
    assert (seen.imported, seen.timed_out, seen.seconds) == (True, True, 1.5)


def test_a_trial_that_prints_nonsense(tmp_path: Path) -> None:
    seen = trial(tmp_path, "import sys\nsys.stdout.buffer.write(b'\\xff{\\n[1]\\n')\nraise SystemExit('no torch')")
    assert not seen.imported
    assert seen.said == "no torch"


@pytest.mark.torch
def test_the_real_trial() -> None:
    seen, archs = live.check()
    assert seen.imported
    assert not [one for one in seen.trials if not one.ok]
    assert {"loader", "gloo", "numpy", "matmul", "convolution", "bfloat16"} <= {one.what for one in seen.trials}
    assert isinstance(archs, tuple)


# --- machines of others --------------------------------------------------------------------------------------------

REPORT = """\
Collecting environment information...
/opt/conda/lib/python3.10/site-packages/torch/cuda/__init__.py:128: UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version 11040). (Triggered internally at ../c10/cuda/CUDAFunctions.cpp:108.)
PyTorch version: 2.3.1+cu121
Is debug build: False
CUDA used to build PyTorch: 12.1
ROCM used to build PyTorch: N/A

OS: Ubuntu 20.04.6 LTS (x86_64)
GCC version: (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0
Libc version: glibc-2.31

Python version: 3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0] (64-bit runtime)
Python platform: Linux-5.15.0-1022-aws-x86_64-with-glibc2.31
Is CUDA available: False
CUDA runtime version: 11.4.48
CUDA_MODULE_LOADING set to: N/A
GPU models and configuration:
GPU 0: NVIDIA A10G
GPU 1: NVIDIA A10G

Nvidia driver version: 470.57.02
cuDNN version: Probably one of the following:
/usr/lib/x86_64-linux-gnu/libcudnn.so.8.9.7
HIP runtime version: N/A
Is XNNPACK available: True

CPU:
Architecture:                       x86_64
CPU(s):                             48
Model name:                         AMD EPYC 7R32

Versions of relevant libraries:
[pip3] numpy==1.26.4
[pip3] torch==2.3.1+cu121
[pip3] torchvision==0.18.1+cu121
[conda] pytorch                   2.1.0           py3.10_cuda12.1_cudnn8.9.2_0    pytorch
[conda] torch                     2.3.1+cu121              pypi_0    pypi
"""


def flattened(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    "shape",
    [
        str,
        flattened,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
        lambda text: "".join(f"    {line}\n" for line in text.splitlines()),
        lambda text: f"### Bug\n\nIt is slow.\n\n```\n{text}```\n\n### More\nOS: mine\n",
        json.dumps,
    ],
    ids=["plain", "flattened", "windows", "quoted", "indented", "issue", "escaped"],
)
def test_a_report_of_collect_env(shape: Callable[[str], str]) -> None:
    seen = read(shape(REPORT))
    assert seen.source == "collect_env"
    assert seen.torch is not None
    assert (seen.torch.version, seen.torch.cuda) == ("2.3.1+cu121", "12.1")
    assert [gpu.name for gpu in seen.gpus or ()] == ["NVIDIA A10G", "NVIDIA A10G"]
    assert seen.driver is not None
    assert seen.driver.version == "470.57.02"
    assert (seen.system.name, seen.system.arch, seen.system.glibc) == ("Linux", "x86_64", "2.31")
    assert seen.python.version == "3.10.12"
    assert seen.live is not None
    assert seen.live.cuda_available is False
    assert "too old" in seen.live.cuda_said
    assert {(one.name, one.version, one.source) for one in seen.packages or ()} == {
        ("numpy", "1.26.4", "pip"), ("torch", "2.3.1+cu121", "pip"), ("torchvision", "0.18.1+cu121", "pip"),
        ("pytorch", "2.1.0", "conda"),
    }  # fmt: skip
    diagnosis = judge([seen], RULES)
    assert [one.code for one in diagnosis.findings] == ["ENV045", "ENV006"]
    assert [one.code for one in diagnosis.findings[0].symptoms] == ["ENV123"]


@pytest.mark.parametrize("cut", range(40, len(REPORT), 97))
def test_a_report_cut_short_is_no_error(cut: int) -> None:
    text = REPORT[:cut]
    if "PyTorch version:" in text:
        judge([read(text)], RULES)
        plan(read(text), want_gpu=True)
    else:
        with pytest.raises(ValueError, match="neither"):
            read(text)


def test_reports_of_other_systems() -> None:
    windows = parse_collect_env(
        "PyTorch version: 2.5.1+cu121\nCUDA used to build PyTorch: 12.1\nOS: Microsoft Windows 11 Pro (10.0.22631 64-bit)\n"
        "Python version: 3.11.9 | packaged by Anaconda, Inc. [MSC v.1916 64 bit (AMD64)] (64-bit runtime)\n"
        "Python platform: Windows-10-10.0.22631-SP0\nIs CUDA available: True\n"
        "GPU models and configuration: GPU 0: NVIDIA GeForce RTX 5070 Ti\nNvidia driver version: 572.83\n"
    )
    assert (windows.system.name, windows.system.arch) == ("Windows", "x86_64")
    assert [one.code for one in judge([windows], RULES).findings] == ["ENV046"]
    mac = parse_collect_env(
        "PyTorch version: 2.8.0\nCUDA used to build PyTorch: None\nOS: macOS 15.3.1 (arm64)\nIs CUDA available: False\n"
    )
    assert (mac.system.name, mac.system.arch) == ("Darwin", "arm64")
    assert judge([mac], RULES).findings == ()
    rocm = parse_collect_env(
        "PyTorch version: 2.5.1+rocm6.2\nCUDA used to build PyTorch: N/A\nROCM used to build PyTorch: 6.2.41133\n"
        "OS: Ubuntu 22.04 LTS (x86_64)\nIs CUDA available: True\n"
        "GPU models and configuration: AMD Instinct MI300X (gfx942:sramecc+:xnack-)\nNvidia driver version: Could not collect\n"
    )
    assert rocm.torch is not None
    assert (rocm.torch.hip, [gpu.vendor for gpu in rocm.gpus or ()]) == ("6.2.41133", ["amd"])
    assert judge([rocm], RULES).findings == ()
    wsl = parse_collect_env(
        "PyTorch version: 2.4.0+cu121\nCUDA used to build PyTorch: 12.1\nOS: Ubuntu 22.04.4 LTS (x86_64)\n"
        "Python platform: Linux-5.15.153.1-microsoft-standard-WSL2-x86_64-with-glibc2.35\nIs CUDA available: True\n"
        "GPU models and configuration: GPU 0: NVIDIA GeForce RTX 4090\nNvidia driver version: 527.56\n"
    )
    assert wsl.setting.wsl == 2
    assert [one.code for one in judge([wsl], RULES).findings] == []  # CUDA was available: what is seen to work does


def test_a_table_of_nvidia_smi() -> None:
    seen = parse_smi(SMI)
    assert seen.driver is not None
    assert (seen.driver.version, seen.driver.cuda) == ("550.54.15", "12.4")
    first, second = seen.gpus or ()
    assert (first.memory, first.used, first.utilization, first.ecc_errors) == (81920 << 20, 78412 << 20, 0.97, 2)
    assert (first.mig, second.mig, second.mig_devices) == (False, True, 1)
    assert {one.code for one in judge([seen], RULES).findings} == {"ENV053", "ENV055"}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("|   0  Tesla T4            Off  | 00000000:00:04.0 Off |                    0 |", "Tesla T4"),
        ("|   0  NVIDIA GeForce ...  Off  | 00000000:01:00.0  On |                  N/A |", "NVIDIA GeForce ..."),
        (
            "|   0  NVIDIA GeForce RTX 4090        Off | 00000000:01:00.0  On |                  Off |",
            "NVIDIA GeForce RTX 4090",
        ),
        (
            "|   0  NVIDIA GeForce RTX 3060      WDDM  |   00000000:01:00.0  On |                  N/A |",
            "NVIDIA GeForce RTX 3060",
        ),
        ("|   0  GeForce GTX 108...  Off  | 0000:01:00.0     Off |                  N/A |", "GeForce GTX 108..."),
    ],
)
def test_rows_of_older_and_newer_tables(row: str, name: str) -> None:
    head = "| NVIDIA-SMI 470.82.01    Driver Version: 470.82.01    CUDA Version: 11.4     |\n"
    (gpu,) = (
        parse_smi(
            head + row + "\n| N/A   36C    P8     9W /  70W |      0MiB / 15079MiB |      0%      Default |\n"
        ).gpus
        or ()
    )
    assert (gpu.name, gpu.memory) == (name, 15079 << 20)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.120\n", "ENV041"),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that ...\n",
            "ENV042",
        ),
        ("$ nvidia-smi\nNo devices were found\n", "ENV073"),
        ("Failed to initialize NVML: Unknown Error", "ENV074"),
        ("Unable to determine the device handle for GPU0000:02:00.0: GPU is lost.  Reboot the system", "ENV052"),
    ],
)
def test_what_a_failing_nvidia_smi_says(text: str, code: str) -> None:
    assert [one.code for one in judge([read(text)], RULES).findings] == [code]


ALIGNED = """\
INFO 05-20 07:00:40 [__init__.py:239] Automatically detected platform cuda.
==============================
        System Info
==============================
OS                           : Ubuntu 22.04.5 LTS (aarch64)
GCC version                  : (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0
Libc version                 : glibc-2.35

==============================
       PyTorch Info
==============================
PyTorch version              : 2.6.0+cu126
CUDA used to build PyTorch   : 12.6

==============================
      Python Environment
==============================
Python version               : 3.12.9 (main, Mar 17 2025, 20:48:41) [GCC 6.3.0 20170516] (64-bit runtime)
Python platform              : Linux-6.6.87.2-microsoft-standard-WSL2-aarch64-with-glibc2.35

==============================
       CUDA / GPU Info
==============================
Is CUDA available            : True
GPU models and configuration :
GPU 0: NVIDIA GeForce RTX 5090
GPU 1: NVIDIA GeForce RTX 5060 Ti

Nvidia driver version        : 581.57
"""
"""As projects for serving models print it."""


def test_a_report_with_aligned_colons() -> None:
    seen = read(ALIGNED)
    assert seen.torch is not None
    assert seen.driver is not None
    assert seen.live is not None
    assert (seen.torch.version, seen.torch.cuda, seen.driver.version) == ("2.6.0+cu126", "12.6", "581.57")
    assert [gpu.name for gpu in seen.gpus or ()] == ["NVIDIA GeForce RTX 5090", "NVIDIA GeForce RTX 5060 Ti"]
    assert (seen.system.distribution, seen.system.arch, seen.system.glibc) == ("ubuntu", "aarch64", "2.35")
    assert (seen.setting.wsl, seen.python.version, seen.live.cuda_available) == (2, "3.12.9", True)


def test_a_report_typed_with_full_width_colons_and_without_one() -> None:
    seen = read(
        "PyTorch version 1.5.0\nCUDA used to build PyTorch\uff1a 10.2\nGPU models and configuration:\nGPU 0\uff1a Tesla T4\n"
    )
    assert seen.torch is not None
    assert (seen.torch.version, seen.torch.cuda) == ("1.5.0", "10.2")
    assert [gpu.name for gpu in seen.gpus or ()] == ["Tesla T4"]


def test_a_build_for_rocm_names_cards_of_amd() -> None:
    seen = read(
        "PyTorch version: 2.8.0\nCUDA used to build PyTorch: N/A\nROCM used to build PyTorch: 6.4.43482\n"
        "Is CUDA available: True\nGPU models and configuration: Device 66a1\n"
    )
    assert [(gpu.name, gpu.vendor) for gpu in seen.gpus or ()] == [("Device 66a1", "amd")]


def test_a_build_for_xpu_and_its_cards() -> None:
    seen = read(
        "PyTorch version: 2.8.0+xpu\nCUDA used to build PyTorch: None\nIs CUDA available: False\n"
        "GPU models and configuration: No CUDA\nIs XPU available: True\nXPU used to build PyTorch: 20250101\n"
        "Intel GPU models onboard:\n* Intel(R) Data Center GPU Max 1550\n* Intel(R) Data Center GPU Max 1550\n"
        "Intel GPU models detected:\n* [0] _XpuDeviceProperties(name='Intel(R) Data Center GPU Max 1550')\n"
    )
    assert seen.torch is not None
    assert seen.torch.xpu == "20250101"
    assert [gpu.vendor for gpu in seen.gpus or ()] == ["intel", "intel"]
    assert plan(seen, want_gpu=False).choice is None  # it is not to be replaced by a build for the CPU


def test_a_driver_that_is_known_by_its_complaint_alone() -> None:
    seen = read(
        "UserWarning: CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).\n"
        "PyTorch version: 2.1.0+cu121\nCUDA used to build PyTorch: 12.1\nPython version: 3.11.6 (main)\n"
        "Is CUDA available: False\nCUDA runtime version: Could not collect\n"
    )
    found = judge([seen], RULES).findings
    assert [one.code for one in found] == ["ENV045"]
    assert found[0].data["has"] == "11.4"
    assert "cu118" in str(found[0].data["command"])


SMI_LOG = """\
==============NVSMI LOG==============

Timestamp                           : Wed Jun 24 17:05:47 2026
Driver Version                      : 550.54.15
CUDA Version                        : 12.4

Attached GPUs                       : 2
GPU 00000000:01:00.0
    Product Name                    : NVIDIA A100-SXM4-80GB
    Display Mode                    : Disabled
    MIG Mode
        Current                     : Enabled
        Pending                     : Enabled
    FB Memory Usage
        Total                       : 81920 MiB
        Reserved                    : 600 MiB
        Used                        : 78412 MiB
    BAR1 Memory Usage
        Total                       : 131072 MiB
        Used                        : 1 MiB
    Compute Mode                    : Exclusive_Process
GPU 00000000:02:00.0
    Product Name                    : GeForce GTX 1650
    MIG Mode
        Current                     : N/A
        Pending                     : N/A
    Compute Mode                    : Default
"""


def test_the_long_form_of_nvidia_smi() -> None:
    seen = read(SMI_LOG)
    assert seen.driver is not None
    assert seen.gpus is not None
    assert (seen.driver.version, seen.driver.cuda) == ("550.54.15", "12.4")
    first, second = seen.gpus
    assert (first.name, first.memory, first.used) == ("NVIDIA A100-SXM4-80GB", 81920 << 20, 78412 << 20)
    assert (first.mig, first.mig_devices, first.compute_mode) == (True, 0, "Exclusive_Process")
    assert (second.name, second.memory, second.mig, second.compute_mode) == ("GeForce GTX 1650", None, None, "Default")


@pytest.mark.parametrize("text", ["", "hello", "{", "{}", '{"machine": 3}', '{"machine": {"gpus": 3}}', "[" * 5000, "\0" * 10,
                                  '{"machine": {"gpus": [{}]}}', '{"version": 99, "machine": {}}'])  # fmt: skip
def test_other_texts_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w{3}"):
        read(text)


@pytest.mark.parametrize("name", [*SOUND, *BROKEN])
def test_a_machine_survives_its_own_json(name: str) -> None:
    machine: Machine = SOUND[name] if name in SOUND else BROKEN[name][0]
    text = json.dumps({"version": 1, "machine": report.seen(machine)})
    assert replace(read(text), source=machine.source) == machine


# --- what is printed -----------------------------------------------------------------------------------------------


@cache
def validator() -> Any:
    return pytest.importorskip("jsonschema").Draft202012Validator(report.schema())


def test_the_schema_is_one_and_would_notice() -> None:
    validator().check_schema(report.schema())
    told = json.loads(report.dump(examination(SOUND["wsl_2"]), Redactor()))
    assert validator().is_valid(told)
    for spoiled in ({"version": 2}, {"ready": "yes"}, {"findings": [{}]}, {"unknown": 1}):
        assert not validator().is_valid({**told, **spoiled})


def examination(machine: Machine, language: str = "en", want_gpu: bool = False) -> report.Examination:
    return report.Examination(
        machine, judge([machine], RULES), RULES, plan(machine, want_gpu), language, want_gpu, None  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", [*SOUND, *BROKEN])
def test_every_machine_can_be_told_of(name: str, language: str) -> None:
    import io

    machine: Machine = SOUND[name] if name in SOUND else BROKEN[name][0]
    one = examination(machine, language, want_gpu=True)
    stream = io.StringIO()
    report.write(one, stream, everything=True)
    text = stream.getvalue()
    assert not re.search(r"\{[a-z_]+\}", text)
    assert "2026-11-20" in text
    assert all(finding.code in text for finding in one.diagnosis.findings)
    validator().validate(json.loads(report.dump(one, Redactor())))
    assert report.issue(one, Redactor()).count("\n") > 8


def test_causes_stand_above_the_machine() -> None:
    import io

    stream = io.StringIO()
    report.write(examination(BROKEN["driver_of_cuda_11_for_a_build_of_12"][0]), stream)
    text = stream.getvalue()
    assert text.index("ENV045") < text.index("newest PyTorch for this machine") < text.index("Ubuntu 22.04")
    assert "cu118" in text  # what works without a new driver


def test_what_tells_who_and_where_is_taken_out() -> None:
    redactor = Redactor("/home/ana.smith", "ana.smith", "calypso")
    text = (
        "/home/ana.smith/secret project/x /home/ana.smith/work/app/.venv/lib/python3.11/site-packages C:\\Users\\Bob\\repo "
        "/Users/eve/code hf_abcdefghijklmnopqrstuv https://ana:pw@nexus.corp.local:8081/simple https://pypi.org/simple "
        "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6 ana.smith@example.com on calypso at 10.1.2.3, driver 535.104.05, nvidia-cudnn-cu12 9.10.2.21, /data/ana.smith/run"
    )
    told = redactor.text(text)
    for secret in (
        "ana",
        "secret",
        "work",
        "app",
        "Bob",
        "repo",
        "eve",
        "hf_",
        "pw",
        "nexus",
        "example",
        "calypso",
        "8932f937",
        "10.1.2.3",
    ):
        assert secret not in told, (secret, told)
    for kept in (
        "python3.11/site-packages",
        "https://pypi.org",
        "535.104.05",
        "9.10.2.21",
        ":8081",
        "/data/<user>/run",
    ):
        assert kept in told, (kept, told)
    assert redactor.text("/home/ana.smith/work") == redactor.text("/home/ana.smith/work")
    assert redactor.text("/home/ana.smith/work") != redactor.text("/home/ana.smith/other")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/ana/my libs/cuda:/mnt/nfs/home2/bob/lib", "~/*1/cuda:/mnt/nfs~/lib"),
        ("see /home/ana/x and /home/bo/y", "see ~/*1 and ~/*2"),
        (r"C:\Users\Li Lei\proj\x", "~/*1/*2"),
        ("/scratch/bob/envs/x/bin/python", "~/envs/*1/bin/python"),
        ("fe80::1ff:fe23:4567:890a and 2001:db8:0:0:8:800:200c:417a", "<address> and <address>"),
        ("c10::Error at::add torchvision::nms 2024:01:02 00000000:01:00.0", None),
        (r"\\fileserver\share and \\\\fileserver\\share", r"\\<host>\share and \\\\<host>\\share"),
        (r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v11.8", None),
        ("on node-77 of node-77.corp.example.com", "on <host> of <host>"),
        ("https://conda.corp/t/to-abc12345678/main", "https://<host>/t/<token>/main"),
        ("pypi-AgEIcHlwaS5vcmcCJGFi", "<token>"),
    ],
)
def test_what_is_hard_to_redact(text: str, told: str | None) -> None:
    assert Redactor("/home/ana", "ana", "node-77.corp.example.com").text(text) == (told or text)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.y/simple?access_token=abc", "https://x.y/simple"),
        ("https://u:p@x.y:81/simple?x=1", "https://***@x.y:81/simple"),
        ("bob:pw@proxy:3128", "***@proxy:3128"),
        ("/path/a?b", "/path/a?b"),
    ],
)
def test_what_a_url_keeps(url: str, kept: str) -> None:
    assert _python.without_credentials(url) == kept


def test_a_redacted_report_is_judged_alike() -> None:
    for machine, expected in BROKEN.values():
        again = read(report.dump(examination(machine), Redactor("/home/ana", "ana", "calypso")))
        found = tuple(one.code for one in judge([again], RULES).findings)
        assert set(found) >= set(expected) - {"ENV057"}


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHWARD_LANG", "en")
    monkeypatch.chdir(tmp_path)


def test_another_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("report.txt").write_text(REPORT)
    assert main(["doctor", "--from", "report.txt"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("torchward: 1 error, 1 warning · a machine read from collect_env")
    assert main(["doctor", "--from", "report.txt", "--format", "json"]) == 1
    first = json.loads(capsys.readouterr().out)
    assert first["ready"] is False
    Path("own.json").write_text(json.dumps(first))
    assert main(["doctor", "--from", "own.json", "--format", "json", "--lang", "zh"]) == 1
    second = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in second["findings"]] == [one["code"] for one in first["findings"]]
    assert main(["doctor", "--from", "own.json", "--select", "ENV014"]) == 0
    assert main(["doctor", "--from", "own.json", "--select", "OPT"]) == 0
    assert "in what could be looked at" in capsys.readouterr().out
    assert main(["doctor", "--from", "own.json", "--ignore", "ENV045,ENV006,ENV123"]) == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--from", "missing.txt"], "cannot read missing.txt"),
        (["--from", "other.txt"], "other.txt cannot be used"),
        (["--from", "."], "cannot read ."),
        (["report.txt"], "unexpected `report.txt`"),
        (["--use-cuda", "99.9"], "no CUDA toolkit 99.9"),
        (["--live", "--no-live"], "exclude each other"),
        (["--want", "tpu"], "cannot be `tpu`"),
        (["--from", "other.txt", "--live"], "another machine"),
    ],
)
def test_wrong_usage(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.txt").write_text("no report at all")
    assert main(["doctor", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert named in err


def test_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "torchward", "doctor", "--from", "-", "--format", "json"],
        input=SMI.encode("utf-16"), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["source"] == "nvidia-smi"


def test_this_machine_without_torch_being_imported(capsys: pytest.CaptureFixture[str]) -> None:
    start = time.perf_counter()
    assert main(["doctor", "--no-live", "--format", "json"]) in (0, 1)
    assert time.perf_counter() - start < 30  # 1 to 2 s on a machine at rest
    told = json.loads(capsys.readouterr().out)
    assert "torch" not in sys.modules or "torch" in str(sys.modules["torch"])
    assert told["machine"]["system"]["name"]
    assert told["redacted"]
    home = os.path.expanduser("~")
    assert home == "/" or f"{home}/" not in json.dumps(told)


def test_lines_that_switch_the_toolkit() -> None:
    machine = Machine(
        toolkits=(Toolkit("/usr/local/cuda-11.8", "11.8", True), Toolkit("/usr/local/cuda-12.4", "12.4", True))
    )
    path = "/usr/local/cuda-12.4/bin:/usr/bin:/usr/local/cuda/bin:/opt/a b/bin"
    lines = use_cuda(machine, "11.8", path, "/usr/local/cuda-12.4/lib64:/opt/lib")
    assert lines is not None
    shell = "; ".join([*lines, 'printf "%s\\n" "$CUDA_HOME" "$PATH" "$LD_LIBRARY_PATH"'])
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == [
        "/usr/local/cuda-11.8",
        "/usr/local/cuda-11.8/bin:/usr/bin:/opt/a b/bin",
        "/usr/local/cuda-11.8/lib64:/opt/lib",
    ]
    assert use_cuda(machine, "12.1", "", "") is None


def test_files_of_the_working_folder_are_never_run(tmp_path: Path) -> None:
    """`python -m` would put that folder first: neither torchward nor the torch that it tries may take anything there."""
    for name in ("random", "torch", "tempfile", "rich", "json", "signal"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'RUN')!r}, 'w').write('x')\n")
    done = subprocess.run(
        [sys.executable, "-m", "torchward", "doctor", "--no-live", "--format", "json"],
        cwd=tmp_path, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "ENV021" in [one["code"] for one in json.loads(done.stdout)["findings"]]
    assert not (tmp_path / "RUN").exists()


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    program = f"import os, sys; os.chdir({str(tmp_path / 'gone')!r}); os.rmdir({str(tmp_path / 'gone')!r})\n"
    program += "from torchward.cli import main; sys.exit(main(['doctor', '--no-live']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
