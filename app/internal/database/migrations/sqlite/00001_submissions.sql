-- This is the schema of the versions without migrations. A file that has it does not change.
-- +goose Up
CREATE TABLE IF NOT EXISTS submissions (
    id              INTEGER PRIMARY KEY,
    token           TEXT NOT NULL UNIQUE,
    first_name      TEXT NOT NULL,
    last_name       TEXT NOT NULL,
    favourite_food  TEXT NOT NULL,
    country         TEXT NOT NULL,
    created_at      DATETIME NOT NULL
);
