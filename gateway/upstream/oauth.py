"""OAuth 2.0 client credentials: a token that is renewed from half of its lifetime on, by one replica for all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import msgspec
from yarl import URL

from gateway.errors import UpstreamError, UpstreamMalformed, UpstreamRateLimited, UpstreamRefused, UpstreamUnavailable
from gateway.request import LedgerEntry, Request
from gateway.upstream.attempts import Meter, Unmetered
from gateway.upstream.clock import SteadyClock, Timer
from gateway.upstream.credentials import Secret
from gateway.upstream.flight import Flight
from gateway.upstream.http import Failure, Response, Session, Upstream, exchange
from gateway.upstream.responses import failure_in, status_of, unreadable
from gateway.upstream.trouble import Reason, Trouble, Troubles

LASTING = 60.0
"""Seconds before another request where it is unlikely to succeed: the client was refused."""

TRANSIENT = 5.0
"""The same where it is likely to succeed: the endpoint failed."""

OF_THE_CLIENT = frozenset({Trouble.REJECTED, Trouble.REFUSED, Trouble.GONE})
"""Troubles with a token endpoint that mean that the client, its secret or the URL is wrong."""

NEW = 30.0
"""Seconds for which a token is too new to be the reason for a refusal."""

CLAIM_SPARE = 5.0
"""Seconds beyond the time-out of a replica's request after which another one may make it."""

DEFAULT_LIFETIME = 7200.0
"""A token's lifetime in seconds where its endpoint names none; Salesloft's tokens have this."""

SHORT_LIFETIME = 300.0
"""The same where `expires_in` cannot be read: short enough for a renewal before the token is likely to expire."""

MAX_LIFETIME = 86_400.0
"""The longest lifetime that is believed, in seconds; a token is a secret, and has to expire."""

POLL_INTERVAL = 0.2
"""Seconds between two looks for the token that another replica has requested."""


class Token(msgspec.Struct, frozen=True):
    """An access token.

    Attributes:
        secret: The token itself.
        issued: When it was requested, in seconds since 1970.
        lasts: Its lifetime in seconds.
    """

    secret: Secret
    issued: float
    lasts: float

    def is_young(self, now: float) -> bool:
        """Whether less than half of its lifetime is over: one that expires during a long wait is useless."""
        return now < self.issued + self.lasts / 2

    def is_valid(self, now: float) -> bool:
        """Whether it has not expired."""
        return now < self.issued + self.lasts


class TokenVault(Protocol):
    """Where replicas share a token."""

    async def load(self) -> Token | None:
        """The token that was saved last, if there is one."""
        ...

    async def save(self, token: Token) -> None:
        """Saves a token until it expires."""
        ...

    async def claim(self, seconds: float) -> bool:
        """Acquires the right to request a token, for so long at most; returns whether it was free."""
        ...

    async def release(self) -> None:
        """Releases that right."""
        ...


class _Issued(msgspec.Struct):
    """The token endpoint's response (RFC 6749, 5.1); `expires_in` may have any form, or be absent."""

    access_token: str
    expires_in: object = DEFAULT_LIFETIME


def lifetime_of(expires_in: object) -> float:
    """A token's lifetime in seconds, by its endpoint's `expires_in`."""
    try:
        seconds = math.nan
        if isinstance(expires_in, int | float | str) and not isinstance(expires_in, bool):
            seconds = float(expires_in)
    except (ValueError, OverflowError):
        seconds = math.nan
    return SHORT_LIFETIME if math.isnan(seconds) else min(seconds, MAX_LIFETIME)


