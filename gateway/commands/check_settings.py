"""`meeting-gateway check --settings`: whether the gateway would start with its settings; nobody is called."""

from __future__ import annotations

import argparse
import os
import sys

import msgspec

from gateway.commands.serve import CHECKS
from gateway.settings.environment import BadSetting, BadSettings
from gateway.settings.settings import Settings


class SettingsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of the settings.

    Attributes:
        valid: Whether `serve` would start with them, as far as can be known without listening.
        faults: A sentence for each that is not valid; it begins with the setting's name.
        warnings: Sentences about what is valid and could be better.
        sources: The sources that are on.
    """

    valid: bool
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def check_settings(args: argparse.Namespace) -> int:
    """Prints what is wrong with the settings; 2 where something is, as for any command that they stop."""
    report = reported()
    if args.json:
        print(msgspec.json.encode(report).decode())
    else:
        for sentence in (*report.faults, *report.warnings):
            print(f"meeting-gateway: {sentence}", file=sys.stderr)
        if report.valid:
            print(f"The settings are valid. Sources that are on: {', '.join(report.sources)}.")
    return 0 if report.valid else 2


def reported() -> SettingsReport:
    """What there is to say of the settings in the environment."""
    try:
        settings = Settings.read(os.environ, CHECKS)
    except BadSettings as several:
        return SettingsReport(valid=False, faults=tuple(map(str, several.faults)))
    except BadSetting as fault:
        return SettingsReport(valid=False, faults=(str(fault),))
    sources = tuple(source.name for source in settings.sources if source.enabled)
    return SettingsReport(valid=True, warnings=settings.warnings, sources=sources)
