"""Who comes in: names and passwords, signed tokens, and what authenticators may come to."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from libactor.http.basic import Basic
from libactor.http.json_web_token import JWT
from libactor.http.request import Request
from libactor.http.response import Response
from libactor.http.site import Principal

pytestmark = pytest.mark.coreless

SECRET = "a secret of more than thirty-two bytes"
YEAR_9999 = 253370764800


def request(authorization=None):
    if authorization is None:
        return Request()
    return Request(raw_headers=((b"Authorization", authorization.encode("utf-8", "surrogatepass")),))


def challenge_of(outcome):
    """What somebody who was not let in is told; fails if he was."""
    assert type(outcome) is Response
    assert outcome.status == 401
    return outcome.header("www-authenticate")


def basic(name, password):
    return request("Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())


def bearer(token):
    return request(f"Bearer {token}")


def signed(claims, key=SECRET, algorithm="HS256", **headers):
    return jwt.encode(claims, key, algorithm, headers=headers)


def unsigned(header, claims, signature=b""):
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def pem(key):
    if hasattr(key, "private_numbers"):
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


# LP HttpAuthenticationTest.InvalidPrincipal
def test_a_principal_has_a_name_or_claims():
    assert Principal("ann").claims == {}
    assert Principal(claims={"a": "1"}).value is None

    with pytest.raises(ValueError, match="at least one"):
        Principal()


def test_the_right_name_and_password_are_the_principal():
    realm = Basic("operators", {"ann": "tea:time", "bé": "ü"})

    assert realm.authenticate(basic("ann", "tea:time")) == Principal("ann")
    assert realm.authenticate(basic("bé", "ü")) == Principal("bé")


@pytest.mark.parametrize(
    "given",
    [
        request(), basic("ann", ""), basic("ann", "Tea"), basic("bob", "tea"), basic("", ""), basic("", "tea"),
        bearer("tea"),
    ],
)  # fmt: skip
def test_without_them_the_challenge_names_the_realm(given):
    realm = Basic("operators", {"ann": "tea"})

    assert challenge_of(realm.authenticate(given)) == 'Basic realm="operators", charset="UTF-8"'


@given(st.text())
def test_no_authorization_but_the_right_one_comes_in(header):
    realm = Basic("operators", {"ann": "tea"})

    assert challenge_of(realm.authenticate(request(header)))


@pytest.mark.parametrize("users", [{"": "x"}, {"a:b": "x"}, {5: "x"}, {"a": ""}, {"a": None}, {"a": 5}])
def test_users_that_will_not_do_are_refused(users):
    with pytest.raises((TypeError, ValueError), match="Basic: got"):
        Basic("operators", users)


def test_a_password_is_not_kept():
    realm = Basic("operators", {"ann": "teatime"})

    assert "teatime" not in repr(vars(realm))


# LP HttpAuthenticationTest.JWT
def test_the_claims_of_a_token_are_those_of_the_principal():
    realm = JWT("operators", SECRET)

    assert realm.authenticate(bearer(signed({"sub": "ann", "n": 1, "exp": YEAR_9999}))) == Principal(
        "ann", {"sub": "ann", "n": "1", "exp": str(YEAR_9999)}
    )
    assert realm.authenticate(bearer(signed({"foo": "x"}))) == Principal(None, {"foo": "x"})
    assert challenge_of(realm.authenticate(request())) == 'Bearer realm="operators"'


def test_a_public_key_checks_what_the_private_one_has_signed(rsa_key):
    realm = JWT("operators", pem(rsa_key.public_key()), "RS256")

    assert realm.authenticate(bearer(signed({"sub": "ann"}, rsa_key, "RS256"))) == Principal("ann", {"sub": "ann"})
    other = rsa.generate_private_key(65537, 2048)
    assert challenge_of(realm.authenticate(bearer(signed({"sub": "ann"}, other, "RS256"))))


# Goal: a public key, which anybody has, signs nothing. Method: a token whose HMAC is made with it, by hand.
def test_a_public_key_is_no_shared_secret(rsa_key):
    import hashlib
    import hmac

    public = pem(rsa_key.public_key())
    head = unsigned({"alg": "HS256", "typ": "JWT"}, {"sub": "ann"}).rpartition(".")[0]
    signature = base64.urlsafe_b64encode(hmac.digest(public, head.encode(), hashlib.sha256)).rstrip(b"=").decode()

    assert challenge_of(JWT("x", public, "RS256").authenticate(bearer(f"{head}.{signature}")))
    with pytest.raises(ValueError, match="HS256"):
        JWT("x", public, "HS256")


# LP JWTTest.Parse
@pytest.mark.parametrize(
    "token",
    [
        "", "a", "a.b", "a.b.c", "a.b.c.d", "....", " ", "é.é.é", "a" * 20_000,
        unsigned({"alg": "none"}, {"sub": "ann"}),
        unsigned({"alg": "NONE", "typ": "JWT"}, {"sub": "ann"}),
        unsigned({"alg": "HS256"}, {"sub": "ann"}, b"x" * 32),
        unsigned({"typ": "JWT"}, {"sub": "ann"}),
        unsigned([], {}), unsigned({"alg": "HS256", "crit": ["x"], "x": 1}, {}),
        unsigned({"alg": ["HS256"]}, {"sub": "ann"}), unsigned({"alg": 5, "kid": 5}, {}),
        signed({"sub": "ann"}, "another secret of more than thirty-two bytes"),
        signed({"sub": "ann"}, SECRET * 2, "HS512"),
        signed({"sub": "ann", "exp": 1}),
        signed({"sub": "ann", "nbf": YEAR_9999}),
        signed({"sub": "ann", "exp": "soon"}),
        signed({"sub": "ann", "aud": "somebody else"}),
        signed({"sub": "ann"})[:-3],
        signed({}),
    ],
)  # fmt: skip
def test_a_token_that_is_not_right_is_refused_and_says_why(token):
    outcome = JWT("operators", SECRET).authenticate(bearer(token))

    assert 'realm="operators", error="invalid_token", error_description="Invalid JWT: ' in challenge_of(outcome)
    assert outcome.body.startswith(b"Invalid JWT: ")


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_token_but_a_signed_one_comes_in(token):
    assert challenge_of(JWT("x", SECRET).authenticate(bearer(token)))


def test_audience_and_issuer_must_be_those_expected():
    realm = JWT("x", SECRET, audience="master", issuer="us")

    assert isinstance(realm.authenticate(bearer(signed({"aud": "master", "iss": "us"}))), Principal)
    assert challenge_of(realm.authenticate(bearer(signed({"aud": "agent", "iss": "us"}))))
    assert challenge_of(realm.authenticate(bearer(signed({"aud": "master", "iss": "them"}))))
    assert challenge_of(realm.authenticate(bearer(signed({"sub": "x"}))))


def test_a_key_that_will_not_do_is_refused_at_once(rsa_key):
    small = pem(rsa.generate_private_key(65537, 1024).public_key())

    for key, algorithm, why in [
        ("short", "HS256", "at least 32"),
        (b"", "HS256", "empty"),
        ("x" * 40, "RS256", "will not do"),
        (small, "RS256", "at least 2048"),
        (pem(rsa_key), "RS256", "private key"),
        (SECRET, "none", "expected HS256 or RS256"),
    ]:
        with pytest.raises(ValueError, match=why):
            JWT("x", key, algorithm)
    with pytest.raises(TypeError, match="text or bytes"):
        JWT("x", None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="realm"):
        JWT("a\nb", SECRET)
