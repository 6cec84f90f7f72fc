"""A machine, its Python and its packages, GPUs and drivers.

Here `None` means "could not look" (or nobody looked) and an empty tuple "looked, and there is none". Versions are the
text that was read; sizes are bytes. Passwords are cut out when they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Package:
    """One installed distribution, from its metadata."""

    name: str
    """Normalised: lower case, with hyphens."""
    version: str
    """With its build tag, `2.6.0+cu124`; empty when the metadata is broken."""
    location: str = ""
    """Folder that holds it."""
    source: str = "pip"
    """`pip` (any installer of wheels), `conda`, or `apt`."""
    build: str = ""
    """Build string of conda, `py3.11_cuda12.1_cudnn8.9.2_0`."""
    requires: tuple[str, ...] = ()
    """Its requirements on other packages named in `collect.machine.INTERESTING`, as written."""
    active: bool = True
    """It is the one that an import finds first."""
    importable: bool = True
    """False when its own top module is not there (metadata left behind)."""


@dataclass(frozen=True)
class TorchBuild:
    """The torch that an import would find, read from its files without importing it."""

    version: str
    cuda: str = ""
    """Version of CUDA it was built for, `12.4`; empty for builds without CUDA."""
    hip: str = ""
    xpu: str = ""
    location: str = ""
    known: bool = True
    """Whether `cuda` and `hip` were read; False: an empty one says nothing."""
    archs: tuple[str, ...] = ()
    """Architectures as the build itself lists them, `sm_80`, `compute_90`; empty when nobody asked it."""


@dataclass(frozen=True)
class Process:
    """A process that holds memory of a GPU."""

    pid: int
    name: str = ""
    memory: int | None = None


@dataclass(frozen=True)
class Gpu:
    """One graphics processor."""

    name: str
    vendor: str = "nvidia"
    """`nvidia`, `amd`, `intel` or `apple`."""
    index: int | None = None
    """As the driver counts; None when only the bus was seen."""
    capability: str = ""
    """Compute capability, `8.9`; `gfx90a` for AMD."""
    memory: int | None = None
    used: int | None = None
    utilization: float | None = None
    """Share of time in use, 0 to 1."""
    compute_mode: str = ""
    """`Default`, `Exclusive_Process` or `Prohibited`."""
    mig: bool | None = None
    mig_devices: int | None = None
    ecc_errors: int | None = None
    """Uncorrected errors since the driver was loaded."""
    lost: bool = False
    """The driver cannot reach it."""
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True)
class Driver:
    """NVIDIA's driver: the kernel's side and the library's side."""

    version: str = ""
    """Of the driver that answers, else of the kernel module."""
    module: str = ""
    """Of the loaded kernel module."""
    library: str = ""
    """Of the user-space library."""
    cuda: str = ""
    """The newest CUDA that it supports, as `nvidia-smi` prints it."""
    problem: str = ""
    """Why it does not answer: `absent`, `mismatch`, `unreachable`, `hangs`, `no-devices`, `denied`, `lost`,
    `cut-off` (it was there before), `failed`."""
    said: str = ""
    """What it said when it did not answer, first line."""
    loaded: bool | None = None
    """Whether the kernel module is loaded."""
    nouveau: bool | None = None
    """Whether the free driver holds the card."""
    packages: tuple[str, ...] | None = None
    """Driver packages of the distribution, `nvidia-driver-550 550.120-0ubuntu1`."""
    libcuda: tuple[str, ...] | None = None
    """Paths of `libcuda.so.1` on the loader's way, first found first."""
    nodes: tuple[str, ...] | None = None
    """Device files: `/dev/nvidia0`, `/dev/nvidiactl`, `/dev/dxg`, `/dev/kfd`, ..."""
    denied: tuple[str, ...] = ()
    """... of these, the ones that this user may not open."""


@dataclass(frozen=True)
class Toolkit:
    """One CUDA toolkit on disk."""

    path: str
    version: str = ""
    nvcc: bool = False
    gcc_limit: int | None = None
    """Newest major version of gcc that its headers accept."""
    cudnn: str = ""


@dataclass(frozen=True)
class Library:
    """A shared library of CUDA found in one of the folders of LD_LIBRARY_PATH."""

    name: str
    """`cudnn`, `cublas`, `cudart`, `nccl`, `cuda` ..."""
    version: str
    """As in the file's name: `8.9.7`, or only `8`."""
    folder: str
    stub: bool = False


@dataclass(frozen=True)
class Kernel:
    """A notebook kernel that Jupyter offers."""

    name: str
    interpreter: str = ""
    """The program that it starts."""
    exists: bool | None = None
    here: bool = False
    """It is the interpreter that was asked."""
    torch: str | None = None
    """Version of torch beside that interpreter; empty for none, None when nobody could look."""


@dataclass(frozen=True)
class Python:
    """The interpreter that was asked, and what else answers to its name."""

    executable: str = ""
    version: str = ""
    implementation: str = "CPython"
    bits: int | None = None
    free_threaded: bool = False
    environment: str = ""
    """`venv`, `conda`, `uv`, `poetry`, `pipx`, `pyenv`, `system`, `homebrew`, `store` or `standalone`."""
    prefix: str = ""
    managed: bool | None = None
    """The distribution forbids pip to touch it (PEP 668)."""
    has_pip: bool | None = None
    first_python: str = ""
    """What `python` (else `python3`) on PATH is."""
    first_is_this: bool | None = None
    pip_interpreter: str = ""
    """Interpreter of the first `pip` on PATH."""
    pip_is_this: bool | None = None
    virtual_env: str = ""
    """VIRTUAL_ENV, when this is not that environment."""
    conda_prefix: str = ""
    """CONDA_PREFIX, when this is not that environment."""
    user_site: bool | None = None
    """The user's site-packages are on the path."""
    pythonpath: tuple[str, ...] = ()
    pythonhome: str = ""
    shadows: tuple[str, ...] = ()
    """Files of the working folder that hide a library: `torch.py`, `numpy/`."""
    leftovers: tuple[str, ...] = ()
    """Folders of interrupted installs, `~orch`."""
    translated: bool = False
    """An x86 Python on an Apple chip."""


