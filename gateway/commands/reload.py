"""`demo --reload`: the gateway is started anew when a file of the package changes; the emulators behind it stay.

A process that has imported other people's packages, and forgotten ours, is forked for each start: what is imported anew
is ours alone.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
WATCHED = {".py", ".js", ".css", ".html", ".graphql"}
LOOK = 0.3
"""Seconds between two looks at the files; a look is 300 calls of stat, about two milliseconds."""


def serve_reloading(args: argparse.Namespace, examples: Mapping[str, str]) -> None:
    """Serves until it is stopped, by the environment's settings and the newest code.

    Args:
        args: The command line.
        examples: What the explorer's starting tabs ask about.
    """
    given = {name: getattr(args, name) for name in ("host", "port", "workers", "log_format")}
    command = [sys.executable, "-m", __name__, json.dumps({"args": given, "examples": examples})]
    nursery = subprocess.Popen(command)  # noqa: S603 - this very module
    try:
        nursery.wait()
    finally:
        nursery.terminate()
        nursery.wait()


def main(given: str) -> None:
    """Forks a server for each state of the files."""
    with contextlib.suppress(Exception):  # the server that is started says what is wrong with the code
        importlib.import_module("gateway.commands.demo")  # and with it all that others wrote
    forget()
    gc.freeze()  # none of it is looked through again, in any child
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        first, files = True, state()
        while True:
            child = os.fork()
            if child == 0:
                options = json.loads(given)
                serve(options, announce=first or options["args"]["port"] == 0)  # a free port is another one each time
            try:
                changed = wait_for_change(files)
            finally:
                end(child)
            first, files = False, state()
            print(f"  {changed} has changed: starting anew", flush=True)


def forget() -> None:
    """Has the package's own modules imported anew by whoever imports them next."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "gateway"]:
        del sys.modules[name]


def state() -> dict[Path, int]:
    """The package's files, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in PACKAGE.rglob("*") if path.suffix in WATCHED}


def wait_for_change(before: Mapping[Path, int]) -> str:
    """The name of a file that is new, gone or another, once there is one."""
    while True:
        time.sleep(LOOK)
        with contextlib.suppress(OSError):  # a file that is being replaced
            changed = state().items() ^ before.items()
            if changed:
                return min(path for path, _ in changed).relative_to(PACKAGE.parent).as_posix()


def end(child: int) -> None:
    """Stops a server; one that has ended by itself, for a fault in the code, has said why."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


def serve(given: Mapping[str, Mapping[str, str]], *, announce: bool) -> None:
    """Serves with the code as it stands now, and ends the process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    demo = importlib.import_module("gateway.commands.demo")
    with contextlib.suppress(KeyboardInterrupt):
        demo.serve_over(argparse.Namespace(**given["args"]), given["examples"], announce=announce)
    sys.exit()


if __name__ == "__main__":
    main(sys.argv[1])
