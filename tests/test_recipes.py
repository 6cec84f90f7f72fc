"""Recipes: what their heads say, what they answer to bad input, and (marked `long`) that they do what they promise."""

from __future__ import annotations

import ast
import gzip
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from torchward.cli import main
from torchward.commands import _recipes

NAMES = _recipes.names()
IMPORTED_AS = {"scikit-learn": "sklearn", "pillow": "PIL", "stable-baselines3": "stable_baselines3"}


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHWARD_LANG", "en")
    monkeypatch.chdir(tmp_path)


# --- heads and commands, without torch -----------------------------------------------------------------------------


def test_there_are_recipes():
    assert "digits" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_head(name):
    header = _recipes.header(name)
    keys = ["what", "what-zh", "data", "data-zh", "time", "expect", "needs"]
    assert set(keys) <= set(header.values) <= {*keys, "optional"}
    assert header.expect
    assert all(low < high for low, high in header.expect.values())
    assert header.words("needs")[0] == "torch"
    assert any("一" <= letter <= "鿿" for letter in header.text("what", "zh"))


@pytest.mark.parametrize("name", NAMES)
def test_stands_alone(name):
    """It imports nothing of torchward nor of its neighbours, names what it needs, and hides no package of others."""
    source = _recipes.path(name).read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # torch's own writer is of no use without the package
            imported.add("tensorboard" if node.module == "torch.utils.tensorboard" else node.module.split(".")[0])
    assert not imported & {"torchward", *(path.stem for path in _recipes.FOLDER.glob("*.py"))}
    header = _recipes.header(name)
    packages = {IMPORTED_AS.get(word, word) for word in (*header.words("needs"), *header.words("optional"))}
    assert imported - set(sys.stdlib_module_names) == packages
    assert f"pip install {' '.join(header.words('needs'))}" in source


