"""PyJWT with each algorithm that Signet offers: usage: check_algorithms.py ALGORITHM LOGIN, where LOGIN
is a file with the answer to a login."""

import json
import os
import sys

import jwt

algorithm, login = sys.argv[1:]
issuer, answer = os.environ["ISSUER"], json.load(open(login))
token = answer["access"]
keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")


def verify(algorithms: list[str]) -> str:
    try:
        key = keys.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=algorithms, audience="signet", issuer=issuer)
        return "accepted for " + claims["sub"]
    except jwt.PyJWTError as error:
        return f"refused: {error}"


def report(what: str, good: bool, found: str) -> None:
    print(f"{'ok' if good else 'FAILED'}  PyJWT  {what}" + ("" if good else f": {found}"))


found = verify([algorithm])
report(f"accepts {algorithm}", found == "accepted for " + answer["user"]["pk"], found)
others = [other for other in ("ES256", "ES384", "EdDSA", "RS256", "PS256") if other != algorithm]
found = verify(others)
report(f"refuses {algorithm} where another is expected", found.startswith("refused"), found)
