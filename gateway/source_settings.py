"""How a source is reached and proved to, as it is set."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.environment import BadSetting, Environment
from gateway.upstream.credentials import Secret

MOST_UNITS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """Client credentials, which tokens are asked for with.

    Attributes:
        id: The client.
        secret: Its secret.
        token_url: Where tokens are asked for.
    """

    id: str
    secret: Secret
    token_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """How one source is reached.

    Attributes:
        name: As in the enum `Source`; its settings begin with it.
        url: Base URL.
        token: What it is asked with, where there is one.
        client: What tokens for it are asked for with, where there is none.
        rate_limit: Cost units a minute that all replicas may spend together.
        timeout: Seconds for one call.
    """

    name: str
    url: str
    token: Secret | None
    client: OAuthClient | None
    rate_limit: int
    timeout: float

    @property
    def enabled(self) -> bool:
        """Whether the source is on."""
        return self.token is not None or self.client is not None


def read_source(env: Environment, name: str, url: str, *, token_url: str | None = None) -> SourceSettings:
    """One source's settings.

    Args:
        env: The environment.
        name: The source.
        url: Its base URL, where none is set.
        token_url: Where it gives tokens to clients, where it does and none is set.

    Raises:
        BadSetting: One of them cannot be meant.
    """
    token = env.secret(f"{name}_TOKEN")
    return SourceSettings(
        name=name,
        url=env.url(f"{name}_URL", url),
        token=token,
        client=None if token_url is None else _client(env, name, token_url, token=token is not None),
        rate_limit=env.whole(f"{name}_RATE_LIMIT", 300, least=1, most=MOST_UNITS),
        timeout=env.seconds(f"{name}_TIMEOUT", 10, least=0.05, most=600),
    )


def _client(env: Environment, name: str, token_url: str, *, token: bool) -> OAuthClient | None:
    """The client, where one is set whole."""
    id_name, secret_name = f"{name}_CLIENT_ID", f"{name}_CLIENT_SECRET"
    id_, secret, url = env.text(id_name), env.secret(secret_name), env.url(f"{name}_TOKEN_URL", token_url)
    if not id_ and secret is None:
        return None
    if token:
        given = id_name if id_ else secret_name
        raise BadSetting(given, f"{name}_TOKEN is set too; keep the token or the client")
    if not id_:
        raise BadSetting(id_name, f"{secret_name} is set without it; set both or neither")
    if secret is None:
        raise BadSetting(secret_name, f"{id_name} is set without it; set both or neither")
    return OAuthClient(id=id_, secret=secret, token_url=url)
