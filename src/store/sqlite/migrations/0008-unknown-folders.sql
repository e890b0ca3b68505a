-- An empty cwd or project is one that the log does not name. Lines without a folder were charged to the folder of whoever read them.
UPDATE OR IGNORE usage_origins SET project = '' WHERE cwd = '';
CREATE INDEX usage_origins_placeless ON usage_origins (session_id) WHERE project = '';
-- And lines that were passed over for an unusual layout are found when the logs are read once more: no file has this inode.
UPDATE log_cursors SET inode = -1;
