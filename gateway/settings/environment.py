"""Settings as text: from the environment, a dotenv file, or the file that holds a secret."""

from __future__ import annotations

import difflib
import io
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from dotenv.parser import parse_stream

ENV_FILE = "GATEWAY_ENV_FILE"
LONGEST_PATH = 200
"""Characters of a path that a message repeats."""

FILE = "_FILE"
"""What follows a secret's name in the name of the setting that says which file holds it."""

LOOKS_LIKE = 0.75
"""How alike two names have to be for one to be suggested for the other (`difflib`'s ratio)."""


class BadSetting(Exception):
    """A setting that is not valid.

    Args:
        name: The setting.
        message: What was wrong and what would be right, in half a line; never a secret's value. What of it cannot be
            printed, in a value that it repeats, is shown as `?`.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {''.join(sign if sign.isprintable() else '?' for sign in message)}")
        self.name = name


class BadSettings(BadSetting):
    """Several of them: one line each.

    Args:
        faults: At least one.
    """

    def __init__(self, faults: Iterable[BadSetting]) -> None:
        self.faults = tuple(faults)
        Exception.__init__(self, "\n".join(map(str, self.faults)))
        self.name = self.faults[0].name


class Environment:
    """The variables of an environment; those of the dotenv file that `GATEWAY_ENV_FILE` names stand behind them.

    An empty value counts as not set.

    Args:
        values: The environment's variables.

    Attributes:
        faults: What is wrong with the dotenv file.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.faults: list[BadSetting] = []
        from_file: dict[str, str] = {}
        if path := values.get(ENV_FILE, "").strip():
            try:
                from_file = parsed(content(ENV_FILE, path))
            except BadSetting as fault:
                self.faults.append(fault)
        self._values = {**from_file, **{name: value for name, value in values.items() if value}}

    def text(self, name: str) -> str:
        """A value without the white space around it; empty where it is not set."""
        return self._values.get(name, "").strip()

    def unknown(self, prefixes: tuple[str, ...], known: Collection[str]) -> list[str]:
        """A sentence for each variable whose name begins like a setting's and is not one.

        Args:
            prefixes: How settings begin.
            known: Every setting.
        """
        sentences = []
        for name in sorted(self._values):
            if name.startswith(prefixes) and name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=LOOKS_LIKE)
                hint = f"; did you mean {close[0]}?" if close else ""
                sentences.append(f"{name} is not a setting{hint}")
        return sentences


def content(name: str, path: str) -> str:
    """The text of a file that a setting names.

    Raises:
        BadSetting: It cannot be read.
    """
    shown = path[:LONGEST_PATH]
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise BadSetting(name, f"{shown} cannot be read ({error.strerror}); it should name a file") from None
    except UnicodeDecodeError:
        raise BadSetting(name, f"{shown} is not text in UTF-8") from None
    except ValueError:  # a path with a null character
        raise BadSetting(name, "is not the path of a file") from None


def parsed(text: str) -> dict[str, str]:
    """The variables of a dotenv file, taken as they stand: a token may hold a dollar sign.

    Raises:
        BadSetting: A line cannot be read.
    """
    values = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            text = binding.original.string
            number = binding.original.line + len(text) - len(text.lstrip("\r\n"))
            raise BadSetting(ENV_FILE, f"line {number} cannot be read; it should look like NAME=value")
        if binding.key and binding.value:
            values[binding.key] = binding.value
    return values
