"""Authentication: a request's credential is checked before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.errors import Unauthenticated
from gateway.model.scopes import Principal
from gateway.settings.api_keys import ApiKey, matching
from gateway.web.addresses import client_network
from gateway.web.tokens import Tokens

REALM = 'Bearer realm="meeting-gateway"'
JWT_DOTS = 2
ROUTER_HEADER = "router-authorization"
"""The header of a router's own key, beside its client's credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """What is accepted.

    Attributes:
        required: Whether a credential is needed; where not, none is looked at.
        keys: Accepted API keys.
        tokens: Accepted JWTs; None where there are none.
    """

    required: bool
    keys: Sequence[ApiKey] = ()
    tokens: Tokens | None = None

    async def principal(self, headers: Headers) -> Principal | None:
        """The authenticated client; None where access control is off.

        Raises:
            Unauthenticated: No credential, or one that is not accepted.
            KeysUnavailable: It is a token, and the issuer's keys cannot be fetched.
        """
        if not self.required:
            return None
        presented = credential(headers)
        if presented is None:
            raise Unauthenticated("A credential is needed: Authorization: Bearer, or X-API-Key.", reason="missing")
        key = matching(presented, self.keys)
        if key is not None:
            return Principal(name=key.name, scopes=key.scopes)
        if self.tokens is not None and presented.count(".") == JWT_DOTS and "x-api-key" not in headers:
            return await self.tokens.principal(presented)
        raise Unauthenticated("The credential is not accepted.", reason="unknown")


def credential(headers: Headers) -> str | None:
    """The key or token in a request.

    Raises:
        Unauthenticated: There is more than one, or it is malformed.
    """
    keys, authorization = headers.getlist("x-api-key"), headers.getlist("authorization")
    if len(authorization) + len(keys) > 1:
        raise Unauthenticated("More than one credential.", reason="several")
    if keys:
        return keys[0]
    if not authorization:
        return None
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Authorization should be: Bearer, a blank, and the credential.", reason="scheme")
    return token.strip()


def is_router(headers: Headers, keys: Sequence[ApiKey]) -> bool:
    """Whether a router sent the request; False where no router key is set.

    Raises:
        Unauthenticated: It says that it is one, with a key that is not accepted.
    """
    presented = headers.getlist(ROUTER_HEADER)
    if not keys or not presented:
        return False
    if len(presented) > 1 or matching(presented[0], keys) is None:
        raise Unauthenticated("The router's key is not accepted.", reason="unknown")
    return True


def challenge(headers: Headers) -> str:
    """`WWW-Authenticate` for a request that was refused (RFC 6750, section 3)."""
    presented = "authorization" in headers or "x-api-key" in headers
    return f'{REALM}, error="invalid_token"' if presented else REALM


def client_of(principal: Principal | None, scope: Scope) -> str:
    """The client that a request is rate-limited under: its credential, or its address."""
    if principal is not None:
        return f"name {principal.name}"
    address = scope.get("client")
    return f"address {client_network(address[0])}" if address else "address unknown"
