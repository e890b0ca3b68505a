-- What this home knows of the claims on worktrees. The file beside each decides: other homes and users have rows of their own.
CREATE TABLE claims (
  worktree    TEXT    NOT NULL PRIMARY KEY, -- real path
  folder_id   TEXT    NOT NULL,             -- device and inode of that folder: the same by any name
  token       INTEGER NOT NULL,             -- never goes down
  file        TEXT    NOT NULL,
  record      TEXT    NOT NULL,             -- JSON
  updated_at  INTEGER NOT NULL              -- epoch ms
) STRICT;

CREATE INDEX claims_folder ON claims (folder_id);
