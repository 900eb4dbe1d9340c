"""Keys as clients write them: what they may look like, told of before anything is asked upstream.

Salesloft refuses a whole call for one value that cannot be meant, and a call has the keys of many clients.
"""

from __future__ import annotations

import re

from gateway.errors import BadUserInput
from gateway.model.filters import fold_email

MOST_CHARS = 1024
MOST_DIGITS = 19
"""What a key may be: longer ones are nobody's."""
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def number(text: str, argument: str) -> str:
    """An id that is a number.

    Raises:
        BadUserInput: It is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise BadUserInput(f"{argument}: must be a number.", argument=argument)
    return text


def short_text(text: str, argument: str) -> str:
    """A key that is a text, without the white space around it.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > MOST_CHARS or not stripped.isprintable():
        raise BadUserInput(f"{argument}: must be a short printable text.", argument=argument)
    return stripped


def guid(text: str, argument: str) -> str:
    """A GUID.

    Raises:
        BadUserInput: It is none.
    """
    stripped = text.strip()
    if not GUID.fullmatch(stripped):
        raise BadUserInput(f"{argument}: not a GUID.", argument=argument)
    return stripped


def address(text: str, argument: str) -> str:
    """An e-mail address, folded.

    Raises:
        BadUserInput: It is none.
    """
    folded = fold_email(text)
    if len(text) > MOST_CHARS or not ADDRESS.fullmatch(folded) or not folded.isprintable():
        raise BadUserInput(f"{argument}: not an e-mail address.", argument=argument)
    return folded
