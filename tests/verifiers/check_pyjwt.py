"""verify.py, as the README shows it."""

from unittest import mock

import jwt

from check import Later, check
from verify import verify

check(
    "PyJWT",
    lambda token: verify(token)["sub"],
    jwt.PyJWTError,
    mock.patch("jwt.api_jwt.datetime", Later),
)