class ClientCredentials:
    """A token for a client id and secret (RFC 6749, 4.4).

    Args:
        upstream: The token endpoint: `base_url` is the whole URL, `name` that of the source.
        client_id: The client.
        client_secret: Its secret; sent to the token endpoint only, as a form field.
        session: The connections; each request opens its own, since they are an hour apart.
        clock: Measures the token's age.
        vault: Shares the token among replicas, where given.
        meter: Counts calls.
    """

    def __init__(
        self,
        upstream: Upstream,
        client_id: str,
        client_secret: Secret,
        session: Session,
        clock: Timer,
        *,
        vault: TokenVault | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.identity = client_secret.fingerprint(f"meeting-gateway records {client_id}")
        self._upstream = upstream
        self._client_id = client_id
        self._client_secret = client_secret
        self._session = session
        self._clock = clock
        self._vault = vault
        self._meter: Meter = Unmetered() if meter is None else meter
        self._time = SteadyClock(clock)
        self._renewal: Flight[Token] | None = None
        self._endpoint = URL(upstream.base_url).path
        self._troubles = Troubles(upstream.name, clock)
        self._token: Token | None = None
        self._doubted: Secret | None = None
        self._failure: tuple[float, UpstreamError] | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a token, or none has been requested yet."""
        return not self.troubles or (self._token is not None and self._token.is_valid(self._time.now()))

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """What is wrong with the token endpoint; empty where it works."""
        return self._troubles.now

    async def token(self, request: Request) -> Secret:
        """A valid token; from half of its lifetime on, one caller waits for the renewal and the others do not.

        Raises:
            UpstreamRefused: The client is not accepted; no request is made for a while.
            UpstreamError: No token could be obtained for another reason.
            DeadlineExceeded: Not by the request's deadline.
        """
        token, now = self._token, self._time.now()
        if token is not None and token.is_valid(now) and (token.is_young(now) or self._being_renewed()):
            return token.secret
        try:
            renewed = await self._renewed(request)
        except UpstreamError:
            if token is None or not token.is_valid(self._time.now()):
                raise
            return token.secret
        return renewed.secret

    async def rejected(self, token: Secret, *, known: bool) -> bool:
        """Takes that the upstream refused a token; drops it where it is unknown there, and not quite new."""
        current = self._token
        if current is None or current.secret != token:
            return True  # there is a newer one already
        if known or self._time.now() - current.issued < NEW:
            return False
        self._token, self._doubted = None, token
        return True

    def _being_renewed(self) -> bool:
        """Whether the token is being renewed, or its renewal failed a moment ago."""
        return self._renewal is not None or self._paused() is not None

    def _paused(self) -> UpstreamError | None:
        if self._failure is None or self._clock.monotonic() >= self._failure[0]:
            return None
        return self._failure[1]

    async def _renewed(self, request: Request) -> Token:
        """A new token, requested once for all who wait."""
        if self._renewal is None:

            def ended() -> None:
                self._renewal = None

            self._renewal = Flight(self._clock, request, self._renew, ended)
        return await self._renewal.wait(request)

    async def _renew(self, request: Request) -> Token:
        self._token = await self._obtain(request)
        self._troubles.answered(self._endpoint)
        return self._token

    async def _obtain(self, request: Request) -> Token:
        """The token that another replica has saved, else a new one."""
        failure = self._paused()
        if failure is not None:
            raise failure
        if self._vault is None:
            return await self._ask(request)
        while (saved := await self._saved()) is None:
            if await self._vault.claim(self._upstream.timeout + CLAIM_SPARE):
                break
            await self._clock.sleep(POLL_INTERVAL)
        else:
            return saved
        try:
            saved = await self._saved()  # another one may have asked before the claim was free
            if saved is None:
                saved = await self._ask(request)
                await self._vault.save(saved)
        finally:
            await self._vault.release()
        return saved

    async def _saved(self) -> Token | None:
        """The token that another replica has saved, if it is useful."""
        saved = None if self._vault is None else await self._vault.load()
        if saved is None or saved.secret == self._doubted:
            return None
        now = self._time.now()
        if saved.issued > now:  # by the clock of a replica that is ahead
            saved = msgspec.structs.replace(saved, issued=now)
        return saved if saved.is_young(now) else None

    async def _ask(self, request: Request) -> Token:
        """Makes one request to the token endpoint."""
        started, now = self._clock.monotonic(), self._time.now()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        name, status = self._upstream.name, "cancelled"
        try:
            url = URL(self._upstream.base_url)
            response = await exchange(self._session, self._upstream, url, {}, form=form, fresh=True)
            status = status_of(response)
        finally:
            ended = self._clock.monotonic()
            self._meter.called(name, self._endpoint, status, units=0, seconds=ended - started)
            request.ledger.write(LedgerEntry(name, self._endpoint, 0, started, ended, status=status))
        token = response if isinstance(response, Failure) else self._read(response, now)
        if isinstance(token, Failure):
            self._note_failure(token)
            raise token.error
        self._failure = self._doubted = None
        return token

    def _note_failure(self, failure: Failure) -> None:
        """Remembers a failure, so that no request is made for a while."""
        pause = TRANSIENT if failure.transient or isinstance(failure.error, UpstreamRateLimited) else LASTING
        self._failure = self._clock.monotonic() + pause, failure.error
        if failure.reason is not None:
            self._troubles.failed(self._endpoint, failure.reason, sure=True)
            self._meter.troubled(self._upstream.name, self._endpoint, failure.reason.trouble.value)

    def _read(self, response: Response, now: float) -> Token | Failure:
        """The token in a response, or what is wrong with it."""
        name, status = self._upstream.name, response.status
        failure = failure_in(response, self._upstream, now=now)
        if failure is not None and failure.trouble in OF_THE_CLIENT and status >= 400:  # noqa: PLR2004 - no redirect
            refused = UpstreamRefused("The source does not accept the gateway's client credentials.", source=name)
            return Failure(error=refused, transient=False, trouble=Trouble.REFUSED, status=status)
        if failure is not None:
            return failure
        try:
            issued = msgspec.json.decode(response.body, type=_Issued)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return unreadable(response, UpstreamMalformed("The source's answer holds no token.", source=name))
        lasts = lifetime_of(issued.expires_in)
        if not issued.access_token or lasts <= 0:
            unusable = UpstreamUnavailable("The source gave no usable token.", source=name)
            return Failure(error=unusable, transient=False, trouble=Trouble.MALFORMED, status=status)
        return Token(Secret(issued.access_token), now, lasts)
