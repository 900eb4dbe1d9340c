"""Who may ask, how much, and what browsers and tools are shown, as it is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from gateway.settings.api_keys import KEYS, ApiKey
from gateway.settings.environment import BadSetting
from gateway.settings.kinds import HOSTS, NETWORKS, ORIGINS, FilePath, Network, SecretText, Unset, Url, is_loopback
from gateway.settings.server import HOST_NAME, LOOPBACK
from gateway.settings.table import SettingsGroup, SettingsTable

MOST = 1_000_000


def _on_loopback(text: Callable[[str], str]) -> bool:
    return is_loopback(text(HOST_NAME) or LOOPBACK)


LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Names that no page of the web can have."""

LOCAL = Unset("`on` on loopback, else `off`", _on_loopback)


class AccessSettings(SettingsGroup, frozen=True, kw_only=True):
    """Who may ask."""

    auth: Annotated[
        Literal["none", "required"] | None,
        Unset("`required` where keys or a JWKS are set, else `none`"),
        Meta(
            title="GATEWAY_AUTH",
            description="whether a credential is needed; off loopback `serve` refuses to start without one unless "
            "`none` is written out, and `none` is refused beside keys or a JWKS",
        ),
    ] = None
    keys: Annotated[
        tuple[ApiKey, ...],
        KEYS,
        Meta(
            title="GATEWAY_API_KEYS",
            description="accepted client keys, each `key`, `name:key` or `name:key:scope+scope`; see "
            "[authentication](http.md#authentication)",
        ),
    ] = ()
    jwks_url: Annotated[
        Url, Meta(title="GATEWAY_JWKS_URL", description="where the keys that sign accepted JWTs are published")
    ] = ""
    issuer: Annotated[
        str,
        Unset("any"),
        Meta(
            title="GATEWAY_JWT_ISSUER",
            description="what a JWT's `iss` has to be; should be set beside the JWKS",
        ),
    ] = ""
    audience: Annotated[
        str,
        Unset("any"),
        Meta(
            title="GATEWAY_JWT_AUDIENCE",
            description="what a JWT's `aud` has to name; should be set beside the JWKS",
        ),
    ] = ""

    id_key: Annotated[
        SecretText,
        Unset("derived from `CALENDLY_TOKEN`: these ids change with it"),
        Meta(
            title="GATEWAY_ID_KEY",
            description="encrypts ids that are made of e-mail addresses (people whom Calendly alone knows)",
        ),
    ] = None

    email_claim: Annotated[
        str,
        Meta(
            title="GATEWAY_JWT_EMAIL_CLAIM",
            description="the claim of a JWT that `me` finds the team member by; ignored if `email_verified` is false",
        ),
    ] = "email"

    @property
    def required(self) -> bool:
        """Whether a credential is needed."""
        return self.auth == "required" or (self.auth is None and self._some)

    @property
    def _some(self) -> bool:
        """Whether there is a credential that would be accepted."""
        return bool(self.keys or self.jwks_url)

    def check(self) -> Iterator[BadSetting]:
        """What is asked for and what is accepted go together."""
        for name, value in (("GATEWAY_JWT_ISSUER", self.issuer), ("GATEWAY_JWT_AUDIENCE", self.audience)):
            if value and not self.jwks_url:
                yield BadSetting(name, "means nothing without GATEWAY_JWKS_URL; set both or neither")
        if self.auth == "required" and not self._some:
            wrong = "no credential is accepted yet; set GATEWAY_API_KEYS or GATEWAY_JWKS_URL too"
            yield BadSetting("GATEWAY_AUTH", wrong)
        if self.auth == "none" and self._some:
            given = "GATEWAY_API_KEYS" if self.keys else "GATEWAY_JWKS_URL"
            wrong = f"is none, but {given} is set, and nobody would be asked for it; leave one of them out"
            yield BadSetting("GATEWAY_AUTH", wrong)

    def review(self) -> Iterator[str]:
        """What a token may be used for that was issued for others."""
        for name, value in (("GATEWAY_JWT_ISSUER", self.issuer), ("GATEWAY_JWT_AUDIENCE", self.audience)):
            if self.jwks_url and not value:
                yield f"{name} is not set: a token that was meant for somebody else will be accepted"


