"""OAuth client credentials: a token asked for anew at half of its life, by one for all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import msgspec
from yarl import URL

from gateway.errors import UpstreamError, UpstreamMalformed, UpstreamRateLimited, UpstreamRefused, UpstreamUnavailable
from gateway.upstream.answers import Answer, failure_in, status_of, unreadable
from gateway.upstream.clock import Steady, Timer
from gateway.upstream.credentials import Secret
from gateway.upstream.exchange import exchange
from gateway.upstream.meter import Meter, Unmetered
from gateway.upstream.request import Entry, Request
from gateway.upstream.retry import Failure
from gateway.upstream.session import Session
from gateway.upstream.settings import Upstream
from gateway.upstream.shared import Flights
from gateway.upstream.trouble import Reason, Trouble
from gateway.upstream.troubles import Troubles

LASTING = 60.0
"""Seconds without another question where asking again is not likely to change the answer: the client was refused."""

TRANSIENT = 5.0
"""Seconds without another question where it is: the endpoint failed."""

OF_THE_CLIENT = frozenset({Trouble.REJECTED, Trouble.REFUSED, Trouble.GONE})
"""What a token endpoint's 4xx comes to: the client, its secret or the URL is wrong."""

NEW = 30.0
"""Seconds in which a token is too new to be the reason for a refusal."""

CLAIM_SPARE = 5.0
"""Seconds beyond the time-out of its question after which another replica asks instead."""

USUAL_LIFE = 7200.0
"""Seconds that a token is good for where its endpoint says nothing of that; Salesloft's are."""

SHORT_LIFE = 300.0
"""The same where what it says cannot be read: soon enough to be replaced before it is likely to lapse."""

LONGEST_LIFE = 86_400.0
"""Seconds that are believed at most; a token is a secret, and has an end."""

LOOK = 0.2
"""Seconds between two looks for the token that another replica asks for."""


class Token(msgspec.Struct, frozen=True):
    """An access token.

    Attributes:
        secret: The token itself.
        issued: When it was asked for, in seconds since 1970.
        lasts: Seconds from then on that it is good for.
    """

    secret: Secret
    issued: float
    lasts: float

    def young(self, now: float) -> bool:
        """Whether less than half of its life is over: one that lapses during a long wait is of no use."""
        return now < self.issued + self.lasts / 2

    def good(self, now: float) -> bool:
        """Whether it can still be used."""
        return now < self.issued + self.lasts


class Vault(Protocol):
    """Where replicas share a token."""

    async def load(self) -> Token | None:
        """The token that was kept last, if there is one."""
        ...

    async def keep(self, token: Token) -> None:
        """Keeps a token as long as it lasts."""
        ...

    async def claim(self, seconds: float) -> bool:
        """Whether the caller is the one to ask for a token, for so long at most."""
        ...

    async def release(self) -> None:
        """Lets another one ask."""
        ...


class _Issued(msgspec.Struct):
    """What the token endpoint answers (RFC 6749, 5.1); the life of its token may be told in any form, or not at all."""

    access_token: str
    expires_in: object = USUAL_LIFE


def life_in(told: object) -> float:
    """Seconds that a token is good for, by what its endpoint says of that."""
    try:
        seconds = float(told) if isinstance(told, int | float | str) and not isinstance(told, bool) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    return SHORT_LIFE if math.isnan(seconds) else min(seconds, LONGEST_LIFE)


