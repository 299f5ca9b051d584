-- What was tried or caused, and how often: one row per limit that has something to say.
CREATE TABLE limits (
    -- HMAC of what is limited, base64url, so that no name, address or network is here in the
    -- clear. Keys that are cleared together begin with the same 43 characters,
    -- and are found by comparing bytes, whatever the database's language.
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- Failures in a row.
    count BIGINT NOT NULL,
    -- Blocked until then; of a rate: used up until then.
    until TIMESTAMP NOT NULL,
    -- The row means nothing from then on.
    expires_at TIMESTAMP NOT NULL
);
CREATE INDEX limits_expires_at ON limits (expires_at);