class BrowserSettings(SettingsGroup, frozen=True, kw_only=True):
    """What browsers may do, and what tools are shown."""

    origins: Annotated[
        frozenset[str],
        ORIGINS,
        Meta(title="GATEWAY_CORS_ORIGINS", description="origins whose pages may call"),
    ] = frozenset()
    allowed_hosts: Annotated[
        frozenset[str],
        HOSTS,
        Unset(f"`{','.join(LOOPBACK_HOSTS)}` where no credential is needed, else `*`"),
        Meta(
            title="GATEWAY_ALLOWED_HOSTS",
            description="host names that are answered, beside that of `GATEWAY_PUBLIC_URL`; `*.example.com` and `*` "
            "are possible; see [hosts and proxies](http.md#hosts-and-proxies)",
        ),
    ] = frozenset()
    public_url: Annotated[
        Url,
        Meta(
            title="GATEWAY_PUBLIC_URL", description="where vendors and clients reach this gateway; its host is answered"
        ),
    ] = ""
    trusted_proxies: Annotated[
        frozenset[Network],
        NETWORKS,
        Meta(
            title="GATEWAY_TRUSTED_PROXIES",
            description="proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed",
        ),
    ] = frozenset()
    graphiql: Annotated[
        bool, LOCAL, Meta(title="GATEWAY_GRAPHIQL", description="whether a browser's GET is answered with GraphiQL")
    ] = False
    introspection: Annotated[
        bool, LOCAL, Meta(title="GATEWAY_INTROSPECTION", description="whether the schema can be queried")
    ] = False
    trace: Annotated[
        bool,
        LOCAL,
        Meta(
            title="GATEWAY_TRACE",
            description="whether `X-Gateway-Trace: 1` adds `extensions.upstream` to an answer",
        ),
    ] = False


class LimitSettings(SettingsGroup, frozen=True, kw_only=True):
    """What one operation, and one client, may ask for."""

    depth: Annotated[
        int,
        Meta(
            title="GATEWAY_MAX_DEPTH",
            ge=1,
            le=100,
            description="levels of fields of one operation; the introspection that GraphiQL begins with has 15",
        ),
    ] = 15
    aliases: Annotated[
        int,
        Meta(
            title="GATEWAY_MAX_ALIASES",
            ge=0,
            le=MOST,
            description="aliases of one operation, those of a fragment counted wherever it is spread",
        ),
    ] = 50
    tokens: Annotated[int, Meta(title="GATEWAY_MAX_TOKENS", ge=10, le=MOST, description="tokens of one document")] = (
        3000
    )
    document: Annotated[
        int,
        Meta(
            title="GATEWAY_MAX_DOCUMENT",
            ge=100,
            le=MOST,
            description="characters of one document; longer ones are refused before they are parsed",
        ),
    ] = 100_000
    cost: Annotated[
        int,
        Meta(
            title="GATEWAY_MAX_COST",
            ge=1,
            le=MOST,
            description="upstream cost units that one operation may be expected to take, and may spend while it runs; "
            "see [limits](http.md#limits)",
        ),
    ] = 2000
    fields: Annotated[
        int,
        Meta(
            title="GATEWAY_MAX_FIELDS",
            ge=100,
            le=10 * MOST,
            description="fields of one answer, those that every row has counted for every row: expected before the "
            "operation runs, and counted while it does",
        ),
    ] = 250_000
    stats_rows: Annotated[
        int,
        Meta(
            title="GATEWAY_STATS_ROWS",
            ge=1,
            le=MOST,
            description="meetings that one `meetingStats` reads at most; a range with more is refused",
        ),
    ] = 5000
    client_rate: Annotated[
        int,
        Meta(
            title="GATEWAY_CLIENT_RATE",
            ge=1,
            le=MOST,
            description="operations a minute for one client (a credential, or an address where none is asked for): of "
            "all replicas that share a Redis, else of each process",
        ),
    ] = 600
    client_cost: Annotated[
        int,
        Meta(
            title="GATEWAY_CLIENT_COST",
            ge=1,
            le=MOST,
            description="upstream cost units a minute for one client, counted likewise",
        ),
    ] = 600
    trusted_documents: Annotated[
        FilePath,
        Meta(
            title="GATEWAY_TRUSTED_DOCUMENTS",
            description="path of a manifest, Relay's or Apollo's; where set, only its operations run",
        ),
    ] = None


def allowed_hosts(browsers: BrowserSettings, access: AccessSettings) -> frozenset[str]:
    """The host names that are answered: with nobody's credential needed, a page of any name could read everything."""
    names = browsers.allowed_hosts or (frozenset({"*"}) if access.required else frozenset(LOOPBACK_HOSTS))
    public = urlsplit(browsers.public_url).hostname
    if public is None:
        return names
    return names | {f"[{public}]" if ":" in public else public}


ACCESS = SettingsTable(
    "Authentication",
    AccessSettings,
    example="GATEWAY_API_KEYS_FILE=/run/secrets/api_keys",
)
BROWSERS = SettingsTable(
    "Browsers and tools",
    BrowserSettings,
    example="GATEWAY_CORS_ORIGINS=https://app.example,https://admin.example\nGATEWAY_GRAPHIQL=on",
)
LIMITS = SettingsTable(
    "Limits",
    LimitSettings,
    example="GATEWAY_MAX_DEPTH=12\nGATEWAY_CLIENT_RATE=120",
)
