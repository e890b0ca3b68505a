-- Who said it and where it stands. Few per log file, so that an answer's own row holds little but numbers.
CREATE TABLE usage_origins (
  id           INTEGER NOT NULL PRIMARY KEY,
  agent        TEXT    NOT NULL,
  session_id   TEXT    NOT NULL,
  subagent_id  TEXT,
  cwd          TEXT    NOT NULL,
  project      TEXT    NOT NULL,
  branch       TEXT,
  file         TEXT    NOT NULL,
  file_order   INTEGER NOT NULL -- the file's first origin: which of two files was seen first
) STRICT;

CREATE UNIQUE INDEX usage_origins_all
  ON usage_origins (file, session_id, agent, cwd, project, ifnull(branch, ''), ifnull(subagent_id, ''), branch IS NULL, subagent_id IS NULL);
CREATE INDEX usage_origins_session ON usage_origins (session_id, agent);

-- What an answer was priced as.
CREATE TABLE usage_rates (
  id             INTEGER NOT NULL PRIMARY KEY,
  model          TEXT    NOT NULL,
  basis          TEXT    NOT NULL CHECK (basis IN ('exact', 'assumed', 'none')),
  price_version  TEXT    NOT NULL,
  UNIQUE (model, basis, price_version)
) STRICT;

-- The ledger: each answer of a model once, at its largest usage, attributed to where it was said first.
-- What an upsert sets has no NOT NULL: a constraint that can fail half-way makes SQLite journal every page of every statement, which
-- nearly doubles the time of a first scan (measured).
CREATE TABLE usage (
  id              INTEGER NOT NULL PRIMARY KEY,
  agent_id        INTEGER NOT NULL, -- the agent's first origin: an answer's key is unique within one agent
  message_key     TEXT    NOT NULL,
  request_id      TEXT,
  origin_id       INTEGER, -- usage_origins
  rate_id         INTEGER, -- usage_rates
  at              INTEGER, -- epoch ms
  offset          INTEGER, -- byte in the file
  input           INTEGER,
  output          INTEGER,
  cache_write_5m  INTEGER,
  cache_write_1h  INTEGER,
  cache_read      INTEGER,
  tool_use        INTEGER,
  cost_micro_usd  INTEGER,          -- null: no price
  UNIQUE (agent_id, message_key)
) STRICT;

CREATE INDEX usage_at ON usage (at);

CREATE TABLE log_cursors (
  file         TEXT    NOT NULL PRIMARY KEY,
  agent        TEXT    NOT NULL,
  device       REAL    NOT NULL, -- device and inode numbers may exceed what an INTEGER read into a number may hold
  inode        REAL    NOT NULL,
  offset       INTEGER NOT NULL,
  fingerprint  TEXT    NOT NULL,
  modified_ms  REAL    NOT NULL,
  carry        TEXT    NOT NULL
) STRICT;

-- The same problem found again is one row with a later time.
CREATE TABLE log_problems (
  id       INTEGER NOT NULL PRIMARY KEY,
  file     TEXT    NOT NULL,
  offset   INTEGER,
  message  TEXT    NOT NULL,
  at       INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX log_problems_same ON log_problems (file, message, ifnull(offset, -1));
CREATE INDEX log_problems_at ON log_problems (at);

CREATE TABLE session_links (
  agent       TEXT    NOT NULL,
  session_id  TEXT    NOT NULL,
  run_id      TEXT    NOT NULL,
  from_ms     INTEGER NOT NULL,
  PRIMARY KEY (agent, session_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_links_run ON session_links (run_id);
