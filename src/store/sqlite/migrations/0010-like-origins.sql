-- Origins that named no folder, one with a branch and one without, may turn out to be alike: none of them may stay without its project for that.
DROP INDEX usage_origins_all;
CREATE INDEX usage_origins_all
  ON usage_origins (file, session_id, agent, cwd, project, ifnull(branch, ''), ifnull(subagent_id, ''), branch IS NULL, subagent_id IS NULL);
