"""`meeting-gateway schema`: prints the SDL, or says how a file of it is out of date."""

from __future__ import annotations

import argparse
import difflib
import os
import sys

from gateway.settings.federation import FEDERATION
from gateway.settings.settings import read_group


def schema(args: argparse.Namespace) -> int:
    """Prints the SDL, or how a file differs from it; 1 where it does."""
    text = _sdl(federation=args.federation)
    if args.check is None:
        print(text, end="")
        return 0
    try:
        written = args.check.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"meeting-gateway: {args.check} cannot be read: {error}", file=sys.stderr)
        return 1
    if written == text:
        return 0
    lines = difflib.unified_diff(
        written.splitlines(keepends=True), text.splitlines(keepends=True), str(args.check), "the code's schema"
    )
    sys.stdout.writelines(lines)
    again = f"meeting-gateway schema{' --federation' if args.federation else ''} > {args.check}"
    print(f"meeting-gateway: {args.check} is stale; write it again with '{again}'", file=sys.stderr)
    return 1


def _sdl(*, federation: bool) -> str:
    if not federation:
        from gateway.graph.schema import sdl  # noqa: PLC0415 - only one of the two is needed

        return sdl()
    options = read_group(FEDERATION, os.environ).options  # before the second that importing takes
    from gateway.graph.federation.sdl import subgraph_sdl  # noqa: PLC0415 - as above

    return subgraph_sdl(options)
