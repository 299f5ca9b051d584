CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    -- The rendered message: it may carry a secret, so it is sealed.
    sealed_message BYTEA NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- A message whose secret has expired is not sent.
    expires_at TIMESTAMP NOT NULL,
    next_attempt_at TIMESTAMP NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until TIMESTAMP,
    -- Given up; kept for the operator.
    dead_at TIMESTAMP,
    last_error TEXT
);
CREATE INDEX outbox_next_attempt_at ON outbox (next_attempt_at);
