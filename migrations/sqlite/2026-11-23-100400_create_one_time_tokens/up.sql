CREATE TABLE one_time_tokens (
    -- SHA-256 of the secret, base64url.
    digest TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    subject TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The canonical address it was mailed to.
    address TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    consumed_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX one_time_tokens_subject ON one_time_tokens (subject, purpose);
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);
