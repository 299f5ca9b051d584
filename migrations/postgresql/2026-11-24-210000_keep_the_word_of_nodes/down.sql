ALTER TABLE nodes DROP COLUMN left_at;
ALTER TABLE nodes DROP COLUMN bound_until;
ALTER TABLE nodes DROP COLUMN access_ttl_s;
ALTER TABLE nodes DROP COLUMN jwks_max_age_s;
