-- Who of another provider's people logs in to which account.
CREATE TABLE identities (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The provider's name here, for people; it may change.
    provider TEXT NOT NULL,
    -- The key: who says so, and whom it means. Never an address or a name.
    issuer TEXT NOT NULL,
    external_id TEXT NOT NULL,
    last_login_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    CONSTRAINT identities_external UNIQUE (issuer, external_id)
);
CREATE INDEX identities_subject ON identities (subject);