@dataclass(frozen=True)
class Pip:
    """Where pip looks, from its configuration and environment; credentials are cut out."""

    index: str = ""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    proxy: str = ""
    no_index: bool = False
    target: str = ""
    """`target`, `prefix` or `user`, when installs go elsewhere by default."""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class System:
    """The operating system and what it grants."""

    name: str = ""
    """`Linux`, `Windows` or `Darwin`."""
    release: str = ""
    """Of the kernel."""
    arch: str = ""
    """`x86_64`, `aarch64`, `arm64` (Apple), ..."""
    distribution: str = ""
    """`ubuntu`, `debian`, `rhel`, ...: the ID of os-release."""
    version: str = ""
    title: str = ""
    """`Ubuntu 22.04.5 LTS`."""
    glibc: str = ""
    musl: str = ""
    cpu: str = ""
    cpu_flags: tuple[str, ...] | None = None
    """Of `avx`, `avx2`, `avx512f`, `amx_tile`, `asimd`, `sve`."""
    cores: int | None = None
    cores_allowed: int | None = None
    """By affinity."""
    quota: float | None = None
    """Cores that a control group grants; None without a limit."""
    memory: int | None = None
    available: int | None = None
    memory_limit: int | None = None
    """Of a control group."""
    swap: int | None = None
    shm: int | None = None
    """Size of /dev/shm."""
    open_files: int | None = None
    """Soft limit."""
    locked_memory: int | None = None
    """Soft limit; -1 for none."""
    disks: Mapping[str, int] = field(default_factory=dict)
    """Bytes free where it matters: `environment`, `home`, `temporary`."""
    unwritable: tuple[str, ...] = ()
    """Variables that name a folder which does not exist or cannot be written: `TMPDIR`, `HF_HOME`."""
    interfaces: tuple[str, ...] | None = None
    """Network interfaces."""


@dataclass(frozen=True)
class Setting:
    """What the machine runs in, and who lends it."""

    container: str = ""
    """`docker`, `podman`, `kubernetes`, `singularity`, `lxc`, or another's name."""
    wsl: int = 0
    hosted: str = ""
    """`colab`, `kaggle`, `sagemaker`, `codespaces`, `databricks`."""
    job: str = ""
    """`slurm`, `pbs`, `lsf`: a job of this scheduler."""
    cluster: str = ""
    """A scheduler's commands are here, and this is no job: a login node."""
    modules: tuple[str, ...] = ()
    """Environment modules that are loaded."""
    jetson: str = ""
    """Release of Jetson Linux, `R36.4`."""


@dataclass(frozen=True)
class Docker:
    """Docker on this machine, seen from outside a container."""

    installed: bool = False
    toolkit: bool | None = None
    """NVIDIA's container toolkit is installed."""
    runtimes: tuple[str, ...] | None = None
    """In `daemon.json`."""
    broken: str = ""
    """Why `daemon.json` cannot be read as JSON."""
    cdi: bool | None = None
    """A device description for the Container Device Interface is there."""


@dataclass(frozen=True)
class Trial:
    """One thing that the live check tried."""

    what: str
    """`matmul`, `convolution`, `float16`, `bfloat16`, `loader`, `gloo`, `numpy`, `torchvision`, ..."""
    device: str = ""
    ok: bool = True
    said: str = ""
    """Last line of the error."""
    wrong: bool = False
    """It ran and gave a wrong result."""


@dataclass(frozen=True)
class Live:
    """What happened when torch was imported and used in a process of its own."""

    imported: bool
    seconds: float | None = None
    """Of the import."""
    said: str = ""
    """Last line of the error that the import raised, or of the crash."""
    signal: str = ""
    """Name of the signal that ended it."""
    timed_out: bool = False
    version: str = ""
    cuda_available: bool | None = None
    cuda_said: str = ""
    """What CUDA said when it was not available."""
    devices: tuple[str, ...] = ()
    """`cuda:0 NVIDIA H100`, `mps`, `xpu:0 ...`."""
    cudnn: str = ""
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Machine:
    """One machine as `torchward doctor` sees it: this one, or another from a file."""

    source: str = "here"
    """`here`, `json`, `collect_env` or `nvidia-smi`."""
    system: System = field(default_factory=System)
    setting: Setting = field(default_factory=Setting)
    python: Python = field(default_factory=Python)
    pip: Pip = field(default_factory=Pip)
    packages: tuple[Package, ...] | None = None
    torch: TorchBuild | None = None
    gpus: tuple[Gpu, ...] | None = None
    driver: Driver | None = None
    toolkits: tuple[Toolkit, ...] | None = None
    nvcc: str = ""
    """`nvcc` on PATH."""
    nvcc_version: str = ""
    cuda_home: str = ""
    """CUDA_HOME (or CUDA_PATH)."""
    cuda_home_exists: bool | None = None
    gcc: str = ""
    """Version of the host compiler that nvcc would take."""
    libraries: tuple[Library, ...] = ()
    """In the folders of LD_LIBRARY_PATH, in its order."""
    docker: Docker | None = None
    kernels: tuple[Kernel, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that change what torch does; values that are secrets are left out."""
    live: Live | None = None
    blind: Mapping[str, str] = field(default_factory=dict)
    """What could not be looked at -> why."""
