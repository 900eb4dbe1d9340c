"""Every setting, read once at the start and validated; secrets are wrapped."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.cache_settings import CacheSettings, read_cache
from gateway.environment import BadSetting, Environment
from gateway.federation_settings import FederationSettings, read_federation
from gateway.keys import ApiKey, read_keys, weaknesses
from gateway.metrics_settings import MetricsSettings, read_metrics
from gateway.source_settings import SourceSettings, read_source
from gateway.tracing_settings import TracingSettings, read_tracing

PORTS = 65_535
SALESLOFT_TOKENS = "https://accounts.salesloft.com/oauth/token"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Who may ask.

    Attributes:
        required: Whether a credential is needed.
        written: Whether `GATEWAY_AUTH` was set, rather than worked out.
        keys: Accepted API keys.
        jwks_url: Where the keys that sign accepted JWTs are published.
        issuer: What their `iss` has to be; any where empty.
        audience: What their `aud` has to name; any where empty.
        origins: Origins that may call from a browser.
    """

    required: bool
    written: bool
    keys: tuple[ApiKey, ...] = ()
    jwks_url: str = ""
    issuer: str = ""
    audience: str = ""
    origins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one operation, and one client, may ask for.

    Attributes:
        depth: Levels of fields; the introspection that GraphiQL begins with has 15.
        aliases: Aliased fields, those in fragments counted wherever they are spread.
        tokens: Tokens of a document.
        cost: Upstream cost units that an operation may be expected to take.
        client_rate: Operations a minute for one client.
        client_cost: Upstream cost units a minute for one client.
    """

    depth: int
    aliases: int
    tokens: int
    cost: int
    client_rate: int
    client_cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set.

    Attributes:
        salesloft: The source Salesloft.
        drift: The source Drift.
        cache: What of their answers is kept.
        access: Who may ask.
        limits: How much.
        federation: Whether, and how, it is part of a supergraph.
        metrics: What is told of it to Prometheus.
        tracing: What is told of it to OpenTelemetry; None where nothing is.
        trusted_documents: Path of a manifest; where set, only its operations run.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        deadline: Seconds for one GraphQL operation, upstream waits included.
        drain: Seconds between dropping readiness and closing.
        replicas: How many gateways share the upstream budgets.
        off_file: A file that names the sources which are switched off, looked at while running; None where there is
            none.
        graphiql: Whether a browser gets GraphiQL.
        introspection: Whether the schema may be asked for.
        trace: Whether `extensions.upstream` may be asked for.
        warnings: Sentences about what was set but cannot have been meant.
    """

    salesloft: SourceSettings
    drift: SourceSettings
    cache: CacheSettings
    access: AccessSettings
    limits: Limits
    federation: FederationSettings
    metrics: MetricsSettings
    tracing: TracingSettings | None
    trusted_documents: str
    host: str
    port: int
    deadline: float
    drain: float
    replicas: int
    off_file: Path | None
    graphiql: bool
    introspection: bool
    trace: bool
    warnings: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[SourceSettings, ...]:
        """Every source, on or off."""
        return (self.salesloft, self.drift)

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Settings:
        """The settings that an environment holds.

        Raises:
            BadSetting: One of them cannot be meant.
        """
        return cls._of(Environment(variables))

    @classmethod
    def names(cls) -> frozenset[str]:
        """Every variable that is a setting."""
        env = Environment({})
        cls._of(env)
        return env.known

    @classmethod
    def _of(cls, env: Environment) -> Settings:
        host = env.text("GATEWAY_HOST", "127.0.0.1")
        local = is_loopback(host)
        access, weaknesses = _access(env)
        federation, of_routers = read_federation(env)
        return cls(
            salesloft=read_source(env, "SALESLOFT", "https://api.salesloft.com", token_url=SALESLOFT_TOKENS),
            drift=read_source(env, "DRIFT", "https://driftapi.com"),
            cache=read_cache(env),
            access=access,
            limits=_limits(env),
            federation=federation,
            metrics=read_metrics(env),
            tracing=read_tracing(env),
            trusted_documents=env.text("GATEWAY_TRUSTED_DOCUMENTS"),
            host=host,
            port=env.whole("GATEWAY_PORT", 8000, least=0, most=PORTS),
            deadline=env.seconds("GATEWAY_DEADLINE", 25, least=0.1, most=600),
            drain=env.seconds("GATEWAY_DRAIN", 2, least=0, most=600),
            replicas=env.whole("GATEWAY_REPLICAS", 1, least=1, most=1000),
            off_file=Path(path) if (path := env.text("GATEWAY_OFF_FILE")) else None,
            graphiql=env.switch("GATEWAY_GRAPHIQL", default=local),
            introspection=env.switch("GATEWAY_INTROSPECTION", default=local),
            trace=env.switch("GATEWAY_TRACE", default=local),
            warnings=(*weaknesses, *of_routers, *env.unknown()),
        )

    def require_source(self) -> None:
        """Makes sure that there is something to serve.

        Raises:
            BadSetting: Every source is off.
        """
        if not any(source.enabled for source in self.sources):
            names = " or ".join(f"{source.name}_TOKEN" for source in self.sources)
            raise BadSetting(
                names, "no source is on; set one of them (or try 'meeting-gateway demo', which needs none)"
            )

    def require_access(self) -> None:
        """Makes sure that nobody serves openly by oversight.

        Raises:
            BadSetting: Others could reach it, and nobody has said that they may.
        """
        if not is_loopback(self.host) and not self.access.required and not self.access.written:
            raise BadSetting(
                "GATEWAY_AUTH",
                f"{self.host} can be reached from elsewhere and no credential is asked for; set GATEWAY_API_KEYS or "
                "GATEWAY_JWKS_URL, or write GATEWAY_AUTH=none",
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _access(env: Environment) -> tuple[AccessSettings, list[str]]:
    """Who may ask, and what about that could be better."""
    name = "GATEWAY_API_KEYS"
    listed = env.secret(name, lines=True)
    text = listed.reveal() if listed else ""
    keys = read_keys(name, text)
    warnings = weaknesses(name, text, from_file=bool(env.text(f"{name}_FILE")))
    jwks_url = env.url("GATEWAY_JWKS_URL", "")
    issuer, audience = env.text("GATEWAY_JWT_ISSUER"), env.text("GATEWAY_JWT_AUDIENCE")
    for unset, value in (("GATEWAY_JWT_ISSUER", issuer), ("GATEWAY_JWT_AUDIENCE", audience)):
        if jwks_url and not value:
            warnings.append(f"{unset} is not set: a token that was meant for somebody else will be accepted")
        if value and not jwks_url:
            raise BadSetting(unset, "means nothing without GATEWAY_JWKS_URL; set both or neither")
    accepted = bool(keys or jwks_url)
    word = env.choice("GATEWAY_AUTH", ("none", "required"), default="required" if accepted else "none")
    if word == "required" and not accepted:
        raise BadSetting("GATEWAY_AUTH", "no credential is accepted yet; set GATEWAY_API_KEYS or GATEWAY_JWKS_URL too")
    access = AccessSettings(
        required=word == "required",
        written=bool(env.text("GATEWAY_AUTH")),
        keys=keys,
        jwks_url=jwks_url,
        issuer=issuer,
        audience=audience,
        origins=_origins(env, "GATEWAY_CORS_ORIGINS"),
    )
    return access, warnings


def _origins(env: Environment, name: str) -> frozenset[str]:
    origins = frozenset(filter(None, (part.strip().lower() for part in env.text(name).split(","))))
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise BadSetting(name, f'"{origin[:60]}" is no origin; it should look like https://app.example')
    return origins


def _limits(env: Environment) -> Limits:
    most = 1_000_000
    return Limits(
        depth=env.whole("GATEWAY_MAX_DEPTH", 15, least=1, most=100),
        aliases=env.whole("GATEWAY_MAX_ALIASES", 50, least=0, most=most),
        tokens=env.whole("GATEWAY_MAX_TOKENS", 3000, least=10, most=most),
        cost=env.whole("GATEWAY_MAX_COST", 2000, least=1, most=most),
        client_rate=env.whole("GATEWAY_CLIENT_RATE", 600, least=1, most=most),
        client_cost=env.whole("GATEWAY_CLIENT_COST", 600, least=1, most=most),
    )
