"""One answer of a vendor's looked at closely: whether its rows can be read, and which of their fields nobody knows."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.sources.base import Sample
from gateway.sources.decode import BodyDecoder
from gateway.sources.problems import LOST
from gateway.sources.readers import unnumbered


def sample(body: bytes, row: type[msgspec.Struct], *, source: str) -> Sample:
    """What can be told of an answer with rows of a type.

    Args:
        body: The answer, `{"data": [row, ...]}`.
        row: The rows' type.
        source: The source's name, for the error.

    Raises:
        UpstreamMalformed: It is not JSON, or has no rows.
    """
    decoder = BodyDecoder(row, dict[str, Any], source=source)
    read = decoder.decode(body)
    odd = {unnumbered(path) for each in read.rows for path in each.unreadable}
    known = {field.encode_name for field in msgspec.structs.fields(row)}
    return Sample(
        rows=len(read.rows),
        unreadable=tuple(sorted(odd | ({LOST} if read.lost else set()))),
        unknown=tuple(sorted(decoder.names(body) - known)),
    )
