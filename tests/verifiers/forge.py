"""Prints the cases for every verifier, as JSON: the good token, and forgeries made from it.

usage: forge.py GOOD OTHER_AUDIENCE OTHER_ISSUER < JWKS, where each argument is a file with the
answer to a login.
"""

import base64
import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signing_input(header: dict, claims: dict) -> str:
    return ".".join(to_text(json.dumps(part).encode()) for part in (header, claims))


def with_hmac(message: str, secret: bytes) -> str:
    return f"{message}.{to_text(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def with_ecdsa(message: str, key: ec.EllipticCurvePrivateKey) -> str:
    der = key.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    return f"{message}.{to_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def forgeries(token: str, jwk: dict) -> dict:
    """Tokens that say what `token` says, or more, without Signet's signature on it."""
    head, body, signature = token.split(".")
    header, claims = json.loads(to_bytes(head)), json.loads(to_bytes(body))
    later = claims | {"exp": claims["exp"] + 86400}
    admin = claims | {"sub": "admin", "user_id": "admin"}
    x, y = (int.from_bytes(to_bytes(jwk[name]), "big") for name in "xy")
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    hs256 = signing_input(header | {"alg": "HS256"}, claims)
    spki = PublicFormat.SubjectPublicKeyInfo
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    stranger = ec.generate_private_key(ec.SECP256R1())
    other = stranger.public_key().public_numbers()
    own_jwk = {"kty": "EC", "crv": "P-256"} | {
        name: to_text(number.to_bytes(32, "big")) for name, number in (("x", other.x), ("y", other.y))
    }
    no_kid = {name: value for name, value in header.items() if name != "kid"}
    return {
        "another subject": f"{signing_input(header, admin)}.{signature}",
        "a later expiry": f"{signing_input(header, later)}.{signature}",
        "a signature of zeros": f"{head}.{body}.{to_text(bytes(64))}",
        "an empty signature": f"{head}.{body}.",
        "alg none": signing_input(header | {"alg": "none"}, claims) + ".",
        "alg none with the signature": f"{signing_input(header | {'alg': 'none'}, claims)}.{signature}",
        "HS256 keyed with the public key's PEM": with_hmac(hs256, public.public_bytes(Encoding.PEM, spki)),
        "HS256 keyed with the public key's DER": with_hmac(hs256, public.public_bytes(Encoding.DER, spki)),
        "HS256 keyed with the public point": with_hmac(hs256, point),
        "HS256 keyed with the JWK": with_hmac(hs256, json.dumps(jwk, separators=(",", ":")).encode()),
        "a stranger's signature under our kid": with_ecdsa(signing_input(header, claims), stranger),
        "a stranger's key inside the header": with_ecdsa(
            signing_input(header | {"jwk": own_jwk}, claims), stranger
        ),
        "an unknown kid": with_ecdsa(signing_input(header | {"kid": "unknown"}, claims), stranger),
        "no kid": with_ecdsa(signing_input(no_kid, claims), stranger),
        "no token at all": "",
    }


def main() -> None:
    good, other_audience, other_issuer = (json.load(open(name)) for name in sys.argv[1:])
    [jwk] = json.load(sys.stdin)["keys"]
    bad = forgeries(good["access"], jwk)
    bad["a refresh token"] = good["refresh"]
    # These two are Signet's own work, under the same key.
    bad["a token for another audience"] = other_audience["access"]
    bad["a token of another issuer"] = other_issuer["access"]
    print(json.dumps({"subject": good["user"]["pk"], "good": good["access"], "bad": bad}, indent=1))


if __name__ == "__main__":
    main()
