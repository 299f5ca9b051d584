-- What a node told verifiers: that they may keep a JWKS for so long, and that its access tokens live for
-- so long. It binds all nodes, also once this one is gone or has other settings, until it has run out.
ALTER TABLE nodes ADD COLUMN jwks_max_age_s BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN access_ttl_s BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN bound_until TIMESTAMP;
-- When it said that it goes.
ALTER TABLE nodes ADD COLUMN left_at TIMESTAMP;
