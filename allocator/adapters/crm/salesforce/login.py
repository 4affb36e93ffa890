"""Logging in: OAuth client credentials and JWT bearer, and where the token's instance may be.

"OAuth 2.0 Client Credentials Flow for Server-to-Server Integration" (help.salesforce.com,
remoteaccess_oauth_client_credentials_flow) and "OAuth 2.0 JWT Bearer Flow" (remoteaccess_oauth_jwt_flow).
We log in ourselves because simple-salesforce's own log-in drops a call's headers when it repeats it.
"""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import requests

from allocator.adapters.crm.http import Transport, is_loopback, origin_of
from allocator.adapters.crm.salesforce.errors import NoAnswer, no_answer
from allocator.adapters.crm.salesforce.settings import SalesforceSettings
from allocator.errors import ConfigError, LoginError

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS = 180
HOSTS = (".salesforce.com", ".force.com", ".salesforce.mil", ".cloudforce.com")


@dataclass(frozen=True, slots=True)
class Session:
    """A token and the instance it is for."""

    token: str = field(repr=False)
    instance_url: str


def log_in(http: Transport, settings: SalesforceSettings) -> Session:
    """One request for a token. Raises LoginError when refused, NoAnswer when it may work the next time."""
    form, headers = _grant(settings)
    failure: NoAnswer
    try:
        url = settings.url.rstrip("/") + "/services/oauth2/token"
        response = http.request("POST", url, data=form, headers=headers, kind="login")
        return _session(response, settings)
    except (requests.RequestException, UnicodeError) as error:
        failure = no_answer(error)
    raise failure


def _grant(settings: SalesforceSettings) -> tuple[dict[str, str], dict[str, str]]:
    if settings.login == "jwt":
        return {"grant_type": JWT_GRANT, "assertion": _assertion(settings)}, {"Accept": "application/json"}
    pair = f"{settings.client_id}:{settings.client_secret}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(pair).decode(), "Accept": "application/json"}
    return {"grant_type": "client_credentials"}, headers


def _assertion(settings: SalesforceSettings) -> str:
    claims = {
        "iss": settings.client_id,
        "sub": settings.username,
        "aud": settings.jwt_audience,
        "exp": int(time.time()) + JWT_SECONDS,
    }
    made: str | None = None
    try:
        made = jwt.encode(claims, Path(settings.private_key_file).read_bytes(), algorithm="RS256")
    except (OSError, ValueError, TypeError, jwt.PyJWTError):
        made = None
    if made is None:
        name = settings.private_key_file
        raise ConfigError(
            f"salesforce.private_key_file {name} cannot be used. Name the app's RSA key in PEM form."
        )
    return made


def _session(response: requests.Response, settings: SalesforceSettings) -> Session:
    status, body = response.status_code, _json(response)
    if status == 429 or status >= 500:
        raise NoAnswer(f"HTTP {status} to the log-in")
    if status != 200:
        raise _refused(status, body)
    token, instance = body.get("access_token"), body.get("instance_url")
    if (
        not isinstance(token, str)
        or not re.fullmatch(r"[\x21-\x7e]{1,4096}", token)
        or not isinstance(instance, str)
    ):
        raise NoAnswer("the answer to the log-in holds no token")
    return Session(token, _checked(instance, settings.url))


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _refused(status: int, body: dict[str, Any]) -> LoginError:
    code = body.get("error")
    shown = code if isinstance(code, str) and re.fullmatch(r"[a-z_]{3,40}", code) else f"HTTP {status}"
    return LoginError(
        f"Salesforce refused the log-in ({shown}). Check salesforce.url, the connected app's client id and "
        "secret or key, and that its user is active and allowed to use the app."
    )


def _checked(instance: str, configured: str) -> str:
    """The token goes only to the configured host, one of Salesforce's own, or the same loopback."""
    try:
        found, ours = origin_of(instance), origin_of(configured)
    except ValueError:
        raise LoginError(
            "The log-in named an instance that is no web address. Check salesforce.url."
        ) from None
    if is_loopback(ours[1]):
        fits = is_loopback(found[1]) and found[0] == ours[0] and found[2] == ours[2]
    else:
        fits = found[0] == "https" and (
            found[1:] == ours[1:] or (found[2] == 443 and found[1].endswith(HOSTS))
        )
    if not fits:
        raise LoginError(
            f"The log-in named the instance {found[1]}, which is not Salesforce's. Check salesforce.url."
        )
    return instance.rstrip("/")
