CREATE TABLE users (
    -- The subject: never reused.
    id TEXT NOT NULL PRIMARY KEY,
    -- As typed, and its canonical form (NFKC, lower case) for comparison.
    username TEXT,
    username_key TEXT UNIQUE,
    email TEXT,
    email_key TEXT,
    email_verified_at TIMESTAMP,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    -- PHC string; NULL: no password.
    password_hash TEXT,
    password_changed_at TIMESTAMP,
    is_active BOOLEAN NOT NULL,
    -- An account that must confirm its address by then, or is deleted.
    confirm_by TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    last_login_at TIMESTAMP
);
-- An address belongs to who confirmed it; unconfirmed claims may stand beside each other.
CREATE UNIQUE INDEX users_verified_email ON users (email_key) WHERE email_verified_at IS NOT NULL;
CREATE INDEX users_email ON users (email_key);
CREATE INDEX users_confirm_by ON users (confirm_by) WHERE confirm_by IS NOT NULL;
