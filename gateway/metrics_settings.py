"""What `/metrics` tells and to whom, as it is set."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.environment import BadSetting, Environment
from gateway.keys import ApiKey, read_keys

NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
MOST_NAMES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """What is set of metrics.

    Attributes:
        keys: What whoever reads them has to send one of; nothing where empty.
        operations: Operations that are told by their names.
    """

    keys: tuple[ApiKey, ...]
    operations: frozenset[str]


def read_metrics(env: Environment) -> MetricsSettings:
    """The settings of metrics.

    Raises:
        BadSetting: One of them cannot be meant.
    """
    listed = env.secret("GATEWAY_METRICS_KEYS", lines=True)
    return MetricsSettings(
        keys=read_keys("GATEWAY_METRICS_KEYS", listed.reveal() if listed else ""),
        operations=_operations(env, "GATEWAY_METRICS_OPERATIONS"),
    )


def _operations(env: Environment, name: str) -> frozenset[str]:
    """Operation names, bounded: each is a time series for ever."""
    names = frozenset(filter(None, (part.strip() for part in env.text(name).split(","))))
    for each in names:
        if not NAME.fullmatch(each):
            raise BadSetting(name, f'"{each[:60]}" is no operation name; it should look like MeetingList,PersonPage')
    if len(names) > MOST_NAMES:
        raise BadSetting(name, f"names {len(names)} operations; {MOST_NAMES} are the most")
    return names
