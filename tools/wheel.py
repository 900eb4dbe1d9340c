"""Builds the package, installs it into a clean virtual environment, and runs it there: what a user of it gets.

Nothing of the checkout is in reach there: no tests, no tools, no extras.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from gateway.web.explorer import FILES
from tools.explorer_files import NOTICES

ROOT = Path(__file__).resolve().parent.parent
OFFLINE = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]
LAST_LINES = 20


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints.

    Raises:
        SystemExit: It failed; what it printed is in the message.
    """
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        sys.exit(f"{said}\nwheel: failed: {' '.join(str(part) for part in command)}")
    return done.stdout


def build(folder: Path) -> Path:
    """The wheel, built from the checkout with the locked build backend."""
    pip = [sys.executable, "-m", "pip", "wheel", *OFFLINE, "--no-build-isolation"]
    run(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def contents(wheel: Path) -> None:
    """Holds that the wheel has what it must have, and no more than the package.

    Raises:
        SystemExit: It has not.
    """
    names = set(zipfile.ZipFile(wheel).namelist())
    static = [NOTICES, *FILES, *(f"{name}.gz" for name in FILES)]
    wanted = {"gateway/py.typed", *(f"gateway/web/static/{name}" for name in static)}
    if missing := sorted(wanted - names):
        sys.exit(f"wheel: not in it: {', '.join(missing)}")
    if strange := sorted(name for name in names if not name.startswith(("gateway/", "meeting_gateway-"))):
        sys.exit(f"wheel: in it, but no part of the package: {', '.join(strange)}")


def install(wheel: Path, folder: Path) -> Path:
    """The programs' folder of a new virtual environment with the wheel and its locked dependencies in it."""
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    pip: list[str | Path] = [programs / "python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    run(*pip, "--require-hashes", "--requirement", ROOT / "requirements" / "run.txt", cwd=folder)
    run(programs / "python", "-m", "pip", "install", *OFFLINE, wheel, cwd=folder)
    run(programs / "python", "-m", "pip", "check", cwd=folder)
    return programs


def main() -> None:
    """Goes through all of it, with a line a step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        contents(wheel)
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB, the explorer's files are in it", flush=True)
        programs = install(wheel, folder)
        commands: list[list[str | Path]] = [[programs / "meeting-gateway"], [programs / "python", "-m", "gateway"]]
        for command in commands:
            if "serve" not in run(*command, "--help", cwd=folder):
                sys.exit("wheel: --help does not name the commands")
        if run(programs / "meeting-gateway", "schema", cwd=folder) != (ROOT / "schema.graphql").read_text("utf-8"):
            sys.exit("wheel: the schema that it prints is not schema.graphql")
        run(programs / "python", "-c", "from gateway.web import explorer; explorer.explorer_files()", cwd=folder)
        print("installed without extras: --help, schema and the explorer's files work")
        dist = ROOT / "dist"
        dist.mkdir(exist_ok=True)
        shutil.copy(wheel, dist)
        print(f"it is in dist/: uvx --from dist/{wheel.name} meeting-gateway demo")


if __name__ == "__main__":
    main()
