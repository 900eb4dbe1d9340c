"""What is looked at before a release.

Usage:

    ship.py deployment   the files of deploy/, each by a linter of its kind; no container engine and no cluster needed
    ship.py licences     the licence of every package that the image holds; fails on one that nobody has agreed to
    ship.py audit        known vulnerabilities of those packages; asks the package index, so it needs the network
    ship.py sbom         dist/sbom.json: what the image holds, as CycloneDX
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".tools" / "ship" / "bin"
DEPLOY = ROOT / "deploy"
IMAGE = ROOT / "requirements" / "image.txt"
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", re.MULTILINE)

KUBERNETES = ("1.31.0", "1.37.0")
"""The oldest and the newest version whose schemas the manifests are held against."""

NO_SCHEMA = {"kustomization.yaml", "servicemonitor.yaml"}
"""Files of kinds that Kubernetes itself does not know."""

AGREED = re.compile(
    r"(Apache(-| Software License|.*2)|MIT|BSD|0BSD|ISC|PSF|Python Software Foundation|MPL[- ]2"
    r"|Mozilla Public License 2|Unlicense|CC0|Zlib)",
    re.IGNORECASE,
)
"""Licences under which a package may be part of the image."""


def run(command: Sequence[str | Path]) -> bool:
    """Whether a command says that all is well; what it prints is shown."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode == 0


def deployment() -> bool:
    """Lints the files of deploy/."""
    manifests = [path for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")) if path.name not in NO_SCHEMA]
    heard = [
        run([BIN / "hadolint", DEPLOY / "Containerfile"]),
        run([DEPLOY / "node_modules" / ".bin" / "dclint", "--max-warnings", "0", DEPLOY / "compose.yaml"]),
        *(run([BIN / "kubernetes-validate", "--strict", "-k", version, *manifests]) for version in KUBERNETES),
    ]
    return all(heard)


def licence(name: str) -> str:
    """What a package says of its licence: an SPDX expression, a classifier, or the first line of its text."""
    told = importlib.metadata.metadata(name)
    classifiers = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier", []) if line.startswith("License")]
    text: str = told["License-Expression"] or " / ".join(classifiers) or (told["License"] or "").partition("\n")[0]
    return text


def installed() -> Iterator[tuple[str, str]]:
    """The image's packages that are installed here, with their versions."""
    for name, _ in PIN.findall(IMAGE.read_text(encoding="utf-8")):
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            print(f"{name:45} not for this platform")


def licences() -> bool:
    """Prints a line a package; whether each licence has been agreed to."""
    unknown = []
    for name, version in installed():
        text = licence(name)
        print(f"{name:45} {version:12} {text}")
        if not AGREED.search(text):
            unknown.append(name)
    if unknown:
        print(f"nobody has agreed to the licence of: {', '.join(unknown)}", file=sys.stderr)
    return not unknown


def audit() -> bool:
    """Asks for known vulnerabilities; what could not be asked about is no clean bill."""
    return run([BIN / "pip-audit", "--strict", "--disable-pip", "--requirement", IMAGE])


def sbom() -> bool:
    """Writes the bill of materials, and looks whether it names what the lock does."""
    target = ROOT / "dist" / "sbom.json"
    target.parent.mkdir(exist_ok=True)
    made = run(
        [
            *(BIN / "cyclonedx-py", "requirements", IMAGE, "--pyproject", ROOT / "pyproject.toml"),
            *("--output-reproducible", "--output-file", target),
        ]
    )
    if not made:
        return False
    listed = {part["name"] for part in json.loads(target.read_text(encoding="utf-8"))["components"]}
    missing = {name for name, _ in PIN.findall(IMAGE.read_text(encoding="utf-8"))} - listed
    print(f"dist/sbom.json: {len(listed)} packages" + (f"; missing: {', '.join(sorted(missing))}" if missing else ""))
    return not missing


COMMANDS = {"deployment": deployment, "licences": licences, "audit": audit, "sbom": sbom}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:  # noqa: PLR2004 - the program and one word
        sys.exit(__doc__)
    sys.exit(not COMMANDS[sys.argv[1]]())
