-- The public part, sealed as the private one is: a key that somebody slipped in, who can only write to
-- the database, is not published.
ALTER TABLE signing_keys ADD COLUMN sealed_public BYTEA;
