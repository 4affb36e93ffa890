"""Log-in: the token endpoint with client credentials, JWT bearer and password, and the sessions it opens."""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from allocator.sandbox.salesforce.org import INTEGRATION_USER, ORG_ID, Org
from allocator.sandbox.wire import ApiError, Request, Response

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = {"https://login.salesforce.com", "https://test.salesforce.com"}


@dataclass(frozen=True)
class Credentials:
    """What the connected app and its user log in with."""

    client_id: str
    client_secret: str
    username: str
    password: str


class Refused(Exception):
    """An OAuth error and its description."""


class OAuth:
    """Sessions live until a fault or a revocation ends them."""

    def __init__(self, org: Org, credentials: Credentials, key_file: Path) -> None:
        self._org, self._own = org, credentials
        self._public_key = _public_key(key_file.read_bytes())
        self._sessions: dict[str, str] = {}
        self._lock = threading.Lock()
        self.instance_url = ""

    def token(self, request: Request) -> Response:
        """The client credentials, JWT bearer and username-password flows (Salesforce Help, "OAuth Flows")."""
        if request.method not in ("POST", "GET"):
            return Response(405, {"error": "invalid_request", "error_description": "must use HTTP POST"})
        form = (
            dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)) or request.params
        )
        try:
            return Response(200, self._granted(form, request), {"Cache-Control": "no-cache, no-store"})
        except Refused as refused:
            error, description = refused.args
            return Response(400, {"error": error, "error_description": description})

    def _granted(self, form: dict[str, str], request: Request) -> dict[str, Any]:
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            self._client(*_client_of(form, request))
            return self._open(INTEGRATION_USER)
        if grant == "password":
            self._client(*_client_of(form, request))
            return self._open(self._by_password(form))
        if grant == JWT_GRANT:
            return self._open(self._by_jwt(form.get("assertion", "")))
        raise Refused("unsupported_grant_type", "grant type not supported")

    def _client(self, client_id: str, secret: str) -> None:
        if client_id != self._own.client_id:
            raise Refused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self._own.client_secret.encode()):
            raise Refused("invalid_client", "invalid client credentials")

    def _by_password(self, form: dict[str, str]) -> str:
        good = form.get("password", "").startswith(self._own.password)  # a security token may follow
        if form.get("username") != self._own.username or not good:
            raise Refused("invalid_grant", "authentication failure")
        return INTEGRATION_USER

    def by_password(self, username: str, password: str) -> tuple[str, str] | None:
        """A new session and its user, for the SOAP login; None for a wrong name or password."""
        try:
            user = self._by_password({"username": username, "password": password})
        except Refused:
            return None
        return self._open(user)["access_token"], user

    def _by_jwt(self, assertion: str) -> str:
        options = {
            "verify_exp": False,
            "verify_aud": False,
            "verify_sub": False,
            "require": ["iss", "sub", "aud", "exp"],
        }
        try:
            claims = jwt.decode(assertion, self._public_key, algorithms=["RS256"], options=options)
        except jwt.InvalidSignatureError:
            raise Refused("invalid_grant", "invalid assertion") from None
        except jwt.PyJWTError:
            raise Refused("invalid_grant", "invalid assertion: iss, sub, aud and exp are needed") from None
        if claims["iss"] != self._own.client_id:
            raise Refused("invalid_client_id", "client identifier invalid")
        self._in_time(claims)
        return self._user(str(claims["sub"]))

    def _in_time(self, claims: dict[str, Any]) -> None:
        """Some libraries send exp as a string; the client's clock may be real, the sandbox's moved."""
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if not any(_is_audience(str(name), self.instance_url) for name in audience):
            raise Refused("invalid_grant", "audience is invalid")
        try:
            expires = float(claims["exp"])
        except (TypeError, ValueError):
            raise Refused("invalid_grant", "invalid expiry") from None
        if expires < min(time.time(), self._org.clock.now().timestamp()):
            raise Refused("invalid_grant", "expired authorization code")

    def _user(self, username: str) -> str:
        for user in self._org.records.live("User"):
            if str(user.get("Username", "")).lower() == username.lower():
                if not user.get("IsActive"):
                    raise Refused("inactive_user", "user is inactive")
                return str(user["Id"])
        raise Refused("invalid_grant", "user hasn't approved this consumer")

    def _open(self, user_id: str) -> dict[str, Any]:
        token = f"{ORG_ID[:15]}!{secrets.token_urlsafe(48)}"
        with self._lock:
            self._sessions[token] = user_id
        issued = str(int(time.time() * 1000))
        identity = f"{self.instance_url}/id/{ORG_ID}/{user_id}"
        digest = hmac.new(self._own.client_secret.encode(), (identity + issued).encode(), "sha256").digest()
        return {
            "access_token": token,
            "scope": "api",
            "instance_url": self.instance_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "signature": base64.b64encode(digest).decode(),
        }

    def user_of(self, request: Request) -> str:
        """The user behind the request's session, or 401."""
        with self._lock:
            user = self._sessions.get(_bearer(request))
        if user is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return user

    def identity(self, request: Request) -> Response:
        """The identity URL of a token answer, and the userinfo endpoint: who the session belongs to."""
        user_id = self.user_of(request)
        parts = [part for part in request.path.split("/") if part]
        if parts[:1] == ["id"] and [part[:15] for part in parts[1:]] != [ORG_ID[:15], user_id[:15]]:
            raise ApiError(403, "FORBIDDEN", "Bad_Id")
        user = self._org.records.get("User", user_id) or {}
        return Response(200, self._described(user_id, user))

    def _described(self, user_id: str, user: dict[str, Any]) -> dict[str, Any]:
        rest = f"{self.instance_url}/services/data/v{{version}}/"
        url = f"{self.instance_url}/id/{ORG_ID}/{user_id}"
        urls = {"rest": rest, "sobjects": f"{rest}sobjects/", "query": f"{rest}query/"}
        return {
            "id": url,
            "sub": url,
            "asserted_user": True,
            "user_id": user_id,
            "organization_id": ORG_ID,
            "username": user.get("Username"),
            "preferred_username": user.get("Username"),
            "nick_name": user.get("Alias"),
            "display_name": user.get("Name"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "first_name": user.get("FirstName"),
            "last_name": user.get("LastName"),
            "timezone": user.get("TimeZoneSidKey"),
            "active": bool(user.get("IsActive")),
            "user_type": "STANDARD",
            "urls": urls,
            "last_modified_date": user.get("LastModifiedDate"),
        }

    def revoke(self, request: Request) -> None:
        with self._lock:
            self._sessions.pop(_bearer(request), None)

    def revoke_all(self) -> None:
        with self._lock:
            self._sessions.clear()

    def revoked(self, request: Request) -> Response:
        """The revocation endpoint."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"))) or request.params
        with self._lock:
            known = self._sessions.pop(form.get("token", ""), None)
        if known is None:
            return Response(
                400,
                {"error": "unsupported_token_type", "error_description": "this token type is not supported"},
            )
        return Response(200)


@lru_cache(maxsize=8)
def _public_key(private: bytes) -> Any:
    """Reading a key proves it, which takes as long as a hundred log-ins."""
    return load_pem_private_key(private, None).public_key()


def _is_audience(audience: str, own: str) -> bool:
    return audience.rstrip("/") in AUDIENCES | {own}


def _bearer(request: Request) -> str:
    if request.session is not None:
        return request.session
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""


def _client_of(form: dict[str, str], request: Request) -> tuple[str, str]:
    """Basic authentication, or the two form fields."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(text).decode().partition(":")
    except ValueError:
        raise Refused("invalid_client", "invalid client credentials") from None
    return name, secret
