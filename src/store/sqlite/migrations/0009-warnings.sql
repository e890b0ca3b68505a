-- What a notice said, where a limit gave it: JSON of a Warning. Null for other notices, and those of before.
ALTER TABLE notices ADD COLUMN warning TEXT;
