-- A null part of the key means any; an empty one is refused by the store, so that '' can stand for null in the index.
CREATE TABLE lockouts (
  id          INTEGER NOT NULL PRIMARY KEY,
  limit_name  TEXT    NOT NULL,
  project     TEXT,
  branch      TEXT,
  agent       TEXT,
  lockout     TEXT    NOT NULL, -- JSON
  expires_at  INTEGER           -- epoch ms; null = until unlocked
) STRICT;

CREATE UNIQUE INDEX lockouts_key ON lockouts (limit_name, ifnull(project, ''), ifnull(branch, ''), ifnull(agent, ''));

-- Unlocks on the record. Expired ones stay: they are the record.
CREATE TABLE allowances (
  id          TEXT    NOT NULL PRIMARY KEY,
  granted_at  INTEGER NOT NULL,
  expires_at  INTEGER,
  allowance   TEXT    NOT NULL -- JSON
) STRICT;

-- Which notices were given: one per limit, counter, period and step.
CREATE TABLE notices (
  limit_name    TEXT    NOT NULL,
  counter       TEXT    NOT NULL,
  period_start  INTEGER NOT NULL,
  step          TEXT    NOT NULL,
  given_at      INTEGER NOT NULL,
  PRIMARY KEY (limit_name, counter, period_start, step)
) STRICT, WITHOUT ROWID;
