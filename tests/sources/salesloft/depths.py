"""Walks that are known to take several reads, so that their pages are asked for at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from gateway.sources.salesloft.api import WalkDepth
from gateway.sources.salesloft.walk import ListReader


@contextlib.contextmanager
def knowing_depth(rows: int) -> Iterator[None]:
    """Has every walk known to take so many rows within the block; 0: none is known."""
    with pytest.MonkeyPatch.context() as patch:
        depth = WalkDepth(rows, -(-rows // 90), None) if rows else None
        patch.setattr(ListReader, "depth", lambda *_, **__: depth)
        yield
