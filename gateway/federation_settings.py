"""How the gateway takes part in a supergraph, as it is set."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.environment import BadSetting, Environment
from gateway.graph.federation.options import NotOffered, Options, options
from gateway.keys import ApiKey, read_keys, weaknesses


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationSettings:
    """What is set of federation.

    Attributes:
        enabled: Whether routers are answered: `_service` and `_entities`.
        options: How the subgraph's text is written.
        router_keys: What a router proves to be one by; where there are any, nobody else is answered.
    """

    enabled: bool
    options: Options
    router_keys: tuple[ApiKey, ...]


def read_federation(env: Environment) -> tuple[FederationSettings, list[str]]:
    """The settings of federation, and what about them could be better.

    Raises:
        BadSetting: One of them cannot be meant.
    """
    name = "GATEWAY_ROUTER_KEYS"
    listed = env.secret(name, lines=True)
    text = listed.reveal() if listed else ""
    settings = FederationSettings(
        enabled=env.switch("GATEWAY_FEDERATION", default=False),
        options=_options(env),
        router_keys=read_keys(name, text),
    )
    return settings, weaknesses(name, text, from_file=bool(env.text(f"{name}_FILE")))


def _options(env: Environment) -> Options:
    version, directives = "GATEWAY_FEDERATION_VERSION", "GATEWAY_FEDERATION_DIRECTIVES"
    written, names = env.text(version), [part.strip() for part in env.text(directives).split(",")]
    try:
        chosen = options(written)
    except NotOffered as error:
        raise BadSetting(version, str(error)) from None
    try:
        return options(written or str(chosen.version), [name.removeprefix("@") for name in names if name])
    except NotOffered as error:
        raise BadSetting(directives, f"{error}; set {version} to that or a later one, or leave it out") from None
