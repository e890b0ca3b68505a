-- From when on the session is not the run's any more, in epoch ms: another run that had been in it went on with it. Null while that is not so.
ALTER TABLE session_links ADD COLUMN until_ms INTEGER;
