-- Mails that somebody caused. Whom they go to is looked up later, so that the answer to who caused
-- one cannot depend on it.
CREATE TABLE mail_requests (
    id TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    -- As it was typed.
    email TEXT NOT NULL,
    -- The account that was registered with it, if that was the reason.
    subject TEXT,
    -- From where.
    address TEXT,
    created_at TIMESTAMP NOT NULL
);
