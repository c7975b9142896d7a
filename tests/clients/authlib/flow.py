"""Authlib against examples/serve: what a Python application and a Python API do.

LOGIN_URL and TENANT_URL are servers that approve every request as alice.
"""

import os
import platform
import warnings
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

API = "https://api.example.com/"
CALLBACK = "http://127.0.0.1:51004/callback"
SECRET = "s3cret+/=&% of "
checks = 0


def equal(actual, expected, what):
    global checks
    if actual != expected:
        raise SystemExit(f"authlib: {what}: expected {expected!r}, got {actual!r}")
    checks += 1


def refused(error, kind, call, what):
    """Expects the OAuth error `error`, or an exception of this kind."""
    try:
        result = call()
    except kind as refusal:
        equal(getattr(refusal, "error", None), error, what)
    else:
        raise SystemExit(f"authlib: {what}: not refused: {result!r}")


class Server:
    def __init__(self, url):
        document = requests.get(get_well_known_url(url, external=True), timeout=10)
        self.metadata = OpenIDProviderMetadata(document.json())
        self.issuer = self.metadata["issuer"]
        self.keys = KeySet.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=10).json())

    def __getattr__(self, endpoint):
        return self.metadata[f"{endpoint}_endpoint"]

    def session(self, client_id, secret=None, method="none", **more):
        more.setdefault("scope", "openid profile read:notes offline_access")
        return OAuth2Session(
            client_id,
            secret,
            redirect_uri=CALLBACK,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            token_endpoint=self.token,
            code_challenge_method="S256",
            **more,
        )

    def sign_in(self, session, audience=API, **more):
        """As far as the client's own address, where the code arrives."""
        verifier = generate_token(48)
        url, state = session.create_authorization_url(
            self.authorization, code_verifier=verifier, audience=audience, nonce=f"nonce-{verifier}", **more
        )
        answer = requests.get(url, allow_redirects=False, timeout=10)
        equal(answer.status_code, 303, "the browser is sent back")
        equal(parse_qs(urlsplit(answer.headers["Location"]).query)["iss"], [self.issuer], "RFC 9207: iss")
        return {"authorization_response": answer.headers["Location"], "state": state, "code_verifier": verifier}

    def tokens(self, session, **more):
        answer = self.sign_in(session, **more)
        token = session.fetch_token(self.token, **answer)
        return token, f"nonce-{answer['code_verifier']}"

    def id_token(self, token, client_id, nonce, algorithm="ES256"):
        decoded = jwt.decode(token["id_token"], self.keys, algorithms=[algorithm])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"values": [self.issuer]}, "aud": {"values": [client_id]}},
            {"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]},
        )
        claims.validate()
        return claims


class NotesApi(JWTBearerTokenValidator):
    """A resource server: Authlib's validator of RFC 9068 §4."""

    def __init__(self, server):
        super().__init__(issuer=server.issuer, resource_server=API)
        self.server = server

    def get_jwks(self):
        return self.server.keys

    def admits(self, access_token, *scopes):
        claims = self.authenticate_token(access_token)
        self.validate_token(claims, list(scopes), None)
        return claims


def describes_itself(server):
    """Every rule that Authlib knows of the metadata, but https: these servers are on the loopback."""
    complaints = []
    for key in server.metadata.REGISTRY_KEYS:
        try:
            getattr(server.metadata, f"validate_{key}")()
        except ValueError as complaint:
            complaints.append(str(complaint))
    equal([text for text in complaints if "https" not in text], [], "the metadata")
    equal(server.issuer, f"{os.environ['TENANT_URL']}/", "the issuer")


def signs_in_and_refreshes(server, session, client_id):
    first, nonce = server.tokens(session)
    equal(server.id_token(first, client_id, nonce)["sub"], "alice", "the ID token")
    other = generate_token(10)
    refused("invalid_claim", Exception, lambda: server.id_token(first, client_id, other), "another nonce")

    api = NotesApi(server)
    claims = api.admits(first["access_token"], "read:notes")
    equal((claims["sub"], claims["client_id"], claims["aud"]), ("alice", client_id, API), "the access token")
    refused(
        "insufficient_scope",
        InsufficientScopeError,
        lambda: api.admits(first["access_token"], "write:notes"),
        "a scope that was not granted",
    )
    refused("invalid_token", InvalidTokenError, lambda: api.admits(first["id_token"]), "an ID token at the API")
    body, signature = first["access_token"].rsplit(".", 1)
    forged = f"{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    refused("invalid_token", InvalidTokenError, lambda: api.admits(forged), "a forged access token")

    # As an application would: an expired token is refreshed before it is used.
    session.token = {**first, "expires_at": 1}
    user = session.get(server.userinfo).json()
    equal((user["sub"], user["name"]), ("alice", "Demo user alice"), "userinfo")
    equal("email" in user, False, "OIDC Core §5.4: no e-mail address without its scope")
    second = session.token
    equal(second["refresh_token"] != first["refresh_token"], True, "the refresh token moves on")
    equal(server.id_token(second, client_id, None)["sub"], "alice", "the ID token of a refresh")

    third = session.refresh_token(server.token, refresh_token=second["refresh_token"])
    again = session.refresh_token(server.token, refresh_token=second["refresh_token"])
    equal(again["refresh_token"], third["refresh_token"], "a retry gets the same successor")
    refresh = lambda token: lambda: session.refresh_token(server.token, refresh_token=token["refresh_token"])
    refused("invalid_grant", OAuthError, refresh(first), "a spent refresh token")
    refused("invalid_grant", OAuthError, refresh(third), "the grant is revoked")
    answer = requests.get(
        server.userinfo, headers={"Authorization": f"Bearer {third['access_token']}"}, timeout=10
    )
    equal(answer.status_code, 401, "the access token of a revoked grant")


