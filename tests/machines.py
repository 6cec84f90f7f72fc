"""Machines, built: what `torchward doctor` must say of each of them, and of which it must say nothing.

`SOUND` and `BROKEN` map a name to a machine, broken ones with the codes in order. They are whole machines as users have
them, from the first torch of the version table to the newest, where the examples of the rules show one problem each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torchward.facts import (
    Docker,
    Driver,
    Gpu,
    Kernel,
    Library,
    Live,
    Machine,
    Package,
    Pip,
    Process,
    Python,
    Setting,
    System,
    Toolkit,
    TorchBuild,
    Trial,
)

GIB = 1 << 30
VENV = "/home/ana/project/.venv/lib/python3.11/site-packages"
NODES = ("/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl")


def linux(distribution: str = "ubuntu 22.04", glibc: str = "2.35", **more: Any) -> System:
    name, version = distribution.split()
    given = dict(
        name="Linux", release="6.8.0-45-generic", arch="x86_64", distribution=name, version=version,
        title=f"{name.title()} {version}", glibc=glibc, cpu="AMD Ryzen 9 7950X", cpu_flags=("avx", "avx2"), cores=32,
        cores_allowed=32, memory=64 * GIB, available=50 * GIB, swap=8 * GIB, shm=32 * GIB, open_files=1024,
        disks={"environment": 200 * GIB, "home": 200 * GIB, "temporary": 50 * GIB}, interfaces=("eth0", "lo"),
    )  # fmt: skip
    return System(**{**given, **more})


def windows(**more: Any) -> System:
    return System(name="Windows", release="11", arch="x86_64", title="Windows 11", **more)


def mac(arch: str = "arm64", version: str = "14.5", **more: Any) -> System:
    return System(name="Darwin", arch=arch, version=version, title=f"macOS {version}", **more)


def python(version: str = "3.11.9", environment: str = "venv", **more: Any) -> Python:
    given = dict(
        executable="/home/ana/project/.venv/bin/python", version=version, bits=64, environment=environment,
        prefix="/home/ana/project/.venv", managed=False, has_pip=True, first_is_this=True, pip_is_this=True,
    )  # fmt: skip
    return Python(**{**given, **more})


def packages(*texts: str, source: str = "pip", location: str = VENV) -> tuple[Package, ...]:
    """`torch==2.8.0+cu128` and the like."""
    return tuple(Package(*text.split("=="), location, source) for text in texts)


def build(version: str, cuda: str = "", **more: Any) -> TorchBuild:
    tag = version.partition("+")[2]
    if tag.startswith("cu") and not cuda:
        cuda = f"{tag[2:-1]}.{tag[-1]}"
    return TorchBuild(version, cuda, location=VENV, **more)


def installed(version: str, *texts: str, cuda: str = "") -> dict[str, Any]:
    return {"torch": build(version, cuda), "packages": packages(f"torch=={version}", *texts)}


def cards(name: str, capability: str = "", count: int = 1, **more: Any) -> tuple[Gpu, ...]:
    return tuple(Gpu(name, index=index, capability=capability, **more) for index in range(count))


def driver(version: str, cuda: str = "", **more: Any) -> Driver:
    given = dict(
        module=version, library=version, loaded=True, nouveau=False, packages=(), nodes=NODES,
        libcuda=("/usr/lib/x86_64-linux-gnu/libcuda.so.1",),
    )  # fmt: skip
    return Driver(version, cuda=cuda, **{**given, **more})


NO_DRIVER = Driver(problem="absent", loaded=False, nouveau=False, packages=(), nodes=(), libcuda=())
WORKS = Live(True, 2.4, version="2.8.0", cuda_available=True, trials=(Trial("matmul", "cuda:0"), Trial("loader")))
CPU_WORKS = Live(True, 2.1, version="2.8.0", cuda_available=False, trials=(Trial("matmul", "cpu"), Trial("gloo")))


def machine(**given: Any) -> Machine:
    base: dict[str, Any] = {
        "system": linux(), "python": python(), "gpus": (), "driver": NO_DRIVER, "toolkits": (), "docker": Docker(),
        "kernels": (),
    }  # fmt: skip
    return Machine(**{**base, **given})


def gpu_machine(name: str, capability: str, version: str, built: str, /, *texts: str, **more: Any) -> Machine:
    """A Linux machine with one kind of card, a driver that answers, and a build of torch."""
    count = more.pop("count", 1)
    given = {"gpus": cards(name, capability, count), "driver": driver(version), **installed(built, *texts)}
    return machine(**{**given, **more})


WSL = Setting(wsl=2)
WSL_KERNEL = {"release": "5.15.167.4-microsoft-standard-WSL2"}
WSL_DRIVER = dict(module="", library="", nodes=("/dev/dxg",), libcuda=("/usr/lib/wsl/lib/libcuda.so.1",))
DOCKER = Setting(container="docker")
T4 = ("Tesla T4", "7.5")
A100 = ("NVIDIA A100-SXM4-80GB", "8.0")
H100 = ("NVIDIA H100 80GB HBM3", "9.0")
V100 = ("Tesla V100-SXM2-32GB", "7.0")
R3090 = ("NVIDIA GeForce RTX 3090", "8.6")
R4090 = ("NVIDIA GeForce RTX 4090", "8.9")
R5090 = ("NVIDIA GeForce RTX 5090", "12.0")
P1080 = ("NVIDIA GeForce GTX 1080 Ti", "6.1")

SOUND: dict[str, Machine] = {
    # one generation of torch after the other, each with a driver of its time
    "k80_torch_1_12": gpu_machine("Tesla K80", "3.7", "470.82.01", "1.12.1+cu113", "torchvision==0.13.1+cu113", "numpy==1.21.6", python=python("3.8.10")),
    "p100_torch_1_13": gpu_machine("Tesla P100-PCIE-16GB", "6.0", "515.48.07", "1.13.1+cu117", "torchvision==0.14.1+cu117", "numpy==1.23.5", python=python("3.10.6")),
    "minor_version_compatibility_11": gpu_machine(*T4, "450.80.02", "2.0.1+cu118", "torchvision==0.15.2+cu118", "torchaudio==2.0.2+cu118", "numpy==1.24.4", python=python("3.9.18")),
    "rtx_3090_torch_2_0": gpu_machine(*R3090, "525.85.12", "2.0.1", "torchvision==0.15.2", "numpy==1.24.4", torch=build("2.0.1", "11.7")),
    "a100_torch_2_1": gpu_machine(*A100, "535.104.05", "2.1.2+cu121", "torchvision==0.16.2+cu121", "numpy==1.26.4", count=8),
    "minor_version_compatibility_12": gpu_machine(*A100, "525.60.13", "2.6.0+cu126", "torchvision==0.21.0+cu126", "numpy==2.2.1"),
    "l4_torch_2_2": gpu_machine("NVIDIA L4", "8.9", "535.161.08", "2.2.2+cu121", "torchvision==0.17.2+cu121", "numpy==1.26.4"),
    "h100_torch_2_3": gpu_machine(*H100, "550.54.15", "2.3.1+cu121", "torchvision==0.18.1+cu121", "numpy==2.0.0", count=8),
    "torch_2_4": gpu_machine(*R4090, "550.107.02", "2.4.1+cu124", "torchvision==0.19.1+cu124", "numpy==2.1.1"),
    "torch_2_5_python_3_12": gpu_machine(*R4090, "560.35.03", "2.5.1+cu124", "torchaudio==2.5.1+cu124", "numpy==2.1.3", python=python("3.12.7")),
    "maxwell_keeps_cu126": gpu_machine("NVIDIA GeForce GTX 980 Ti", "5.2", "570.124.06", "2.7.1+cu126", "torchvision==0.22.1+cu126"),
    "pascal_keeps_cu126": gpu_machine(*P1080, "580.95.05", "2.13.0+cu126", "torchvision==0.28.0+cu126", python=python("3.13.1")),
    "volta_torch_2_8": gpu_machine(*V100, "570.124.06", "2.8.0+cu128", count=4),
    "volta_in_doubt_2_10": gpu_machine(*V100, "570.124.06", "2.10.0+cu128"),
    "blackwell_torch_2_7": gpu_machine(*R5090, "570.133.07", "2.7.1+cu128", "torchvision==0.22.1+cu128"),
    "blackwell_torch_2_15": gpu_machine(*R5090, "595.71.05", "2.15.0+cu132", "torchvision==0.29.2", "torchaudio==2.11.1", python=python("3.14.0")),
    "b200_torch_2_9": gpu_machine("NVIDIA B200", "10.0", "580.95.05", "2.9.1+cu130", count=8),
    "b300_runs_code_of_b200": gpu_machine("NVIDIA B300 SXM6 AC", "10.3", "580.95.05", "2.9.1+cu130"),
    "dgx_spark": gpu_machine("NVIDIA GB10", "12.1", "580.95.05", "2.13.0+cu130", system=linux("ubuntu 24.04", "2.39", arch="aarch64", cpu_flags=("asimd", "sve"))),
    "gh200": gpu_machine("NVIDIA GH200 480GB", "9.0", "570.124.06", "2.13.0+cu126", system=linux(arch="aarch64", cpu_flags=("asimd",))),
    "driver_newer_than_the_table": gpu_machine(*R4090, "640.12", "2.15.0+cu132", "torchvision==0.29.2"),
    "torch_newer_than_the_table": gpu_machine(*R5090, "615.20", "2.19.0+cu150", "torchvision==0.33.0"),
    "nightly_follows_no_table": gpu_machine(*R5090, "570.133.07", "2.8.0.dev20250408+cu128", "torchvision==0.22.0.dev20250408+cu128"),
    "ngc_container": gpu_machine(*H100, "550.54.15", "2.7.0a0+ecf3bae40a.nv25.02", "torchvision==0.22.0a0", torch=build("2.7.0a0+ecf3bae40a.nv25.02", "12.8"), setting=DOCKER, environment={"NVIDIA_VISIBLE_DEVICES": "all"}),
    "stable_companions": gpu_machine(*R4090, "580.95.05", "2.14.1+cu130", "torchvision==0.29.2", "torchaudio==2.11.0"),
    # machines of one person
    "laptop_without_gpu": machine(gpus=(Gpu("Intel Iris Xe Graphics", "intel"),), **installed("2.8.0+cpu", "numpy==2.3.0"), live=CPU_WORKS),
    "laptop_with_cuda_build": machine(gpus=(Gpu("AMD Radeon 780M", "amd"),), **installed("2.8.0", cuda="12.8"), live=CPU_WORKS),
    "fedora_laptop": gpu_machine("NVIDIA GeForce RTX 4060 Laptop GPU", "8.9", "575.64.05", "2.8.0+cu128", system=linux("fedora 42", "2.41")),
    "conda_environment": machine(gpus=cards(*R3090), driver=driver("535.104.05"), python=python(environment="conda"), torch=build("2.5.1", "12.1"), packages=(*packages("torch==2.5.1", "numpy==2.0.1", "torchvision==0.20.1"), *packages("pytorch==2.5.1", "pytorch-cuda==12.1", source="conda"))),
    "conda_numpy_2_with_own_torch": machine(python=python(environment="conda"), torch=build("2.2.2"), packages=(*packages("torch==2.2.2", "numpy==2.0.1"), *packages("pytorch==2.2.2", source="conda"))),
    "uv_environment": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", python=python(environment="uv")),
    "two_kinds_of_cards_in_bus_order": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", gpus=(*cards(*R4090), Gpu("NVIDIA GeForce RTX 3060", index=1, capability="8.6")), environment={"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    "several_toolkits": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", toolkits=(Toolkit("/usr/local/cuda-11.8", "11.8", True, 11), Toolkit("/usr/local/cuda-12.8", "12.8", True, 14)), nvcc="/usr/local/cuda-12.8/bin/nvcc", nvcc_version="12.8", gcc="13.3.0", cuda_home="/usr/local/cuda-12.8", cuda_home_exists=True),
    "own_cudnn_of_the_same_version": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", "nvidia-cudnn-cu12==9.10.2.21", libraries=(Library("cudnn", "9.10.2", "/opt/cudnn/lib"),)),
    "busy_card_beside_a_free_one": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", gpus=(Gpu(*R4090[:1], index=0, capability="8.9", memory=24 * GIB, used=23 * GIB, processes=(Process(7, "python", 22 * GIB),)), Gpu(*R4090[:1], index=1, capability="8.9", memory=24 * GIB, used=GIB))),
    "notebook_kernel_of_this_environment": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", kernels=(Kernel("python3", "/usr/bin/python3", True, False, ""), Kernel("project", "/home/ana/project/.venv/bin/python", True, True))),
    "pip_mirror": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", pip=Pip(index="https://pypi.tuna.tsinghua.edu.cn/simple", proxy="http://***@proxy:3128")),
    # containers, clusters, hosted notebooks
    "docker_with_gpu": gpu_machine(*A100, "535.104.05", "2.5.1+cu124", setting=DOCKER, environment={"NVIDIA_VISIBLE_DEVICES": "all"}, system=linux(shm=8 * GIB)),
    "docker_for_the_cpu": machine(setting=DOCKER, **installed("2.8.0+cpu"), system=linux("debian 12", "2.36", shm=2 * GIB), live=CPU_WORKS),
    "docker_host_with_toolkit": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", docker=Docker(True, True, ("nvidia",))),
    "docker_host_with_cdi": gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", docker=Docker(True, True, (), cdi=True)),
    "pod_with_quota_and_threads": gpu_machine(*H100, "550.54.15", "2.6.0+cu124", setting=Setting(container="kubernetes"), system=linux(cores=192, cores_allowed=192, quota=16.0, memory_limit=64 * GIB), environment={"OMP_NUM_THREADS": "16", "NVIDIA_VISIBLE_DEVICES": "GPU-1"}),
    "colab_with_t4": gpu_machine(*T4, "550.54.15", "2.8.0+cu126", setting=Setting("docker", hosted="colab"), system=linux(shm=6 * GIB), environment={"NVIDIA_VISIBLE_DEVICES": "all"}),
    "kaggle_with_p100": gpu_machine("Tesla P100-PCIE-16GB", "6.0", "560.35.03", "2.6.0+cu124", setting=Setting("docker", hosted="kaggle"), count=1),
    "slurm_job_with_gpu": gpu_machine(*A100, "535.104.05", "2.4.1+cu121", setting=Setting(job="slurm", modules=("cuda/12.1", "gcc/12.2")), environment={"CUDA_VISIBLE_DEVICES": "0", "RANK": "0", "WORLD_SIZE": "4"}),
    "login_node": machine(setting=Setting(cluster="slurm", modules=("cuda/12.1",)), system=linux("rocky 8.10", "2.28"), **installed("2.4.1+cu121")),
    "singularity_with_nv": gpu_machine(*A100, "535.104.05", "2.4.1+cu121", setting=Setting(container="singularity"), system=linux("rocky 9.4", "2.34")),
    "datacenter_card_with_forward_compatibility": gpu_machine(*A100, "470.57.02", "2.5.1+cu124", setting=DOCKER, driver=driver("470.57.02", libcuda=("/usr/local/cuda/compat/libcuda.so.1",)), live=WORKS),
    "mig_instances": gpu_machine(*A100, "535.104.05", "2.5.1+cu124", gpus=cards(*A100, mig=True, mig_devices=7)),
    # other systems
    "wsl_2": gpu_machine(*R4090, "572.16", "2.8.0+cu128", setting=WSL, system=linux(**WSL_KERNEL), driver=driver("572.16", "12.8", **WSL_DRIVER)),
    "wsl_2_docker": gpu_machine(*R4090, "572.16", "2.8.0+cu128", setting=Setting("docker", wsl=2), system=linux(**WSL_KERNEL), driver=driver("572.16", "12.8", **WSL_DRIVER), environment={"NVIDIA_VISIBLE_DEVICES": "all"}),
    "windows_with_gpu": machine(system=windows(), gpus=cards(*R4090), driver=Driver("576.57", cuda="12.9"), **installed("2.8.0+cu128", "torchvision==0.23.0+cu128", "numpy==2.3.0")),
    "windows_without_gpu": machine(system=windows(), driver=Driver(problem="absent"), **installed("2.8.0", "numpy==2.3.0")),
    "apple_silicon": machine(system=mac(), driver=None, gpus=(Gpu("Apple M3", "apple"),), **installed("2.8.0", "torchvision==0.23.0", "numpy==2.3.0")),
    "intel_mac": machine(system=mac("x86_64", "13.6"), driver=None, **installed("2.2.2", "numpy==1.26.4"), python=python("3.12.4")),
    "rocm": machine(gpus=(Gpu("AMD Instinct MI300X", "amd", 0, "gfx942"),), driver=Driver(problem="absent", nodes=("/dev/dri/renderD128", "/dev/kfd")), torch=TorchBuild("2.8.0+rocm6.4", hip="6.4.43482"), packages=packages("torch==2.8.0+rocm6.4", "torchvision==0.23.0+rocm6.4")),
    "rocm_card_that_has_no_name": machine(source="collect_env", gpus=(Gpu("Device 66a1", index=0),), driver=None, live=replace(WORKS, trials=()), torch=TorchBuild("2.8.0+rocm6.4", hip="6.4.43482"), packages=packages("torch==2.8.0+rocm6.4")),
    "stable_vision_on_windows": machine(system=windows(), gpus=cards(*R4090), driver=Driver("596.36", cuda="13.2"), **installed("2.15.0+cu132", "torchvision==0.29.2")),
    "xpu": machine(gpus=(Gpu("Intel Arc B580", "intel"),), torch=TorchBuild("2.8.0+xpu", xpu="20250101"), packages=packages("torch==2.8.0+xpu")),
    "jetson_orin": machine(system=linux("ubuntu 22.04", arch="aarch64", release="5.15.148-tegra", cpu_flags=("asimd",)), setting=Setting(jetson="R36.4"), gpus=(), driver=Driver(), **installed("2.5.0a0+872d972e41.nv24.08", cuda="12.6")),
    "centos_7_with_old_torch": gpu_machine(*V100, "535.104.05", "2.6.0+cu124", system=linux("centos 7", "2.17"), python=python("3.10.4")),
    "nothing_could_be_looked_at": Machine(),
}  # fmt: skip

BROKEN: dict[str, tuple[Machine, tuple[str, ...]]] = {
    "cpu_build_on_a_workstation": (gpu_machine(*R4090, "570.124.06", "2.8.0+cpu", live=CPU_WORKS), ("ENV002",)),
    "pypi_wheel_on_windows": (machine(system=windows(), gpus=cards(*R3090), driver=Driver("566.36", cuda="12.7"), **installed("2.8.0")), ("ENV002",)),
    "conda_chose_a_cpu_build": (machine(gpus=cards(*R3090), driver=driver("535.104.05"), python=python(environment="conda"), torch=build("2.5.1"), packages=(*packages("torch==2.5.1"), *packages("pytorch==2.5.1", source="conda"))), ("ENV002",)),
    "driver_of_cuda_11_for_a_build_of_12": (gpu_machine(*T4, "470.82.01", "2.5.1+cu124", live=replace(WORKS, cuda_available=False)), ("ENV045",)),
    "driver_of_cuda_12_for_a_build_of_13": (gpu_machine(*R4090, "570.124.06", "2.13.0+cu130"), ("ENV045",)),
    "old_windows_driver": (machine(system=windows(), gpus=cards(*R3090), driver=Driver("512.95", cuda="11.6"), **installed("2.5.1+cu121")), ("ENV045",)),
    "old_windows_driver_below_wsl": (gpu_machine(*R3090, "512.95", "2.5.1+cu121", setting=WSL, system=linux(**WSL_KERNEL), driver=driver("512.95", "11.6", **WSL_DRIVER)), ("ENV045",)),
    "rtx_5090_with_cu124": (gpu_machine(*R5090, "572.16", "2.6.0+cu124"), ("ENV046",)),
    "rtx_5090_in_windows_by_name": (machine(system=windows(), gpus=cards("NVIDIA GeForce RTX 5070 Ti"), driver=Driver("572.42"), **installed("2.5.1+cu121")), ("ENV046",)),
    "h100_with_torch_1_13": (gpu_machine(*H100, "525.85.12", "1.13.1+cu117", "numpy==1.24.4"), ("ENV046",)),
    "rtx_3090_with_cu102": (gpu_machine(*R3090, "515.48.07", "1.12.1+cu102", python=python("3.9.1")), ("ENV046",)),
    "b200_with_cu126": (gpu_machine("NVIDIA B200", "10.0", "570.124.06", "2.7.1+cu126"), ("ENV046",)),
    "orin_needs_its_own_code": (gpu_machine("Orin (nvgpu)", "8.7", "540.4.0", "2.13.0+cu126", system=linux(arch="aarch64")), ("ENV090",)),
    "gtx_1080_with_cu128": (gpu_machine(*P1080, "570.124.06", "2.8.0+cu128"), ("ENV047",)),
    "volta_with_cuda_13": (gpu_machine(*V100, "580.95.05", "2.11.0+cu130"), ("ENV047",)),
    "maxwell_with_cu130": (gpu_machine("NVIDIA GeForce GTX 970", "", "580.95.05", "2.12.1+cu130"), ("ENV047",)),
    "kepler": (gpu_machine("NVIDIA GeForce GTX 780 Ti", "", "470.223.02", "1.12.1+cu113", "numpy==1.21.6"), ("ENV048",)),
    "t4_on_arm": (gpu_machine("NVIDIA T4G", "7.5", "580.95.05", "2.13.0+cu130", system=linux(arch="aarch64")), ("ENV047",)),
    "no_driver": (machine(gpus=(Gpu("AD104 [GeForce RTX 4070]"),), driver=NO_DRIVER, **installed("2.8.0+cu128")), ("ENV040",)),
    "nouveau": (machine(gpus=(Gpu("GA106 [GeForce RTX 3060]"),), driver=Driver(problem="unreachable", loaded=False, nouveau=True, packages=("nvidia-driver-550 550.120-0ubuntu0.22.04.1",)), **installed("2.8.0+cu128")), ("ENV043",)),
    "kernel_update_without_module": (machine(gpus=(Gpu("GA106 [GeForce RTX 3060]"),), driver=Driver(problem="unreachable", loaded=False, nouveau=False, packages=("nvidia-dkms-550 550.120",)), **installed("2.8.0+cu128")), ("ENV042",)),
    "driver_update_without_restart": (machine(gpus=cards(*R3090), driver=Driver("550.107.02", "550.107.02", "550.120", problem="mismatch", loaded=True, nodes=NODES), **installed("2.8.0+cu128")), ("ENV041",)),
    "driver_that_dropped_pascal": (machine(gpus=(Gpu("GP104 [GeForce GTX 1080]"),), driver=Driver("590.48.01", "590.48.01", problem="no-devices", loaded=True, nodes=("/dev/nvidiactl",)), **installed("2.8.0+cu126")), ("ENV060",)),
    "container_without_gpu": (machine(setting=DOCKER, environment={"NVIDIA_VISIBLE_DEVICES": "all"}, system=linux(shm=64 << 20), **installed("2.8.0+cu128")), ("ENV081", "ENV080")),
    "pod_without_threads": (gpu_machine(*H100, "550.54.15", "2.6.0+cu124", setting=Setting(container="kubernetes"), system=linux(cores=192, cores_allowed=192, quota=8.0, shm=64 << 20)), ("ENV081", "ENV091")),
    "docker_without_toolkit": (gpu_machine(*R4090, "570.124.06", "2.8.0+cu128", docker=Docker(True, False, ())), ("ENV082",)),
    "linux_driver_in_wsl": (gpu_machine(*R4090, "572.16", "2.8.0+cu128", setting=WSL, system=linux(**WSL_KERNEL), driver=driver("572.16", "12.8", **{**WSL_DRIVER, "libcuda": ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")}, packages=("libnvidia-compute-550 550.120",))), ("ENV086",)),
    "wsl_1": (machine(setting=Setting(wsl=1), system=linux(release="4.4.0-19041-Microsoft"), **installed("2.8.0+cpu")), ("ENV085",)),
    "colab_without_gpu": (machine(setting=Setting("docker", hosted="colab"), **installed("2.8.0+cu126")), ("ENV088",)),
    "slurm_job_without_gpu": (machine(setting=Setting(job="slurm"), driver=Driver(problem="no-devices", module="550.54.15", loaded=True), **installed("2.4.1+cu121")), ("ENV089",)),
    "wheel_of_pypi_on_jetson": (machine(system=linux(arch="aarch64", release="5.15.148-tegra"), setting=Setting(jetson="R36.4"), driver=Driver(), **installed("2.8.0")), ("ENV090",)),
    "hidden_cards": (gpu_machine(*A100, "535.104.05", "2.5.1+cu124", environment={"CUDA_VISIBLE_DEVICES": "-1"}, live=replace(WORKS, cuda_available=False)), ("ENV057",)),
    "numbers_from_one": (gpu_machine(*A100, "535.104.05", "2.5.1+cu124", count=4, environment={"CUDA_VISIBLE_DEVICES": "1,2,3,4"}), ("ENV058",)),
    "driver_known_by_its_complaint": (machine(source="collect_env", gpus=None, driver=Driver(cuda="11.4"), **installed("2.1.0+cu121"), live=Live(True, version="2.1.0+cu121", cuda_available=False, cuda_said="The NVIDIA driver on your system is too old (found version 11040).")), ("ENV045",)),
    "vision_of_pypi_on_windows": (machine(system=windows(), gpus=cards("NVIDIA GeForce GTX 1050 Ti"), driver=Driver("535.98", cuda="12.2"), python=python("3.9.16"), **installed("2.0.1+cu117", "torchvision==0.15.2", "torchaudio==2.0.2+cu117", "numpy==1.23.5")), ("ENV013",)),
    "old_vision": (gpu_machine(*R4090, "550.54.15", "2.5.1+cu124", "torchvision==0.16.0+cu121", "torchaudio==2.1.0+cu121"), ("ENV011", "ENV012")),
    "numpy_2": (gpu_machine(*R4090, "550.54.15", "2.2.2+cu121", "numpy==2.1.3", live=replace(WORKS, trials=(Trial("numpy", ok=False, said="RuntimeError: Numpy is not available"),))), ("ENV014",)),
    "numpy_2_on_windows": (machine(system=windows(), **installed("2.4.0+cpu", "numpy==2.0.1")), ("ENV014",)),
    "torch_twice": (machine(torch=build("2.5.1+cu121"), packages=(*packages("torch==2.5.1+cu121", location="/home/ana/.local/lib/python3.11/site-packages"), replace(packages("torch==2.8.0+cu128")[0], active=False))), ("ENV005",)),
    "script_named_torch": (machine(**installed("2.8.0+cpu"), python=python(shadows=("torch.py",)), live=Live(False, said="AttributeError: partially initialized module 'torch' has no attribute 'nn'")), ("ENV021",)),
    "segmentation_fault": (machine(**installed("2.8.0+cpu"), live=Live(False, signal="SIGSEGV", said="Fatal Python error: Segmentation fault")), ("ENV121",)),
    "fabric_manager": (gpu_machine(*H100, "550.54.15", "2.6.0+cu124", count=8, live=Live(True, 3.0, cuda_available=False, cuda_said="RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized")), ("ENV124",)),
    "system_python": (machine(python=python("3.12.3", "system", executable="/usr/bin/python3", prefix="/usr", managed=True), packages=(), system=linux("ubuntu 24.04", "2.39")), ("ENV024",)),
    "python_of_tomorrow": (machine(python=python("3.17.0"), packages=()), ("ENV025",)),
    "alpine": (machine(system=System("Linux", arch="x86_64", distribution="alpine", title="Alpine Linux v3.20", musl="1"), setting=DOCKER, packages=()), ("ENV029",)),
    "centos_7": (machine(system=linux("centos 7", "2.17"), packages=(), python=python("3.10.4")), ("ENV028",)),
    "rosetta": (machine(system=mac("x86_64", "14.5", cpu="Apple M2"), python=python(translated=True), driver=None, **installed("2.2.2")), ("ENV027",)),
    "amd_card_with_cuda_build": (machine(gpus=(Gpu("Navi 31 [Radeon RX 7900 XTX]", "amd"),), driver=Driver(problem="absent", nodes=("/dev/dri/renderD128", "/dev/kfd")), **installed("2.8.0", cuda="12.8")), ("ENV003",)),
    "geforce_with_compat_package": (gpu_machine(*R3090, "535.104.05", "2.5.1+cu124", driver=driver("535.104.05", libcuda=("/usr/local/cuda-12.4/compat/libcuda.so.1",))), ("ENV065",)),
    "kernel_elsewhere": (machine(**installed("2.8.0+cpu"), kernels=(Kernel("python3", "/opt/anaconda3/bin/python", True, False, ""),)), ("ENV032",)),
    "triton_of_another_release": (gpu_machine(*R4090, "550.54.15", "2.5.1+cu124", "triton==3.0.0", "nvidia-cudnn-cu12==9.1.0.70"), ("ENV009",)),
    "cudnn_of_another_package": (gpu_machine(*R4090, "550.54.15", "2.5.1+cu124", "triton==3.1.0", "nvidia-cudnn-cu12==8.9.7.29"), ("ENV009",)),
    "extension_of_another_torch": (machine(torch=build("2.8.0+cpu"), packages=(*packages("torch==2.8.0+cpu"), Package("flash-attn", "2.7.4", VENV, requires=("torch==2.6.0", "einops")))), ("ENV010",)),
}  # fmt: skip
