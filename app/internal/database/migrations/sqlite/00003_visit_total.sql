-- The number of visits. The file of the same name in ../mysql explains the table.
-- +goose Up
CREATE TABLE visit_total (
    id     INTEGER NOT NULL PRIMARY KEY,
    total  INTEGER NOT NULL
);
INSERT INTO visit_total (id, total) VALUES (1, 0);
