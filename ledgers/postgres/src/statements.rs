//! The statements. `clock_timestamp` is the server's clock at the moment of the call, after a wait for a lock too.

pub(crate) const SCHEMA: &str = include_str!("../schema.sql");

/// $1 job, $2 slot, $3 holder, $4 length in microseconds, $5 at least once. The token and the discarded slot if the
/// claim is granted, else no row.
///
/// `WHERE` is evaluated on the row as it is once its lock is held, so no two sessions are granted the same slot.
pub(crate) const CLAIM: &str = "
INSERT INTO atevery_ledger AS last (job, slot, token, holder, lease_until, is_finished, discarded)
SELECT $1, $2, 1, $3, clock_timestamp() + $4 * interval '1 microsecond', false, NULL
WHERE $2 <= (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint + 1000000000
ON CONFLICT (job) DO UPDATE SET
    slot = excluded.slot,
    token = last.token
        + CASE WHEN last.slot = excluded.slot AND last.holder = excluded.holder THEN 0 ELSE 1 END,
    holder = excluded.holder,
    lease_until = clock_timestamp() + $4 * interval '1 microsecond',
    is_finished = false,
    discarded = CASE
        WHEN last.slot > (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint + 10800000000000 THEN last.slot
    END
WHERE last.slot > (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint + 10800000000000
    OR (last.slot < excluded.slot AND last.lease_until <= clock_timestamp())
    OR (last.slot = excluded.slot AND NOT last.is_finished
        AND (last.holder = excluded.holder OR ($5 AND last.lease_until <= clock_timestamp())))
RETURNING token, discarded";

/// $1 job. The time in nanoseconds; of the row, if there is one: the slot, whether it is finished, and how long the
/// lease lasts, in microseconds.
pub(crate) const EXPLAIN: &str = "
SELECT
    (extract(epoch FROM now) * 1000000000)::bigint,
    slot,
    is_finished::integer::bigint,
    CASE WHEN lease_until <= now THEN 0 ELSE ceil(extract(epoch FROM lease_until - now) * 1000000)::bigint END
FROM (SELECT clock_timestamp() AS now) AS clock LEFT JOIN atevery_ledger ON job = $1";

/// $1 job, $2 slot, $3 holder, $4 length in microseconds, $5 token. A row if the lease is renewed.
pub(crate) const RENEW: &str = "
UPDATE atevery_ledger SET lease_until = clock_timestamp() + $4 * interval '1 microsecond'
WHERE job = $1 AND slot = $2 AND holder = $3 AND token = $5
    AND NOT is_finished AND lease_until > clock_timestamp()
RETURNING token";

/// $1 job, $2 slot, $3 token, $4 done.
pub(crate) const FINISH: &str = "
UPDATE atevery_ledger
SET is_finished = $4, lease_until = '-infinity', holder = CASE WHEN $4 THEN holder END
WHERE job = $1 AND slot = $2 AND token = $3 AND NOT is_finished
RETURNING token";

/// $1 job. The slot, the token, and whether the slot is finished.
pub(crate) const LAST: &str = "
SELECT slot, token, is_finished::integer::bigint FROM atevery_ledger WHERE job = $1";
