-- A run in full is its two JSON texts; the other columns repeat what is searched by.
-- `completed_at IS NULL` is what makes a run active: the partial indexes stay small however many runs have ended.
CREATE TABLE runs (
  id            TEXT    NOT NULL PRIMARY KEY,
  version       INTEGER NOT NULL, -- optimistic lock: a write names the version it read
  protocol      INTEGER NOT NULL, -- protocol number of the writer of the intent
  state         TEXT    NOT NULL CHECK (state IN ('starting', 'running', 'stopping', 'lingering', 'completed', 'failed', 'interrupted', 'stale')),
  name          TEXT,
  worktree      TEXT,
  project       TEXT    NOT NULL,
  intent        TEXT    NOT NULL, -- JSON, written once
  current       TEXT    NOT NULL, -- JSON, the state with its own data
  updated_at    INTEGER NOT NULL, -- epoch ms
  completed_at  INTEGER,          -- epoch ms; null while the run is active
  CHECK ((completed_at IS NULL) = (state IN ('starting', 'running', 'stopping', 'lingering')))
) STRICT;

CREATE UNIQUE INDEX runs_active_name ON runs (name) WHERE completed_at IS NULL AND name IS NOT NULL;
-- The order of `list` is in them: else SQLite walks all runs in that order to be spared a sort.
CREATE INDEX runs_active ON runs (updated_at, id) WHERE completed_at IS NULL;
CREATE INDEX runs_ended ON runs (completed_at, id) WHERE completed_at IS NOT NULL;
CREATE INDEX runs_name ON runs (name) WHERE name IS NOT NULL;
CREATE INDEX runs_newest ON runs (updated_at, id);
CREATE INDEX runs_nested ON runs (intent ->> '$.parentRunId') WHERE intent ->> '$.parentRunId' IS NOT NULL;

CREATE TABLE receipts (
  id        INTEGER NOT NULL PRIMARY KEY,
  run_id    TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  saved_at  INTEGER NOT NULL, -- epoch ms
  receipt   TEXT    NOT NULL  -- JSON
) STRICT;

CREATE INDEX receipts_of_run ON receipts (run_id);
