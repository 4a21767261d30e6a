-- What is kept for https. The file of the same name in ../mysql explains the table.
-- +goose Up
CREATE TABLE acme (
    name   TEXT NOT NULL PRIMARY KEY,
    value  BLOB NOT NULL
) WITHOUT ROWID;
