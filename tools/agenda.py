"""The page of examples/agenda: `agenda.py dev` beside the demo, `agenda.py build` for the demo to serve at /agenda."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "examples" / "agenda"
NODE = ROOT / ".tools" / "node" / "bin"
"""Where the project's own Node.js is, on a machine without one."""
PORT = 8000
DEMO = f"http://127.0.0.1:{PORT}"
PAGE = "http://127.0.0.1:5173"


def environment() -> dict[str, str]:
    """With Node.js on the path.

    Raises:
        SystemExit: There is none.
    """
    path = os.pathsep.join([os.environ["PATH"], str(NODE)])
    if shutil.which("node", path=path) is None:
        sys.exit("agenda: there is no Node.js; 'make agenda' brings it")
    return {**os.environ, "PATH": path}


def run(program: str, *arguments: str) -> None:
    """Runs one of the page's tools to its end.

    Raises:
        SystemExit: It failed.
    """
    command = [str(FOLDER / "node_modules" / ".bin" / program), *arguments]
    if subprocess.run(command, cwd=FOLDER, env=environment(), check=False).returncode:
        sys.exit(f"agenda: {program} failed")


def is_served() -> bool:
    """Whether a demo runs already."""
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=2).close()
    except OSError:
        return False
    return True


def types() -> None:
    """Generates the page's types from schema.graphql."""
    run("graphql-codegen", "--config", "codegen.ts", "--silent")


def build() -> None:
    """Writes the built page to where the demo looks for it."""
    types()
    run("tsc", "--noEmit")
    run("vite", "build", "--logLevel", "warn")
    print(f"Built. 'make demo' now serves it at {DEMO}/agenda")


def dev() -> None:
    """Serves the page with hot reload, and the demo beside it unless one runs already."""
    types()
    demo = None
    if not is_served():
        demo = subprocess.Popen([ROOT / ".venv" / "bin" / "meeting-gateway", "demo"], cwd=ROOT)
    print(f"\n  The page   {PAGE}   (a change in {FOLDER.relative_to(ROOT)}/src shows at once)\n", flush=True)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run("vite", "--strictPort", "--logLevel", "warn")
    finally:
        if demo is not None:
            demo.terminate()
            demo.wait()


COMMANDS = {"dev": dev, "build": build}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:  # noqa: PLR2004 - the program and one word
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]]()
