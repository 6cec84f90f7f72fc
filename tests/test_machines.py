"""Every rule of the machine on the machines of its examples, and all of them on whole machines. No torch."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from machines import BROKEN, NO_DRIVER, SOUND, linux, machine
from torchward import compat
from torchward.collect.others import read
from torchward.engine import judge, judges, load_rules
from torchward.facts import Gpu, Machine
from torchward.prescribe import conda_specs, held_back, install, plan
from torchward.rule import Diagnosis, Rule

ALL = load_rules(select=("ENV",))
RULES = {code: rule for code, rule in ALL.items() if rule.checks}


def told(diagnosis: Diagnosis) -> list[tuple[str, dict[str, Any]]]:
    return [(finding.code, dict(finding.data)) for finding in diagnosis.findings]


def codes(diagnosis: Diagnosis) -> tuple[str, ...]:
    return tuple(finding.code for finding in diagnosis.findings)


def test_there_are_enough_of_them() -> None:
    assert len(RULES) >= 60
    assert all(judges(rule, Machine) for rule in RULES.values())
    assert len(SOUND) >= 50
    assert len(SOUND) + len(BROKEN) >= 60
    assert len({repr(machine) for machine in SOUND.values()}) == len(SOUND)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_broken_example_is_found_and_nothing_else(rule: Rule) -> None:
    diagnosis = judge([read(rule.bad)], ALL)
    assert codes(diagnosis) == (rule.code,), told(diagnosis)
    (finding,) = diagnosis.findings
    assert finding.data or rule.code == "ENV085"
    for language in ("en", "zh"):
        for text in (rule.message, rule.why, rule.fix):
            rendered = text.render(language, finding.data)
            assert not re.search(r"\{[a-z_]+[:}]", rendered)
            assert "None" not in rendered


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_sound_example_is_silent_under_every_rule(rule: Rule) -> None:
    assert told(judge([read(rule.good)], ALL)) == []


@pytest.mark.parametrize("name", SOUND)
def test_sound_machines_are_silent_under_every_rule(name: str) -> None:
    assert told(judge([SOUND[name]], ALL)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken_machines_are_found_causes_first(name: str) -> None:
    machine, expected = BROKEN[name]
    diagnosis = judge([machine], ALL)
    assert codes(diagnosis) == expected, told(diagnosis)


@pytest.mark.parametrize("name", SOUND)
def test_what_works_needs_nothing(name: str) -> None:
    machine = SOUND[name]
    if machine.torch is not None:
        assert not plan(machine, want_gpu=False).needed


@pytest.mark.parametrize(
    ("distribution", "card", "expected"),
    [
        ("ubuntu 22.04", "GeForce RTX 4070", "sudo ubuntu-drivers install"),
        ("ubuntu 22.04", "GeForce GTX 1080", "nvidia-driver-580"),
        ("ubuntu 20.04", "Tesla K80", "nvidia-driver-470"),
        ("debian 12", "GeForce RTX 4070", "linux-headers-amd64 nvidia-driver"),
        ("fedora 42", "GeForce RTX 4070", "akmod-nvidia"),
        ("rocky 9.4", "GeForce RTX 4070", "nvidia-driver:open-dkms"),
        ("rocky 9.4", "Tesla V100-PCIE-16GB", "nvidia-driver:580-dkms"),
        ("arch 1", "GeForce RTX 4070", "sudo pacman -S nvidia-open"),
        ("nixos 25.11", "GeForce RTX 4070", "https://docs.nvidia.com/"),
    ],
)
def test_each_distribution_has_its_way_to_the_driver(distribution: str, card: str, expected: str) -> None:
    lacking = machine(system=linux(distribution), gpus=(Gpu(card),), driver=NO_DRIVER, packages=())
    steps = plan(lacking, want_gpu=True).steps
    assert expected in "\n".join(steps[0].commands)
    assert steps[0].caution is not None
    assert any("torch==" in command for step in steps[1:] for command in step.commands)


def test_a_gpu_is_wanted_where_there_is_none() -> None:
    for name, word in (("laptop_without_gpu", "No GPU"), ("login_node", "srun"), ("docker_for_the_cpu", "--gpus all")):
        wanted = plan(SOUND[name], want_gpu=True)
        assert wanted.blocked is not None
        assert word in wanted.blocked.en
        assert not wanted.gpu
    assert plan(SOUND["login_node"], want_gpu=True).steps == ()  # its CUDA build is right for the nodes with GPUs


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("driver_of_cuda_11_for_a_build_of_12", "driver 470.82.01"),
        ("volta_with_cuda_13", "Tesla V100"),
        ("centos_7", "glibc 2.17"),
        ("intel_mac", "Intel"),
        ("k80_torch_1_12", "Python 3.8"),
        ("blackwell_torch_2_15", ""),
        ("docker_for_the_cpu", ""),
    ],
)
def test_what_holds_the_newest_release_back(name: str, word: str) -> None:
    one = SOUND[name] if name in SOUND else BROKEN[name][0]
    chosen = plan(one, want_gpu=False)
    assert chosen.choice is not None
    told = " ".join(text.en for text in held_back(one, chosen.choice, chosen.gpu))
    assert word in told
    assert bool(told) == bool(word)


def test_a_card_that_nobody_knows_is_a_caution() -> None:
    unknown = read("| NVIDIA-SMI 535.104.05  Driver Version: 535.104.05  CUDA Version: 12.2 |\n"
                   "|   0  NVIDIA GeForce ...  Off  | 00000000:01:00.0  On |                  N/A |\n")  # fmt: skip
    (step,) = plan(unknown, want_gpu=True).steps
    assert step.caution is not None
    assert "NVIDIA GeForce ..." in step.caution.en


def test_other_makers_have_their_builds() -> None:
    rocm = plan(BROKEN["amd_card_with_cuda_build"][0], want_gpu=True)
    assert rocm.choice is not None
    assert rocm.choice.tag.startswith("rocm")
    assert rocm.needed
    apple = plan(SOUND["apple_silicon"], want_gpu=True)
    assert (apple.gpu, apple.needed) == (True, False)
    assert plan(SOUND["rocm"], want_gpu=True).steps == ()


FIT = (
    "cpu_build_on_a_workstation",
    "driver_of_cuda_11_for_a_build_of_12",
    "rtx_5090_with_cu124",
    "gtx_1080_with_cu128",
    "volta_with_cuda_13",
    "maxwell_with_cu130",
    "h100_with_torch_1_13",
    "old_windows_driver",
)


@pytest.mark.parametrize("name", FIT)
def test_the_prescribed_build_is_sound_on_that_machine(name: str) -> None:
    """What is recommended must pass the very rules that found the problem."""
    machine, _ = BROKEN[name]
    choice = plan(machine, want_gpu=True).choice
    assert choice is not None
    assert choice.tag.startswith("cu")
    version = f"{choice.torch}+{choice.tag}"
    cuda = f"{choice.tag[2:-1]}.{choice.tag[-1]}"
    torch = replace(machine.torch, version=version, cuda=cuda) if machine.torch else None
    mended = replace(machine, torch=torch, packages=(), live=None)
    assert told(judge([mended], ALL)) == []
    assert not plan(mended, want_gpu=True).needed
    assert compat.python_serves(choice.release, machine.python.version)


def test_torch_of_conda_is_left_to_conda() -> None:
    machine, _ = BROKEN["conda_chose_a_cpu_build"]
    (step, check) = plan(machine, want_gpu=True).steps
    assert step.commands == (
        'conda create -n torch-new -c conda-forge pytorch-gpu torchvision "cuda-version=12" python=3.11',
        "conda activate torch-new",
    )
    assert step.caution is not None
    assert "torch.cuda.is_available" in check.commands[0]
    (found,) = judge([machine], ALL).findings
    assert "conda create" in str(found.data["command"])
    assert "pip" not in str(found.data["command"])


@pytest.mark.parametrize(
    ("name", "specs"),
    [
        ("blackwell_torch_2_15", '-c conda-forge pytorch-gpu torchvision "cuda-version=13"'),
        ("pascal_keeps_cu126", '-c conda-forge pytorch-gpu torchvision "cuda-version=12"'),
        ("minor_version_compatibility_12", '-c conda-forge pytorch-gpu torchvision "cuda-version=12"'),
        ("k80_torch_1_12", "-c pytorch -c nvidia pytorch=2.5.1 torchvision pytorch-cuda=11.8"),
        ("minor_version_compatibility_11", "-c pytorch -c nvidia pytorch=2.5.1 torchvision pytorch-cuda=11.8"),
        ("dgx_spark", '-c conda-forge pytorch-gpu torchvision "cuda-version=13"'),
    ],
)
def test_builds_of_conda(name: str, specs: str) -> None:
    assert conda_specs(SOUND[name], gpu=True) == specs


def test_an_intel_mac_and_an_old_system_get_more_from_conda() -> None:
    (step,) = plan(replace(SOUND["intel_mac"], torch=None, packages=()), want_gpu=False).steps
    assert ("conda", "conda install -c conda-forge pytorch torchvision") in step.otherwise
    centos = SOUND["centos_7_with_old_torch"]
    assert conda_specs(centos, gpu=True).endswith('"cuda-version=12"')


def test_a_jetson_is_sent_to_builds_of_its_own() -> None:
    machine, _ = BROKEN["wheel_of_pypi_on_jetson"]
    (step,) = plan(machine, want_gpu=True).steps
    assert "jetson" in step.commands[0]
    assert plan(SOUND["jetson_orin"], want_gpu=False).steps == ()


def test_a_stable_companion_is_asked_for_without_a_version_that_an_index_may_lack() -> None:
    command = install(SOUND["blackwell_torch_2_15"], compat.Choice(compat.releases()[-1], "cu132"))
    assert '"torchaudio>=2.11.0"' in command
    assert "torchvision==0.29.2 " in command
