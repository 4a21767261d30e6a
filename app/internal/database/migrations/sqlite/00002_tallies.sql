-- The counts that /results shows. The file of the same name in ../mysql explains the tables.
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
-- Finds the rows that are not counted yet without reading the others.
CREATE INDEX untallied ON submissions (id) WHERE NOT tallied;
