"""How the sources are reached, as it is set: a table with one row a source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from gateway.settings.environment import BadSetting
from gateway.settings.kinds import OF_A_SECRET, SECRETS, SecretText, Unset, Url
from gateway.settings.table import SettingsGroup, SettingsTable
from gateway.upstream.credentials import Secret

MOST_UNITS = 1_000_000
MOST_DAYS = 3660
ORGANIZATION = re.compile(r"(https?://[A-Za-z0-9.:-]+/organizations/)?[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """Client credentials, which tokens are requested with.

    Attributes:
        id: The client.
        secret: Its secret.
        token_url: Where tokens are requested.
    """

    id: str
    secret: Secret
    token_url: str


class SourceSettings(SettingsGroup, frozen=True, kw_only=True):
    """How one source is reached. A name of a setting begins with the source's."""

    name: str
    token: Annotated[SecretText, Meta(title="_TOKEN", description="{token}; without it the source is off")] = None
    url: Annotated[Url, Meta(title="_URL", description="base URL")] = ""
    rate_limit: Annotated[
        int, Meta(title="_RATE_LIMIT", ge=1, le=MOST_UNITS, description="{units} a minute, of all replicas together")
    ] = 300
    timeout: Annotated[float, Meta(title="_TIMEOUT", ge=0.05, le=600, description="seconds for one upstream call")] = (
        10.0
    )
    webhook_secrets: Annotated[
        tuple[Secret, ...],
        SECRETS,
        Meta(
            title="_WEBHOOK_SECRETS",
            description="secrets that a delivery may be signed with (two while one is replaced); without one its path "
            "is 404; see [live updates](live.md)",
        ),
    ] = ()

    @property
    def enabled(self) -> bool:
        """Whether the source is on."""
        return self.token is not None or self.client is not None

    @property
    def client(self) -> OAuthClient | None:
        """What tokens are requested with, where the source has such clients and one is set."""
        return None


class OAuthSourceSettings(SourceSettings, frozen=True, kw_only=True):
    """The same of a source that gives tokens to OAuth clients."""

    client_id: Annotated[
        str, OF_A_SECRET, Meta(title="_CLIENT_ID", description="OAuth client credentials, instead of a token")
    ] = ""
    client_secret: Annotated[SecretText, Meta(title="_CLIENT_SECRET", description="the secret that goes with it")] = (
        None
    )
    token_url: Annotated[Url, Meta(title="_TOKEN_URL", description="where tokens are requested with them")] = ""

    @property
    def client(self) -> OAuthClient | None:
        """What tokens are requested with, where it is set."""
        if not self.client_id or self.client_secret is None:
            return None
        return OAuthClient(id=self.client_id, secret=self.client_secret, token_url=self.token_url)

    def check(self) -> Iterator[BadSetting]:
        """A client is set whole, and not beside a token."""
        token, id_, secret = (f"{self.name}_{part}" for part in ("TOKEN", "CLIENT_ID", "CLIENT_SECRET"))
        if not self.client_id and self.client_secret is None:
            return
        if self.token is not None:
            yield BadSetting(id_ if self.client_id else secret, f"{token} is set too; keep the token or the client")
        elif not self.client_id:
            yield BadSetting(id_, f"{secret} is set without it; set both or neither")
        elif self.client_secret is None:
            yield BadSetting(secret, f"{id_} is set without it; set both or neither")


class CalendlySettings(SourceSettings, frozen=True, kw_only=True):
    """The same of Calendly, of which one organization is read, and not all of its events."""

    organization: Annotated[
        str,
        Unset("that of the token's user"),
        Meta(title="_ORGANIZATION", description="URI or id of the organization"),
    ] = ""
    days_back: Annotated[
        int, Meta(title="_DAYS_BACK", ge=1, le=MOST_DAYS, description="days that events are read back")
    ] = 90
    days_ahead: Annotated[
        int, Meta(title="_DAYS_AHEAD", ge=1, le=MOST_DAYS, description="days that events are read ahead")
    ] = 180

    def check(self) -> Iterator[BadSetting]:
        """An organization is a URI of one, or its last part."""
        if self.organization and not ORGANIZATION.fullmatch(self.organization):
            yield BadSetting(
                f"{self.name}_ORGANIZATION",
                "it is not an organization; like https://api.calendly.com/organizations/AAAAAAAAAAAAAAAA",
            )


def source(
    name: str,
    title: str,
    group: type[SourceSettings] = SourceSettings,
    *,
    token: str,
    units: str,
    about: str = "",
    **defaults: object,
) -> SettingsTable[SourceSettings]:
    """One source's row.

    Args:
        name: As in the enum `Source`; its settings begin with it.
        title: As its vendor writes it.
        group: Its settings; one of its own where it has more of them than others.
        token: What its token is.
        units: What its rate limit counts.
        about: What else there is to say, for the documentation.
        defaults: Defaults by field.
    """
    return SettingsTable(
        title,
        group,
        prefix=name,
        fixed={"name": name},
        defaults=defaults,
        words={"token": token, "units": units},
        about=about,
        example=f"{name}_TOKEN_FILE=/run/secrets/{name.lower()}_token\n{name}_RATE_LIMIT=200",
    )


SOURCES = (
    source(
        "SALESLOFT",
        "Salesloft",
        OAuthSourceSettings,
        token="API key or OAuth access token",  # noqa: S106 - a description
        units="cost units",
        url="https://api.salesloft.com",
        token_url="https://accounts.salesloft.com/oauth/token",  # noqa: S106
        about="The rate limit is half of what the vendor gives the whole team.",
    ),
    source(
        "DRIFT",
        "Drift",
        token="OAuth access token",  # noqa: S106 - a description
        units="calls",
        url="https://driftapi.com",
    ),
    source(
        "CALENDLY",
        "Calendly",
        CalendlySettings,
        token="personal access token of an admin or owner, or OAuth access token",  # noqa: S106 - a description
        units="requests",
        url="https://api.calendly.com",
        rate_limit=250,
        about="The rate limit is half of a paid plan's. Months that the window begins or ends in are read whole.",
    ),
)
"""The sources, in order of their rank."""
