-- One row per session (token family), however often it is refreshed.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    -- Of the one refresh token that is live.
    generation BIGINT NOT NULL,
    rotated_at TIMESTAMP NOT NULL,
    created_at TIMESTAMP NOT NULL,
    idle_expires_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP,
    revoke_reason TEXT,
    auth_time TIMESTAMP NOT NULL,
    amr TEXT NOT NULL,
    scope TEXT NOT NULL,
    address TEXT,
    user_agent TEXT,
    epoch BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_subject ON sessions (subject);
