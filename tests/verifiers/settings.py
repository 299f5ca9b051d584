SIMPLE_JWT = {
    "ALGORITHM": "ES256",
    "JWK_URL": "http://127.0.0.1:8080/.well-known/jwks.json",
    "ISSUER": "http://127.0.0.1:8080",
    "AUDIENCE": "signet",
}
