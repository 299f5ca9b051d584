CREATE TABLE signing_keys (
    -- RFC 7638 thumbprint of the public key; of one from elsewhere, what old tokens call it.
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    purpose TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    master_key_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- publish_at <= activate_at <= retire_at <= remove_at
    publish_at TIMESTAMP NOT NULL,
    activate_at TIMESTAMP NOT NULL,
    retire_at TIMESTAMP,
    remove_at TIMESTAMP,
    revoked_at TIMESTAMP
);
