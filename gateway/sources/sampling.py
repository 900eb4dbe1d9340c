"""One answer of a vendor's looked at closely: whether its rows can be read, and which of their fields nobody knows."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.sources.base import Sample
from gateway.sources.decode import BodyDecoder


def sample(body: bytes, row: type[msgspec.Struct], *, source: str) -> Sample:
    """What can be told of an answer with rows of a type.

    Args:
        body: The answer, `{"data": [row, ...]}`.
        row: The rows' type.
        source: The source's name, for the error.

    Raises:
        UpstreamMalformed: It is not JSON, or has no rows.
    """
    read = BodyDecoder(row, dict[str, Any], source=source).decode(body)
    sent = msgspec.json.decode(body)["data"]
    known = {field.encode_name for field in msgspec.structs.fields(row)}
    names = {name for one in sent if isinstance(one, dict) for name in one} if isinstance(sent, list) else set()
    return Sample(
        rows=len(read.rows),
        unreadable=tuple(sorted({problem.where for problem in read.problems})),
        unknown=tuple(sorted(names - known)),
    )
