"""How a setting is read: from the environment, a dotenv file or a secret's file, and what a bad one is called."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from gateway.upstream.credentials import Secret

PREFIXES = ("GATEWAY_", "SALESLOFT_", "DRIFT_")
ENV_FILE = "GATEWAY_ENV_FILE"
LOOKS_LIKE = 0.75
"""How alike two names have to be for one to be suggested for the other (`difflib`'s ratio)."""

SWITCH = {"on": True, "off": False}


class BadSetting(Exception):
    """A setting that cannot be meant.

    Args:
        name: The setting.
        message: What was wrong and what would be right, in half a line; never a secret's value.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class Environment:
    """Settings as text, and the readers that turn them into values.

    An empty value is as good as none. Every name that is read becomes a known one, so that what is left over at the
    end was meant for nothing (`unknown`).

    Args:
        values: The environment's variables.

    Raises:
        BadSetting: `GATEWAY_ENV_FILE` names a file that cannot be read.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._known = {ENV_FILE}
        self._values = {**_from_file(values.get(ENV_FILE, "")), **{k: v for k, v in values.items() if v}}

    def text(self, name: str, default: str = "") -> str:
        """A value as it stands, without the white space around it."""
        self._known.add(name)
        return self._values.get(name, "").strip() or default

    def secret(self, name: str, *, lines: bool = False) -> Secret | None:
        """A secret, from the variable itself or from the file that `<name>_FILE` names.

        Args:
            name: The setting.
            lines: Whether it is a list, rather than one word.
        """
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            raise BadSetting(name, f"{name}_FILE is set too; keep one of them")
        if path:
            value = _content(f"{name}_FILE", path).strip()
            if not value:
                raise BadSetting(f"{name}_FILE", f"{path} is empty; it should hold the secret")
        if not lines and (not value.isascii() or not value.isprintable() or " " in value):
            raise BadSetting(name, "holds a character that no credential has; it should be one word of ASCII")
        return Secret(value) if value else None

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """A whole number within bounds."""
        text = self.text(name)
        if not text:
            return default
        if not text.isdecimal() or not text.isascii() or not least <= int(text[:19]) <= most:
            raise BadSetting(name, f"{_shown(text)} is not a whole number from {least} to {most}")
        return int(text)

    def seconds(self, name: str, default: float, *, least: float, most: float) -> float:
        """A span of time within bounds."""
        text = self.text(name)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise BadSetting(name, f"{_shown(text)} is not a number of seconds from {least:g} to {most:g}")
        return value

    def switch(self, name: str, *, default: bool) -> bool:
        """`on` or `off`."""
        return SWITCH[self.choice(name, SWITCH, default="on" if default else "off")]

    def choice(self, name: str, words: Collection[str], *, default: str) -> str:
        """One of a few words."""
        text = self.text(name, default).lower()
        if text not in words:
            raise BadSetting(name, f"{_shown(text)} is not one of {', '.join(words)}")
        return text

    def url(self, name: str, default: str) -> str:
        """An http or https URL without credentials, query or fragment; its last slash is taken off."""
        text = self.text(name, default)
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            fine = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            raise BadSetting(name, "is not a URL; it should look like https://host/path") from None
        if not fine or parts.username or parts.query or parts.fragment or not text.isascii() or " " in text:
            raise BadSetting(name, "should be a plain URL such as https://host/path: no user, no query, no fragment")
        return text.rstrip("/")

    @property
    def known(self) -> frozenset[str]:
        """Every name that was asked for so far."""
        return frozenset(self._known)

    def unknown(self) -> list[str]:
        """A sentence for each variable that looks like a setting of ours and is none."""
        sentences = []
        for name in sorted(self._values):
            if name.startswith(PREFIXES) and name not in self._known:
                close = difflib.get_close_matches(name, self._known, n=1, cutoff=LOOKS_LIKE)
                hint = f"; did you mean {close[0]}?" if close else ""
                sentences.append(f"{name} is not a setting{hint}")
        return sentences


def _shown(text: str) -> str:
    return f'"{text[:40]}"'


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise BadSetting(name, f"{path} cannot be read ({error.strerror}); it should name a file") from None
    except UnicodeDecodeError:
        raise BadSetting(name, f"{path} is not text in UTF-8") from None


def _from_file(path: str) -> dict[str, str]:
    if not path.strip():
        return {}
    _content(ENV_FILE, path)  # dotenv takes a missing file for an empty one
    read = dotenv_values(path, interpolate=False)  # a token may hold a dollar sign
    return {name: value for name, value in read.items() if value}
