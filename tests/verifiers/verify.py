import os

import jwt  # pip install 'PyJWT[crypto]'

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8080")
KEYS = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")


def verify(token: str) -> dict:
    """The claims of a good access token; raises jwt.PyJWTError for any other."""
    key = KEYS.get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, audience="signet")
