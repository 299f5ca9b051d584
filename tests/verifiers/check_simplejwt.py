"""Django REST framework with simplejwt and settings.py, as the README shows it: a request's bearer
token, all the way to `request.user`."""

import os
from unittest import mock

import django
from django.conf import settings as configuration

import settings
from check import Later, check

ISSUER = os.environ["ISSUER"]
own = {"ISSUER": ISSUER, "JWK_URL": f"{ISSUER}/.well-known/jwks.json"}
configuration.configure(
    SECRET_KEY="unused" * 10,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    SIMPLE_JWT=settings.SIMPLE_JWT | own,
)
django.setup()

from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.test import APIRequestFactory  # noqa: E402
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication  # noqa: E402


def subject_of(token: str) -> str:
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    authenticated = JWTStatelessUserAuthentication().authenticate(Request(request))
    if authenticated is None:
        raise AuthenticationFailed
    user, _ = authenticated
    return user.id


check("simplejwt", subject_of, AuthenticationFailed, mock.patch("jwt.api_jwt.datetime", Later))