class ClientCredentials:
    """A token for a client id and secret (RFC 6749, 4.4).

    Args:
        upstream: The token endpoint: `base_url` is the whole URL, `name` that of the source.
        client_id: The client.
        client_secret: Its secret; goes to the token endpoint only, in the form that is posted.
        session: The connections; each question gets one of its own, since they are an hour apart.
        clock: Tells the token's age.
        vault: Where replicas share it; this process keeps it alone where not given.
        meter: Who is told of calls.
    """

    def __init__(
        self,
        upstream: Upstream,
        client_id: str,
        client_secret: Secret,
        session: Session,
        clock: Timer,
        *,
        vault: Vault | None = None,
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
        self._time = Steady(clock)
        self._flights = Flights(clock)
        self._endpoint = URL(upstream.base_url).path
        self._troubles = Troubles(upstream.name, clock)
        self._token: Token | None = None
        self._doubted: Secret | None = None
        self._failure: tuple[float, UpstreamError] | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a token, or none was asked for yet."""
        return not self.troubles or (self._token is not None and self._token.good(self._time.now()))

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """What is wrong with the endpoint that gives tokens; nothing where it is well."""
        return self._troubles.now

    async def token(self, request: Request) -> Secret:
        """A token that is good now; from half of its life on, one caller waits for the next and the others do not.

        Raises:
            UpstreamRefused: The client is not accepted; not asked again for a while.
            UpstreamError: There is none to be had for another reason.
            DeadlineExceeded: Not before the request's deadline.
        """
        token, now = self._token, self._time.now()
        if token is not None and token.good(now) and (token.young(now) or self._being_renewed()):
            return token.secret
        try:
            renewed = await self._flights.join("token", request, self._renew)
        except UpstreamError:
            if token is None or not token.good(self._time.now()):
                raise
            return token.secret
        return renewed.secret

    async def rejected(self, token: Secret, *, known: bool) -> bool:
        """Learns that the upstream refused a token; asks for another one where it is unknown, and not quite new."""
        held = self._token
        if held is None or held.secret != token:
            return True  # there is a newer one already
        if known or self._time.now() - held.issued < NEW:
            return False
        self._token, self._doubted = None, token
        return True

    def _being_renewed(self) -> bool:
        """Whether there is no point in asking now: somebody does, or did a moment ago without success."""
        return self._flights.under_way("token") or self._paused() is not None

    def _paused(self) -> UpstreamError | None:
        if self._failure is None or self._clock.monotonic() >= self._failure[0]:
            return None
        return self._failure[1]

    async def _renew(self, request: Request) -> Token:
        self._token = await self._obtain(request)
        self._troubles.answered(self._endpoint)
        return self._token

    async def _obtain(self, request: Request) -> Token:
        """The token that another replica keeps, else a new one."""
        failure = self._paused()
        if failure is not None:
            raise failure
        if self._vault is None:
            return await self._ask(request)
        while (kept := await self._kept()) is None:
            if await self._vault.claim(self._upstream.timeout + CLAIM_SPARE):
                break
            await self._clock.sleep(LOOK)
        else:
            return kept
        try:
            kept = await self._kept()  # another one may have asked before the claim was free
            if kept is None:
                kept = await self._ask(request)
                await self._vault.keep(kept)
        finally:
            await self._vault.release()
        return kept

    async def _kept(self) -> Token | None:
        """What another replica asked for, if it is of use."""
        kept = None if self._vault is None else await self._vault.load()
        if kept is None or kept.secret == self._doubted:
            return None
        now = self._time.now()
        if kept.issued > now:  # by the clock of a replica that is ahead
            kept = msgspec.structs.replace(kept, issued=now)
        return kept if kept.young(now) else None

    async def _ask(self, request: Request) -> Token:
        """Asks the token endpoint once."""
        started, now = self._clock.monotonic(), self._time.now()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        name, status = self._upstream.name, "cancelled"
        try:
            url = URL(self._upstream.base_url)
            answer = await exchange(self._session, self._upstream, url, {}, form=form, fresh=True)
            status = status_of(answer)
        finally:
            ended = self._clock.monotonic()
            self._meter.called(name, self._endpoint, status, units=0, seconds=ended - started)
            request.ledger.write(Entry(name, self._endpoint, 0, started, ended, status=status))
        token = answer if isinstance(answer, Failure) else self._read(answer, now)
        if isinstance(token, Failure):
            self._learn(token)
            raise token.error
        self._failure = self._doubted = None
        return token

    def _learn(self, failure: Failure) -> None:
        """Notes a failure, and leaves the endpoint alone for a while."""
        pause = TRANSIENT if failure.transient or isinstance(failure.error, UpstreamRateLimited) else LASTING
        self._failure = self._clock.monotonic() + pause, failure.error
        if failure.reason is not None:
            self._troubles.failed(self._endpoint, failure.reason, sure=True)
            self._meter.troubled(self._upstream.name, self._endpoint, failure.reason.trouble.value)

    def _read(self, answer: Answer, now: float) -> Token | Failure:
        """The token in an answer, or what is wrong with it."""
        name, status = self._upstream.name, answer.status
        failure = failure_in(answer, self._upstream, now=now)
        if failure is not None and failure.trouble in OF_THE_CLIENT and status >= 400:  # noqa: PLR2004 - no redirect
            refused = UpstreamRefused("The source does not accept the gateway's client credentials.", source=name)
            return Failure(error=refused, transient=False, trouble=Trouble.REFUSED, status=status)
        if failure is not None:
            return failure
        try:
            issued = msgspec.json.decode(answer.body, type=_Issued)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return unreadable(answer, UpstreamMalformed("The source's answer holds no token.", source=name))
        lasts = life_in(issued.expires_in)
        if not issued.access_token or lasts <= 0:
            unusable = UpstreamUnavailable("The source gave no usable token.", source=name)
            return Failure(error=unusable, transient=False, trouble=Trouble.MALFORMED, status=status)
        return Token(Secret(issued.access_token), now, lasts)
