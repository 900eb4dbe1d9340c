"""Salesloft's token endpoint, client credentials only (Salesloft: OAuth client credentials)."""

import hmac
import secrets
from datetime import datetime, timedelta

from gateway.emulator.door import Clock
from gateway.emulator.exchange import Answer, Ask

LIFETIME = timedelta(hours=2)
_ENDPOINT = "oauth/token"


class TokenDesk:
    """Gives out access tokens that live for two hours of the clock."""

    def __init__(self, client_id: str, client_secret: str, clock: Clock) -> None:
        self._client = client_id, client_secret
        self._clock = clock
        self._expiry: dict[str, datetime] = {}

    def gave_out(self, token: str) -> bool:
        """Say whether a token was given out here and still lives."""
        expiry = self._expiry.get(token)
        return expiry is not None and self._clock() < expiry

    def answer(self, ask: Ask) -> Answer:
        """Answer a request for a token; the form comes in the body."""
        if ask.method != "POST":
            return Answer(_ENDPOINT, 405, {"error": "Method Not Allowed"}, {"allow": "POST"})
        form = dict(Ask.params_of(ask.body))
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        sent = f"{form.get('client_id', '')}\n{form.get('client_secret', '')}"
        if not hmac.compare_digest(sent.encode(), "\n".join(self._client).encode()):
            return _refusal(401, "invalid_client", "Client authentication failed.")
        now = self._clock()
        self._expiry = {token: expiry for token, expiry in self._expiry.items() if now < expiry}
        token = secrets.token_hex(32)
        self._expiry[token] = now + LIFETIME
        body = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": form.get("scope", ""),
            "created_at": int(now.timestamp()),
        }
        return Answer(_ENDPOINT, 200, body)


def _refusal(status: int, error: str, description: str) -> Answer:
    return Answer(_ENDPOINT, status, {"error": error, "error_description": description})
