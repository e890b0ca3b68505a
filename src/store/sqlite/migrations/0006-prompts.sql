-- Every prompt once, attributed to where it was given first: the beginnings of turns. As in usage, what an upsert sets has no NOT NULL.
CREATE TABLE usage_prompts (
  id          INTEGER NOT NULL PRIMARY KEY,
  agent_id    INTEGER NOT NULL, -- the agent's first origin, as in usage
  prompt_key  TEXT    NOT NULL,
  origin_id   INTEGER, -- usage_origins
  at          INTEGER, -- epoch ms
  offset      INTEGER, -- byte in the file
  UNIQUE (agent_id, prompt_key)
) STRICT;

CREATE INDEX usage_prompts_at ON usage_prompts (at);

-- Logs that were read before prompts were counted are read once more: no file has this inode. Their answers are recognised.
UPDATE log_cursors SET inode = -1;
