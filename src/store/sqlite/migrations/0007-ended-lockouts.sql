-- A lockout that ended stays as the proof of it: a file of it that was not removed in time is told by that from one that outlived the
-- store. One row per key, as before, so that ended ones need no pruning.
ALTER TABLE lockouts ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
-- Epoch ms, the latest of all lockouts the row has held; null in rows of before that cannot be read.
ALTER TABLE lockouts ADD COLUMN locked_at INTEGER;
UPDATE lockouts SET locked_at = CASE WHEN json_valid(lockout) THEN lockout ->> '$.lockedAt' END;
