-- Runs may be paused and interrupted. The old table named every state, and SQLite cannot change a CHECK; the new one names only those that
-- end a run, which will not become more.
ALTER TABLE receipts RENAME TO old_receipts;
ALTER TABLE runs RENAME TO old_runs;

CREATE TABLE runs (
  id            TEXT    NOT NULL PRIMARY KEY,
  version       INTEGER NOT NULL, -- optimistic lock: a write names the version it read
  protocol      INTEGER NOT NULL, -- protocol number of the writer of the intent
  state         TEXT    NOT NULL,
  name          TEXT,
  worktree      TEXT,
  project       TEXT    NOT NULL,
  intent        TEXT    NOT NULL, -- JSON; its owner may be completed later
  current       TEXT    NOT NULL, -- JSON, the state with its own data
  updated_at    INTEGER NOT NULL, -- epoch ms
  completed_at  INTEGER,          -- epoch ms; null while the run is active
  CHECK ((completed_at IS NOT NULL) = (state IN ('completed', 'failed', 'interrupted', 'stale')))
) STRICT;

CREATE TABLE receipts (
  id        INTEGER NOT NULL PRIMARY KEY,
  run_id    TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  saved_at  INTEGER NOT NULL, -- epoch ms
  receipt   TEXT    NOT NULL  -- JSON
) STRICT;

INSERT INTO runs SELECT id, version, protocol, state, name, worktree, project, intent, current, updated_at, completed_at FROM old_runs;
INSERT INTO receipts SELECT id, run_id, saved_at, receipt FROM old_receipts;
DROP TABLE old_receipts;
DROP TABLE old_runs;

CREATE UNIQUE INDEX runs_active_name ON runs (name) WHERE completed_at IS NULL AND name IS NOT NULL;
CREATE INDEX runs_active ON runs (updated_at, id) WHERE completed_at IS NULL;
CREATE INDEX runs_ended ON runs (completed_at, id) WHERE completed_at IS NOT NULL;
CREATE INDEX runs_name ON runs (name) WHERE name IS NOT NULL;
CREATE INDEX runs_newest ON runs (updated_at, id);
CREATE INDEX runs_nested ON runs (intent ->> '$.parentRunId') WHERE intent ->> '$.parentRunId' IS NOT NULL;
CREATE INDEX receipts_of_run ON receipts (run_id);