@pytest.mark.parametrize("path", sorted(_recipes.FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_file_hides_no_module(path):
    assert path.stem not in sys.stdlib_module_names
    spec = find_spec(path.stem)
    assert spec is None or spec.origin == str(path)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_list(language, capsys):
    assert main(["recipes", "--lang", language]) == 0
    text = capsys.readouterr().out
    for name in NAMES:
        header = _recipes.header(name)
        assert f"@{name}\n" in text
        assert header.text("what", language)[:20] in text
        assert header.values["time"] in text


def test_list_as_json(capsys):
    assert main(["recipes", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == NAMES
    (digits,) = (row for row in rows if row["name"] == "digits")
    assert digits["needs"] == ["torch", "numpy", "scikit-learn"]
    assert digits["expect"]["accuracy"][1] == 1


@pytest.mark.parametrize("words", [["recipes"], ["new", "digits", "mine"], ["run", "@digist"]])
def test_no_torch_is_loaded(words):
    code = f"import sys\nfrom torchward.cli import main\nmain({words!r})\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("words", [["run", "@digist"], ["new", "digist", "mine"]])
def test_unknown_recipe(words, capsys):
    assert main(words) == 2
    text = capsys.readouterr().err
    assert "no recipe `digist`" in text
    assert "did you mean `digits`?" in text
    assert not Path("mine").exists()


@pytest.mark.parametrize("words", [["new"], ["new", "digits"], ["new", "digits", "a", "b"], ["recipes", "digits"]])
def test_wrong_use(words, capsys):
    assert main(words) == 2
    assert "hint: " in capsys.readouterr().err
    assert not list(Path().iterdir())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_new(name, language, capsys):
    assert main(["new", name, "a/mine", "--lang", language]) == 0
    file = f"{name.replace('-', '_')}.py"
    folder = Path("a/mine")
    assert sorted(path.name for path in folder.iterdir()) == sorted([file, "requirements.txt", "README.md"])
    assert (folder / file).read_bytes() == _recipes.path(name).read_bytes()
    lines = (folder / "requirements.txt").read_text().splitlines()
    header = _recipes.header(name)
    assert [line.split()[0] for line in lines] == header.words("needs") + header.words("optional")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# mine\n")
    assert header.text("data", language) in readme
    assert not any("torchward" in path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_new_overwrites_nothing(capsys):
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    assert main(["new", "digits", "mine"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.txt"]
    Path("file").touch()
    assert main(["new", "digits", "file"]) == 2
    assert "cannot write `file" in capsys.readouterr().err


# --- what they answer ----------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a recipe in this process, as `python recipe.py words` would; gives (exit status, stdout, stderr)."""

    def run(name, *words):
        path = str(_recipes.path(name))
        monkeypatch.setattr(sys, "argv", [path, *map(str, words)])
        status, said = 0, ""
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            said = end.code if isinstance(end.code, str) else ""
        captured = capsys.readouterr()
        return status, captured.out, captured.err + said

    return run


COMMON = ["--lr", "--batch-size", "--seed", "--device", "--out", "--fresh", "--json"]


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_help_and_bad_options(name, run):
    status, out, _ = run(name, "--help")
    assert status == 0
    assert all(option in out for option in COMMON)
    assert "--epochs" in out or "--steps" in out
    assert f"runs/{name}" in out
    for words, says in (
        (["--lr", "fast"], "--lr"),
        (["--lr", "-1"], "--lr"),
        (["--epoch5"], "--epoch5"),
    ):
        status, out, err = run(name, *words)
        assert (status, out) == (2, "")
        assert says in err
    status, _, err = run(name, "--device", "abacus")
    assert status == 1
    assert "error: --device abacus" in err
    assert not Path("runs").exists()


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_data_folder_that_is_not_there_or_empty(name, run):
    if "--data" not in _recipes.path(name).read_text(encoding="utf-8"):
        return
    Path("empty").mkdir()
    for folder in ("nowhere", "empty"):
        status, out, err = run(name, "--data", folder)
        assert (status, out) == (1, "")
        assert err.strip().splitlines()[-1].startswith(f"error: {folder}")


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_missing_package(name):
    """With nothing but the standard library it says what to install."""
    done = subprocess.run(
        [sys.executable, "-S", "-I", _recipes.path(name), "--help"], check=False, capture_output=True, text=True
    )
    needs = " ".join(_recipes.header(name).words("needs"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(f" is not installed: pip install {needs}\n")


def idx(path, array, **changes):
    head = {"magic": bytes([0, 0, 8, array.ndim]), "cut": 0} | changes
    data = head["magic"] + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()
    data = data[: len(data) - head["cut"]]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def idx_folder():
    """60 images of two shapes that are easily told apart, as MNIST's four files."""
    import numpy as np

    random = np.random.default_rng(0)
    for part, number in (("train", 48), ("t10k", 12)):
        labels = (np.arange(number) % 2).astype(np.uint8)
        images = random.integers(0, 60, (number, 12, 12)).astype(np.uint8)
        images[labels == 1, :6] += 150
        images[labels == 0, :, 6:] += 150
        idx(Path("idx") / f"{part}-images-idx3-ubyte", images)
        idx(Path("idx") / f"{part}-labels-idx1-ubyte.gz", labels)
    return Path("idx")


@pytest.mark.torch
def test_digits_of_ones_own(run, idx_folder):
    status, out, _ = run("digits", "--data", idx_folder, "--epochs", 6, "--batch-size", 8, "--json")
    assert status == 0
    assert json.loads(out)["accuracy"] == 1


@pytest.mark.torch
def test_bad_idx_files(run, idx_folder):
    import numpy as np

    images, labels = idx_folder / "train-images-idx3-ubyte", idx_folder / "train-labels-idx1-ubyte.gz"
    sound = images.read_bytes(), labels.read_bytes()
    bad = np.zeros((48,), np.uint8)
    bad[17] = 10
    cases = [
        (lambda: images.write_bytes(sound[0][:-5]), images.name, "broken off"),
        (lambda: images.write_bytes(b"GIF89a"), images.name, "not an IDX file"),
        (lambda: images.write_bytes(b""), images.name, "not an IDX file"),
        (images.unlink, images.name, "neither"),
        (lambda: labels.write_bytes(sound[1][:30]), labels.name, "cannot be read"),
        (lambda: labels.write_bytes(b"\x1f\x8b" + b"x" * 40), labels.name, "cannot be read"),
        (lambda: idx(labels, bad), "train-labels", "label 10 at position 17"),
        (lambda: idx(labels, bad[:40]), str(idx_folder), "48 train images, but 40 labels"),
    ]
    for spoil, names, says in cases:
        spoil()
        status, out, err = run("digits", "--data", idx_folder)
        assert (status, out) == (1, "")
        assert err.startswith("error: ")
        assert names in err
        assert says in err
        images.write_bytes(sound[0])
        labels.write_bytes(sound[1])
    assert not Path("runs").exists()


@pytest.mark.torch
def test_goes_on_where_it_was(run):
    """In two goes as in one; other options are refused; a spoilt checkpoint is named."""
    small = ["--epochs", "2", "--batch-size", "256", "--json"]
    status, out, _ = run("digits", *small, "--out", "whole")
    whole = json.loads(out)
    assert status == 0
    assert json.loads(Path("whole/metrics.json").read_text()) == whole
    assert run("digits", "--epochs", "1", *small[2:], "--out", "parts")[0] == 0
    status, out, err = run("digits", *small, "--out", "parts")
    assert "after epoch 1" in err
    assert json.loads(out) == whole

    status, out, err = run("digits", *small, "--out", "parts", "--lr", "0.1")
    assert (status, out) == (1, "")
    assert "lr 0.001, now 0.1" in err
    Path("parts/checkpoint.pt").write_bytes(b"PK\3\4 half a file")
    status, _, err = run("digits", *small, "--out", "parts")
    assert status == 1
    assert "error: parts/checkpoint.pt" in err
    assert "--fresh" in err


@pytest.mark.torch
@pytest.mark.skipif(os.name == "nt", reason="no such limit there")
def test_no_room_for_the_checkpoint(run):
    """A file may not grow past 64 KB, as on a disk that is full: the older checkpoint stays as it was."""
    assert run("digits", "--epochs", "1", "--batch-size", "256")[0] == 0
    before = Path("runs/digits/checkpoint.pt").read_bytes()
    command = f"ulimit -f 64; exec {sys.executable} {_recipes.path('digits')} --epochs 2 --batch-size 256"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "error: cannot write runs/digits/checkpoint.pt: File too large" in done.stderr
    assert Path("runs/digits/checkpoint.pt").read_bytes() == before
    assert not Path("runs/digits/checkpoint.pt.part").exists()


# --- other data ----------------------------------------------------------------------------------------------------


@pytest.mark.torch
def test_tables(run):
    """A CSV file of one's own; and what is wrong with it, by line."""
    import numpy as np

    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3))
    rows = [[*row, 3 * row[0] - row[1]] for row in x.tolist()]
    good = "\n".join(["a,b,c,target", *(",".join(map(str, row)) for row in rows)])
    Path("table.csv").write_text(good)
    status, out, _ = run("linear", "--data", "table.csv", "--json", "--lr", "0.1", "--epochs", 20)
    assert status == 0
    assert json.loads(out)["r2"] > 0.99
    named = "\n".join(["a,b,c,kind", *(",".join([*map(str, row[:3]), "yes" if row[3] > 0 else "no"]) for row in rows)])
    Path("named.csv").write_text(named)
    status, out, _ = run("mlp", "--data", "named.csv", "--json", "--epochs", 5, "--folds", 2, "--lr", "0.01")
    assert status == 0
    assert json.loads(out)["accuracy"] > 0.8

    for text, says in (
        ("", "cannot be read as a table"),
        ("a,b\n1,2\nx,3\n", "line 3: could not convert string to float: 'x'"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 values under 2 names"),
        ("a,b\n1,2\nnan,3\n", "line 3: a value is missing or infinite"),
        ("a,b\n1,2\n,3\n", "line 3: could not convert"),
        ("\0\xff", "cannot be read"),
    ):
        Path("bad.csv").write_bytes(text.encode("latin-1"))
        for name in ("linear", "mlp"):
            status, out, err = run(name, "--data", "bad.csv")
            assert (status, out) == (1, "")
            assert err.startswith("error: bad.csv")
            assert says in err
    Path("bad.csv").write_text("a,b\n" + "1,yes\n2,yes\n" * 20)
    assert "holds 1 different value" in run("mlp", "--data", "bad.csv")[2]
    assert "'yes'" in run("linear", "--data", "bad.csv")[2]
    Path("bad.csv").write_text("a,b\n" + "1,yes\n2,yes\n" * 20 + "3,no\n")
    assert "class 'no' has 1 row(s), fewer than --folds 5" in run("mlp", "--data", "bad.csv")[2]
    assert not Path("runs").joinpath("mlp/checkpoint.pt.part").exists()


@pytest.mark.torch
def test_images_by_their_recipes(run, idx_folder):
    """The recipes of images take IDX files too, and name the one that is bad."""
    names = ["softmax", "autoencoder", "vae", "gan"]
    sound = (idx_folder / "train-images-idx3-ubyte").read_bytes()
    (idx_folder / "train-images-idx3-ubyte").write_bytes(sound[:-5])
    for name in names:
        status, out, err = run(name, "--data", idx_folder)
        assert (status, out) == (1, "")
        assert "train-images-idx3-ubyte: broken off" in err
    (idx_folder / "train-images-idx3-ubyte").write_bytes(sound)
    assert "want 100 or more squares" in run("gan", "--data", idx_folder)[2]
    for name in names[:3]:
        status, out, _ = run(name, "--data", idx_folder, "--epochs", "1", "--json")
        assert status == 0
        assert len(json.loads(out)["history"]) == 1


@pytest.fixture
def image_folder():
    """Two classes of ten images each: red ones and green ones."""
    image = pytest.importorskip("PIL.Image")
    for name, colour in (("red", (200, 40, 40)), ("green", (40, 200, 40))):
        (Path("images") / name).mkdir(parents=True)
        for number in range(10):
            shade = tuple(value + 5 * number for value in colour)
            image.new("RGB", (20 + number, 16), shade).save(f"images/{name}/{number}.png")
    return Path("images")


SMALL = ["--epochs", "2", "--batch-size", "8", "--size", "8", "--lr", "0.01", "--augment", "plain", "--json"]


@pytest.mark.torch
def test_image_folder(run, image_folder):
    status, out, err = run("vision", "--data", image_folder, *SMALL)
    assert status == 0, err
    assert json.loads(out)["accuracy"] >= 0.5
    if find_spec("matplotlib"):
        assert Path("runs/vision/predictions.png").read_bytes().startswith(b"\x89PNG")
        assert Path("runs/vision/activation.png").read_bytes().startswith(b"\x89PNG")

    (image_folder / "red/3.png").write_bytes((image_folder / "red/3.png").read_bytes()[:40])
    (image_folder / "green/note.jpg").write_text("no image")
    status, out, err = run("vision", "--data", image_folder, *SMALL)
    assert (status, out) == (1, "")
    assert "error: 2 image(s) cannot be read" in err
    assert "images/red/3.png" in err
    assert "images/green/note.jpg" in err
    (image_folder / "blue").mkdir()
    assert "error: images/blue: holds no images" in run("vision", "--data", image_folder, *SMALL)[2]


@pytest.mark.torch
def test_networks_and_fine_tuning(run, monkeypatch):
    """Every network trains; the backbone of one run is frozen at first in the next, then learns slowly."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # pictures take longer than these trainings
    small = ["--epochs", "1", "--augment", "none", "--batch-size", "256", "--json"]
    for net in ("lenet", "alexnet", "vgg", "nin", "googlenet", "resnet"):
        status, out, err = run("vision", "--net", net, "--size", "8", "--classes", "0,1", "--out", net, *small)
        assert status == 0, err
        assert json.loads(out)["net"] == net
    tune = ["--net", "lenet", "--size", "8", "--classes", "2,3", "--finetune", "lenet", "--frozen", "1", *small[2:]]
    status, _, err = run("vision", *tune, "--epochs", "2", "--out", "tuned")
    assert status == 0, err
    import torch

    def backbone(path):
        weights = torch.load(path, weights_only=True)["model"]
        return torch.cat([value.flatten() for name, value in weights.items() if name.startswith("backbone.")])

    before, after = backbone("lenet/checkpoint.pt"), backbone("tuned/checkpoint.pt")
    assert run("vision", *tune, "--epochs", "1", "--out", "frozen")[0] == 0
    assert torch.equal(before, backbone("frozen/checkpoint.pt"))
    assert not torch.equal(before, after)

    assert "error: nowhere/checkpoint.pt" in run("vision", *small, "--finetune", "nowhere", "--out", "x")[2]
    assert "is of --net lenet, not vgg" in run("vision", *small, "--net", "vgg", "--finetune", "lenet", "--out", "x")[2]
    assert "want two or more of 0..9" in run("vision", *small, "--classes", "3,12", "--out", "x")[2]


@pytest.mark.torch
def test_packages_that_vision_can_do_without(run, monkeypatch, image_folder):
    for package in ("kornia", "kornia.augmentation", "matplotlib", "matplotlib.figure", "PIL", "datasets"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    small = ["--net", "lenet", "--size", "8", "--epochs", "1", "--batch-size", "256"]
    status, _, err = run("vision", *small)
    assert status == 0
    for package in ("kornia", "matplotlib", "tensorboard"):
        assert f"pip install {package}" in err
    for words, package in (
        (["--augment", "kornia"], "kornia"),
        (["--data", image_folder], "pillow"),
        (["--data", "hf:someone/pictures"], "datasets pillow"),
    ):
        status, out, err = run("vision", *small, *words, "--out", "other")
        assert (status, out) == (1, "")
        assert err.endswith(f"pip install {package}")


@pytest.mark.torch
def test_hugging_face_dataset(run, monkeypatch):
    """By a stand-in for the package with the few names that the recipe uses."""
    image = pytest.importorskip("PIL.Image")
    kinds = {"Image": type("Image", (), {})(), "ClassLabel": type("ClassLabel", (), {"names": ["dark", "light"]})()}

    class Split:
        def __init__(self, number, labels=(0, 1)):
            self.features = {"id": "int", "picture": kinds["Image"], "kind": kinds["ClassLabel"]}
            self.rows = [
                {"picture": image.new("L", (10, 12), 40 + 150 * (i % 2)), "kind": labels[i % 2]} for i in range(number)
            ]

        def __iter__(self):
            return iter(self.rows)

        def __getitem__(self, key):
            return [row[key] for row in self.rows]

    splits = {"train": Split(32), "test": Split(8)}

    def load_dataset(name):
        if name != "someone/pictures":
            raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub")
        return splits

    monkeypatch.setitem(sys.modules, "datasets", type(sys)("datasets"))
    monkeypatch.setattr(sys.modules["datasets"], "load_dataset", load_dataset, raising=False)
    status, out, err = run("vision", "--data", "hf:someone/pictures", *SMALL)
    assert status == 0, err
    assert json.loads(out)["accuracy"] >= 0.5
    assert "error: hf:someone/else: cannot be loaded: Dataset" in run("vision", "--data", "hf:someone/else", *SMALL)[2]
    splits["test"] = Split(8, labels=(0, -1))
    assert "examples without a label" in run("vision", "--data", "hf:someone/pictures", *SMALL)[2]
    del splits["test"]
    assert "want splits train and test" in run("vision", "--data", "hf:someone/pictures", *SMALL)[2]


@pytest.mark.torch
def test_text_folders(run, monkeypatch):
    import torch

    words = {"cats": "the cat sat on the mat and purred ", "dogs": "a dog ran after some sticks, barking "}
    for name, text in words.items():
        (Path("text") / name).mkdir(parents=True)
        for number in range(4):
            Path(f"text/{name}/{number}.txt").write_text("\n\n".join([text * 9] * 10))
    status, out, err = run("transformer", "--data", "text", "--epochs", "3", "--width", "16", "--layers", "1", "--json")
    assert status == 0, err
    assert json.loads(out)["accuracy"] == 1
    assert torch.is_grad_enabled()
    Path("text/dogs/1.txt").write_bytes(b"\xff\xfe\0")
    for name, says in (("transformer", "cannot be read as text"), ("lstm", "holds zero bytes")):
        status, out, err = run(name, "--data", "text")
        assert (status, out) == (1, "")
        assert err.startswith("error: text/dogs/1.txt")
        assert says in err
    Path("short").mkdir()
    Path("short/a.txt").write_text("too short")
    assert "error: short: only 9 bytes of text" in run("lstm", "--data", "short")[2]
    Path("short/one").mkdir()
    Path("short/two").mkdir()
    assert "error: short/one: only 0 piece(s)" in run("transformer", "--data", "short")[2]


@pytest.mark.torch
def test_sums_in_two_goes(run):
    """trl's trainer goes on where it was, with the same answers drawn in every step."""
    pytest.importorskip("trl")
    small = ["--warm-up", "5", "--batch-size", "16", "--generations", "4", "--json"]
    status, out, err = run("grpo", *small, "--steps", "20", "--out", "whole")
    assert status == 0, err
    whole = json.loads(out)
    assert [point["step"] for point in whole["history"]] == [10, 20]
    assert run("grpo", *small, "--steps", "10", "--out", "parts")[0] == 0
    status, out, err = run("grpo", *small, "--steps", "20", "--out", "parts")
    assert "going on after step 10" in err
    assert json.loads(out) == whole
    assert "kl 0.01, now 0.5" in run("grpo", *small, "--steps", "20", "--out", "parts", "--kl", "0.5")[2]
    assert Path("parts/model/model.safetensors").exists()
    for words in (["--generations", "3"], ["--steps", "15"], ["--kl", "-1"], ["--temperature", "0"]):
        assert run("grpo", *words)[0] == 2


@pytest.mark.torch
def test_pictures_from_words(run, image_folder):
    """Of images of one's own; then the weights that were saved serve a picture of a picture, and a LoRA."""
    pytest.importorskip("diffusers")
    small = ["--data", image_folder, "--first-epochs", "1", "--epochs", "1", "--batch-size", "16", "--json"]
    status, out, err = run("diffusion", *small, "--prompt", "a red")
    assert status == 0, err
    assert 0 <= json.loads(out)["accuracy"] <= 1
    out_folder = Path("runs/diffusion")
    for name in ("prompt.png", "prompts.png"):
        assert (out_folder / name).read_bytes().startswith(b"\x89PNG")

    saved = ["--pretrained", out_folder / "model", "--json"]
    words = ["--prompt", "a green", "--init-image", image_folder / "red/0.png", "--strength", "0.3"]
    status, out, err = run("diffusion", *saved, *words, "--out", "later")
    assert status == 0, err
    assert Path("later/prompt.png").exists()
    pytest.importorskip("peft")
    words = ["--lora", "bold", "--lora-epochs", "1", "--data", image_folder]
    status, out, err = run("diffusion", *saved, *words, "--out", "later")
    assert status == 0, err
    assert "lora_accuracy" in json.loads(out)
    assert Path("later/lora/bold/weights/pytorch_lora_weights.safetensors").exists()


@pytest.mark.torch
def test_pictures_that_cannot_be(run, image_folder):
    pytest.importorskip("diffusers")
    _, _, err = run("diffusion", "--prompt", "a horse")
    assert "holds words that the model does not know" in err
    assert "seven" in err
    Path("empty").mkdir()
    assert "error: empty: holds no model_index.json" in run("diffusion", "--pretrained", "empty")[2]
    Path("empty/model_index.json").write_text("{}")
    assert "error: empty: cannot be loaded" in run("diffusion", "--pretrained", "empty")[2]
    Path("note.png").write_text("no image")
    assert "error: note.png: cannot be read" in run("diffusion", "--prompt", "a one", "--init-image", "note.png")[2]
    (image_folder / "red/3.png").write_text("no image")
    assert "error: images/red/3.png: cannot be read" in run("diffusion", "--data", image_folder)[2]
    assert run("diffusion", "--init-image", "note.png")[0] == 2
    assert not Path("runs").exists()


@pytest.mark.torch
def test_one_process_recipes_say_so(run, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    status, _, err = run("linear")
    assert status == 2
    assert "start it without torchrun" in err


@pytest.mark.torch
@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_every_number_of_a_log_is_explained(name, run):
    """Of what an epoch logs, and of where it is played: environments that are not there, and those of another kind."""
    pytest.importorskip("stable_baselines3")
    status, out, err = run(name, "--epochs", "1", "--json")
    assert status == 0, err
    (epoch,) = json.loads(out)["history"]
    explained = Path(f"runs/{name}/log.txt").read_text()
    assert {"rollout/ep_rew_mean", "train/loss", "train/n_updates"} <= set(epoch["log"])
    for number in (*epoch["log"], "time/fps", "time/total_timesteps"):
        assert f"{number}" in explained
    assert explained in err
    if find_spec("tensorboard"):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        drawn = EventAccumulator(f"runs/{name}/tensorboard").Reload().Tags()["scalars"]
        assert set(epoch["log"]) <= set(drawn)
        assert all(number in explained for number in drawn)

    status, out, err = run(name, "--env", "CartPole-v77", "--out", "other")
    assert (status, out) == (1, "")
    assert err.startswith("error: --env CartPole-v77: ")
    if name == "dqn":
        assert "error: --env Pendulum-v1: " in run(name, "--env", "Pendulum-v1", "--out", "other")[2]
    assert not Path("other").exists()


@pytest.mark.torch
@pytest.mark.parametrize(("name", "package"), [("digits-lightning", "lightning"), ("digits-hf", "transformers")])
def test_digits_by_frameworks(name, package, run):
    """The network of `digits`, on its data; in two goes as in one; other options and spoilt checkpoints are refused."""
    pytest.importorskip(package)
    small = ["--epochs", "2", "--batch-size", "256", "--json"]
    status, out, err = run(name, *small, "--out", "whole")
    assert status == 0, err
    whole = json.loads(out)
    assert json.loads(Path("whole/metrics.json").read_text()) == whole
    plain = json.loads(run("digits", *small, "--out", "plain")[1])
    assert [set(row) for row in whole["history"]] == [set(row) for row in plain["history"]]
    assert abs(whole["loss"] - plain["loss"]) < 0.3

    assert run(name, "--epochs", "1", *small[2:], "--out", "parts")[0] == 0
    status, out, err = run(name, *small, "--out", "parts")
    assert "after epoch 1" in err
    assert json.loads(out) == whole
    status, out, err = run(name, *small, "--out", "parts")  # nothing is left to do
    assert json.loads(out) == whole
    status, out, err = run(name, *small, "--out", "parts", "--lr", "0.1")
    assert (status, out) == (1, "")
    assert "lr 0.001, now 0.1" in err
    Path("parts/checkpoint.pt").write_bytes(b"PK\3\4 half a file")
    status, _, err = run(name, *small, "--out", "parts")
    assert status == 1
    assert "error: parts/checkpoint.pt" in err
    assert "--fresh" in err
    if find_spec("tensorboard"):
        assert list(Path("whole/tensorboard").glob("events.*"))


@pytest.mark.torch
@pytest.mark.skipif(os.name == "nt", reason="no such limit there")
@pytest.mark.parametrize(("name", "package"), [("digits-lightning", "lightning"), ("digits-hf", "transformers")])
def test_no_room_for_a_frameworks_checkpoint(name, package, run):
    pytest.importorskip(package)
    assert run(name, "--epochs", "1", "--batch-size", "256")[0] == 0
    before = Path(f"runs/{name}/checkpoint.pt").read_bytes()
    words = f"{_recipes.path(name)} --epochs 2 --batch-size 256"
    command = f"ulimit -f 64; exec {sys.executable} {words}"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "error: cannot write " in done.stderr
    assert f"runs/{name}/checkpoint" in done.stderr
    assert "goes on from it" in done.stderr
    assert Path(f"runs/{name}/checkpoint.pt").read_bytes() == before


# --- language models -----------------------------------------------------------------------------------------------

TINY = ["--width", "32", "--layers", "2", "--heads", "2", "--context", "48", "--vocabulary", "300", "--batch-size", "4"]
STRANGE = "def f(x):\n\n\tif  x :\r\n        return 'Grüße, 世界'  # \x0b \u00a0 ...\n"


@pytest.fixture
def tiny_gpt(run):
    """The folder of a GPT that has read a few lines a few times, and what the recipe is made of."""
    Path("text").mkdir()
    for number in range(8):
        lines = (f"def f{i}(x, y={number}):\n    return x + {i} * y  # for {number + i}\n" for i in range(60))
        Path(f"text/{number}.py").write_text("\n\n".join(lines))
    status, out, err = run("gpt", "--data", "text", *TINY, "--steps", "12", "--sample", "60", "--json")
    assert status == 0, err
    assert json.loads(out)["history"][-1]["step"] == 12
    return Path("runs/gpt"), runpy.run_path(str(_recipes.path("gpt")), run_name="gpt")


@pytest.mark.torch
def test_gpt_is_what_transformers_reads(tiny_gpt):
    """The same tokens and the same scores, by the written-out model with and without its cache, and by transformers."""
    import torch

    transformers = pytest.importorskip("transformers")
    folder, names = tiny_gpt
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    tokens = names["Tokens"](state["merges"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    for text in (STRANGE, Path("text/3.py").read_text()):
        assert tokenizer(text).input_ids == tokens.encode(text.encode())
        assert tokens.decode(tokens.encode(text.encode())) == tokenizer.decode(tokenizer(text).input_ids) == text
    assert tokenizer.eos_token_id == tokens.end == len(tokenizer) - 1

    own = names["GPT"](len(tokens), 48, 32, 2, 2, 0.0).eval()
    own.load_state_dict(state["model"])
    other = transformers.AutoModelForCausalLM.from_pretrained(folder / "model").eval()
    x = torch.tensor([tokens.encode(STRANGE.encode())[:40]])
    with torch.no_grad():
        scores, _ = own(x)
        torch.testing.assert_close(other(x).logits, scores, rtol=1e-4, atol=1e-5)
        first, past = own(x[:, :7])
        parts = [first]
        for at in range(7, x.shape[1]):
            part, past = own(x[:, at : at + 1], past)
            parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), scores, rtol=1e-4, atol=1e-5)
    written = own.write(x[0].tolist(), 100, 0.7, 0)  # beyond the positions that it has
    assert written == own.write(x[0].tolist(), 100, 0.7, 0)
    assert len(written) == 140


@pytest.mark.torch
def test_gpt_accumulates_and_goes_on(run, tiny_gpt):
    small = ["--data", "text", *TINY[:-2], "--sample", "0", "--json"]
    losses = []
    for parts, size in ((1, 8), (4, 2)):
        words = ["--accumulate", parts, "--batch-size", size, "--out", f"by-{parts}"]
        losses.append(json.loads(run("gpt", *small, "--steps", 6, *words)[1])["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)

    # Nothing is left to train: it writes on from another prompt.
    status, _, err = run("gpt", "--data", "text", *TINY, "--steps", "12", "--prompt", "return x")
    assert status == 0
    assert "going on after step 12" in err
    assert Path("runs/gpt/written.txt").read_text().startswith("return x")
    assert "steps 12, now 13" in run("gpt", "--data", "text", *TINY, "--steps", "13")[2]
    assert run("gpt", "--width", "30", "--heads", "4")[0] == 2
    Path("text/3.py").write_bytes(b"a\0b")
    assert "error: text/3.py: holds zero bytes" in run("gpt", "--data", "text", "--out", "new")[2]


@pytest.mark.torch
@pytest.mark.parametrize("name", ["sft", "lora"])
def test_fine_tuning(run, monkeypatch, tiny_gpt, name):
    """From a base and pairs of one's own; in two goes as in one; the base's files stay as they are."""
    pytest.importorskip("transformers")
    if name == "lora":
        pytest.importorskip("peft")
    import torch

    base = torch.load("runs/gpt/model/pytorch_model.bin", weights_only=True)
    pairs = [{"prompt": f"f{i % 7}({i}) =", "answer": f" {i % 7 + i}"} for i in range(100)]
    Path("pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    small = ["--base", "runs/gpt", "--data", "pairs.jsonl", "--length", "40", "--batch-size", "8", "--json"]
    status, out, err = run(name, *small, "--out", "whole")
    whole = json.loads(out)
    assert status == 0, err
    assert whole["answer_loss"] < whole["before"]["answer_loss"]

    weights = torch.load("runs/gpt/model/pytorch_model.bin", weights_only=True)
    assert all(torch.equal(base[key], weights[key]) for key in base)
    if name == "lora":
        assert 0 < whole["trainable_share"] < 0.5
        assert whole["merge_difference"] < 1e-4
        assert Path("whole/adapter/adapter_config.json").exists()
    else:
        assert Path("whole/model/config.json").exists()
    assert "written by people" in Path("whole/answers.txt").read_text()

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # just after the checkpoint of the first epoch
        patch.setattr("torch.utils.tensorboard.SummaryWriter.add_scalar", interrupt)
        status, _, err = run(name, *small, "--out", "parts")
        assert status == 130
        assert "interrupted" in err
    status, out, err = run(name, *small, "--out", "parts")
    assert "going on after epoch 1" in err
    assert json.loads(out) == whole


@pytest.mark.torch
@pytest.mark.parametrize("name", ["sft", "lora"])
def test_pairs_and_bases_that_are_bad(run, tiny_gpt, name):
    pytest.importorskip("transformers")
    if name == "lora":
        pytest.importorskip("peft")
    good = '{"prompt": "a", "answer": "b"}\n'
    for text, says in (
        ("", "only 0 pair(s)"),
        (good * 3, "only 3 pair(s)"),
        (good + "a,b\n", "line 2: want"),
        (good + "[1, 2]\n", "line 2: want"),
        (good + '{"prompt": "a"}\n', "line 2: want"),
        (good + '{"prompt": "a", "answer": 3}\n', "line 2: prompt and answer must be text"),
        ("\udcff", "cannot be read"),
    ):
        Path("pairs.jsonl").write_bytes(text.encode(errors="surrogateescape"))
        status, out, err = run(name, "--data", "pairs.jsonl")
        assert (status, out) == (1, "")
        assert err.startswith("error: pairs.jsonl")
        assert says in err
    assert "error: nowhere: no such folder" in run(name, "--base", "nowhere")[2]
    assert "error: text: no language model" in run(name, "--base", "text")[2]
    assert "takes 48 tokens, fewer than --length 96" in run(name, "--base", "runs/gpt")[2]
    assert not Path(f"runs/{name}/checkpoint.pt").exists()


# --- the long tier -------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_trains_into_its_band_without_a_finding_and_resumes(name):
    header = _recipes.header(name)
    done = subprocess.run(
        [sys.executable, "-m", "torchward", "run", "--run-dir", "watched", f"@{name}", "--json", "--out", "whole"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    whole = json.loads(done.stdout)
    for metric, (low, high) in header.expect.items():
        assert low <= whole[metric] <= high, metric
    findings = json.loads(Path("watched/findings.json").read_text())["findings"]
    assert [(found["code"], found["message"]) for found in findings if found["severity"] != "hint"] == []

    command = [sys.executable, _recipes.path(name), "--json", "--out", "parts"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        while first.poll() is None and not Path("parts/checkpoint.pt").exists():
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "going on after" in done.stderr
    assert json.loads(done.stdout) == whole
