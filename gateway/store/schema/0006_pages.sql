-- Version 6. A commit writes whole pages, so an index costs a page for each line of the journal that goes into it. Numbers grow with
-- lines and are found by halving (store/journal.py); a code's timeline is read from the line on at which the code begins.

ALTER TABLE access_code ADD COLUMN begins_after_line INTEGER NOT NULL DEFAULT 0;

CREATE TABLE journal_of_pages (
    line INTEGER PRIMARY KEY,
    seq INTEGER,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    lock_id TEXT,
    code_id TEXT,
    command_id TEXT,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,                        -- JSON, never a PIN (N1)
    chain BLOB NOT NULL CHECK (length(chain) = 32),
    personal TEXT                              -- beside the chain, so that it can be erased (A19)
) STRICT;
INSERT INTO journal_of_pages SELECT line, seq, at_ms, kind, lock_id, code_id, command_id, actor, body, chain, personal FROM journal;
DROP TABLE journal;
ALTER TABLE journal_of_pages RENAME TO journal;
CREATE INDEX journal_personal ON journal (code_id) WHERE personal IS NOT NULL;
