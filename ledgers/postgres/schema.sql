-- The rows of the ledger. `Postgres::migrate` runs this file; it may run any number of times.
-- A row is never deleted: with it would go the token.
CREATE TABLE IF NOT EXISTS atevery_ledger (
    job         text COLLATE "C" PRIMARY KEY,
    slot        bigint NOT NULL,            -- nanoseconds since 1970
    token       bigint NOT NULL,
    holder      text COLLATE "C",           -- NULL once the lease was given back
    lease_until timestamptz NOT NULL,       -- -infinity once the lease was ended
    is_finished boolean NOT NULL,
    discarded   bigint                      -- the slot before, if it was more than 3 h ahead
);

-- For people.
CREATE OR REPLACE VIEW atevery_ledger_times AS
    SELECT job, to_timestamp(slot / 1e9) AS slot, token, holder, lease_until, is_finished FROM atevery_ledger;