def refuses(server):
    session = server.session("notes-app")
    answer = server.sign_in(session)
    fetch = lambda **changed: lambda: session.fetch_token(server.token, **{**answer, **changed})
    refused("mismatching_state", MismatchingStateException, fetch(state="other"), "another state")
    refused("invalid_grant", OAuthError, fetch(code_verifier=generate_token(48)), "another verifier")
    refused("invalid_request", OAuthError, fetch(code_verifier="short"), "a malformed verifier")
    refused("invalid_request", OAuthError, fetch(code_verifier=None), "no verifier")
    refused("invalid_grant", OAuthError, fetch(redirect_uri=CALLBACK + "/"), "another redirect_uri")
    equal("access_token" in fetch()(), True, "wrong attempts did not burn the code")
    refused("invalid_grant", OAuthError, fetch(), "a code is redeemed once")
    stranger = server.session("notes-web", "wrong", "client_secret_basic")
    credentials = lambda: stranger.fetch_token(server.token, grant_type="client_credentials")
    refused("invalid_client", OAuthError, credentials, "a wrong secret")


def revokes_and_introspects(server, session):
    token, _ = server.tokens(session)
    introspect = lambda text: session.introspect_token(server.introspection, text).json()
    equal(introspect(token["access_token"])["active"], True, "introspection")
    equal(introspect(token["refresh_token"])["sub"], "alice", "introspection of a refresh token")
    equal(introspect("nonsense"), {"active": False}, "introspection of nonsense")
    answer = session.revoke_token(server.revocation, token["refresh_token"], token_type_hint="refresh_token")
    equal((answer.status_code, answer.text), (200, ""), "revocation")
    for name in ("access_token", "refresh_token"):
        equal(introspect(token[name]), {"active": False}, f"the {name} of a revoked grant")


def takes_every_policy(server):
    # The secrets hold characters that RFC 6749 §2.3.1 has form-encoded; Authlib sends them as they are.
    post = server.session("web-post", SECRET + "web-post", "client_secret_post")
    audience = "https://es256.example.com/"
    first, _ = server.tokens(post, audience=audience)
    second = post.refresh_token(server.token, refresh_token=first["refresh_token"])
    strict = lambda: post.refresh_token(server.token, refresh_token=first["refresh_token"])
    refused("invalid_grant", OAuthError, strict, "leeway 0: a retry counts as theft")
    last = lambda: post.refresh_token(server.token, refresh_token=second["refresh_token"])
    refused("invalid_grant", OAuthError, last, "and revokes")

    keep = server.session("web-keep", SECRET + "web-keep", "client_secret_basic")
    first, _ = server.tokens(keep, audience=audience)
    for _ in range(3):
        again = keep.refresh_token(server.token, refresh_token=first["refresh_token"])
        equal(again["refresh_token"], first["refresh_token"], "a client that does not rotate keeps its token")


def takes_every_algorithm(server):
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")  # RFC 9864 renames it.
    service = server.session("service", SECRET + "service", "client_secret_basic", scope=None)
    secret = OctKey.import_key("0123456789abcdef0123456789abcdef")
    for algorithm in ("ES256", "ES384", "EdDSA", "RS256", "PS256", "HS256"):
        audience = f"https://{algorithm.lower()}.example.com/"
        token = service.fetch_token(server.token, grant_type="client_credentials", audience=audience)
        key = secret if algorithm == "HS256" else server.keys
        decoded = jwt.decode(token["access_token"], key, algorithms=[algorithm])
        equal(decoded.header["typ"], "at+jwt", f"{algorithm}: typ")
        claims = decoded.claims
        equal((claims["sub"], claims["aud"]), ("service", audience), f"{algorithm}: claims")
    token = service.fetch_token(
        server.token, grant_type="client_credentials", audience="https://auth0.example.com/"
    )
    decoded = jwt.decode(token["access_token"], server.keys, algorithms=["ES256"])
    equal(
        (decoded.header["typ"], decoded.claims["azp"], decoded.claims["gty"]),
        ("JWT", "service", "client-credentials"),
        "Auth0's dialect",
    )


def main():
    login, tenant = Server(os.environ["LOGIN_URL"]), Server(os.environ["TENANT_URL"])
    describes_itself(tenant)
    signs_in_and_refreshes(login, login.session("notes-app"), "notes-app")
    web = login.session("notes-web", "notes-web-secret", "client_secret_basic")
    signs_in_and_refreshes(login, web, "notes-web")
    refuses(login)
    revokes_and_introspects(login, web)
    takes_every_policy(tenant)
    takes_every_algorithm(tenant)
    print(f"authlib {version('authlib')}, python {platform.python_version()}: {checks} checks")


main()
