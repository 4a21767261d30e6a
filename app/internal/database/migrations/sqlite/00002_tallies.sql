-- The counts that /results shows. The file of this name in ../mysql says what each table is for.
-- +goose Up
CREATE TABLE tally_log (
    id      INTEGER PRIMARY KEY,
    counts  TEXT NOT NULL
);

CREATE TABLE tallies (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE INDEX top ON tallies (scope, n DESC, name);

ALTER TABLE submissions ADD COLUMN tallied BOOLEAN NOT NULL DEFAULT FALSE;
-- Of a full table, the rows that are still to be counted are found at once.
CREATE INDEX untallied ON submissions (id) WHERE NOT tallied;
