"""Takes out of a report what tells who and where: names of users and hosts, paths below home, secrets, addresses."""

from __future__ import annotations

import re
from typing import Any

_KEPT = re.compile(
    r"\.?local|lib(?:64)?|bin|Scripts|Lib|share|jupyter|kernels|envs|versions|shims|include|site-packages|dist-packages|"
    r"\.?(?:mini|ana|mamba|miniforge|micromamba|conda)\w*3?|\.?venv|env|\.cache|\.config|\.pyenv|\.conda|pipx|venvs|"
    r"(?:pip|uv|huggingface|torch)(?:\.conf|\.ini)?|\.?cuda[\d.-]*|nvcc|python[\d.]*(?:\.exe)?|pip[\d.]*|[\d.]+",
    re.IGNORECASE,
)
"""Parts of a path that are the same for everybody."""
_PART = r"[^\s/\\:'\"`,;)]+"
_NAME = rf"{_PART}(?:(?: {_PART})+(?=[\\/]))?"
"""Of a folder; one with spaces is taken for one where a separator follows it."""
_HOMES = rf"(?:/home\d*/|/[Uu]sers/|/scratch/|[A-Za-z]:[\\/]+Users[\\/]+){_NAME}"
_REST = rf"(?P<rest>(?:[\\/]+{_NAME})*[\\/]?)"
_SECRETS = re.compile(
    r"\b(?:hf_\w{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|sk-[\w-]{16,}|xox[abp]-[\w-]{10,}|AKIA\w{12,}|glpat-[\w-]{10,}|"
    r"pypi-[\w-]{16,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)|(?<=/t/)[\w-]{8,}(?=/)"
)
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^\s/@]*@)?(?P<host>[^\s/:?#'\"]+)(?P<port>:\d+)?", re.IGNORECASE
)
_UUID = re.compile(r"\b(GPU|MIG)-[0-9a-f]{6,}[0-9a-f-]*", re.IGNORECASE)
_ADDRESS = re.compile(r"\b(?:10|127|172|192|100)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
_ADDRESS_6 = re.compile(
    r"\b(?:fe80|f[cd][0-9a-f]{2}|2[0-9a-f]{3})(?=[0-9a-f:]*::|(?::[0-9a-f]{1,4}){7})(?::[0-9a-f]{0,4}){2,7}(?![\w:])",
    re.IGNORECASE,
)
_SHARE = re.compile(r"(?<![\w\\:])(\\{2,4})[\w.-]+(?=\\)")
"""A server of Windows, `\\\\server\\folder`, also with its backslashes doubled."""
_PUBLIC = re.compile(
    r"(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|pytorch\.org|nvidia\.com|nvidia\.cn|python\.org|github\.com|github\.io|"
    r"huggingface\.co|hf-mirror\.com|anaconda\.(?:org|com)|docker\.com|microsoft\.com|intel\.com|amd\.com|ubuntu\.com|"
    r"apple\.com|google\.com|kaggle\.com|numpy\.org|lightning\.ai|onnxruntime\.ai|readthedocs\.io|conda\.io|pypa\.io|"
    r"schedmd\.com|tuna\.tsinghua\.edu\.cn|aliyun\.com|ustc\.edu\.cn|tencent\.com|huaweicloud\.com|douban\.com|"
    r"sjtu\.edu\.cn|bfsu\.edu\.cn)",
    re.IGNORECASE,
)
_GENERIC_WORDS = """
    root user ubuntu admin runner localhost vscode jovyan torch python home nvidia host docker cuda linux debian test
    main lib bin"""
_GENERIC = frozenset(_GENERIC_WORDS.split())
"""Names of users and hosts that tell nothing, and would hide ordinary words."""


class Redactor:
    """Redacts texts of one report, so that the same path gets the same stand-in everywhere.

    `home`, `user` and `host` are those of the machine that makes the report; empty ones are not known.
    """

    def __init__(self, home: str = "", user: str = "", host: str = "") -> None:
        own = [re.escape(home.rstrip("/\\"))] if len(home) > 1 else []
        self._home = re.compile(rf"(?:{'|'.join([*own, _HOMES])})(?![\w.-]){_REST}")
        self._words = [
            (re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])"), stand_in)
            for word, stand_in in ((user, "<user>"), (host, "<host>"), (host.partition(".")[0], "<host>"))
            if len(word) > 2 and word.lower() not in _GENERIC
        ]
        self._parts: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The text without what tells who and where."""
        text = _SECRETS.sub("<token>", text)
        text = _URL.sub(self._url, text)
        text = _MAIL.sub("<mail>", text)
        text = _UUID.sub(r"\1-<uuid>", text)
        text = self._home.sub(self._path, text)
        text = _ADDRESS.sub("<address>", text)
        text = _ADDRESS_6.sub("<address>", text)
        text = _SHARE.sub(r"\1<host>", text)
        for pattern, stand_in in self._words:
            text = pattern.sub(stand_in, text)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value with all of its texts redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        return value

    def _path(self, match: re.Match[str]) -> str:
        rest = match["rest"]
        parts = []
        for part in re.split(r"[\\/]+", rest):
            if part and not _KEPT.fullmatch(part):
                part = self._parts.setdefault(part, f"*{len(self._parts) + 1}")  # noqa: PLW2901
            parts.append(part)
        return "~" + "/".join(parts)

    def _url(self, match: re.Match[str]) -> str:
        if match["scheme"].lower() == "file://" or _PUBLIC.fullmatch(match["host"]):
            return f"{match['scheme']}{match['host']}{match['port'] or ''}"
        return f"{match['scheme']}<host>{match['port'] or ''}"
