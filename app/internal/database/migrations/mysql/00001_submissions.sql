-- This is the schema of the versions without migrations. A database that has it does not change.
--
-- When the db image starts with an empty data folder, it runs these files with the mysql client,
-- which reads goose's annotations as comments. `simpleapp migrate` later runs the files again and
-- records them, so each statement must be repeatable. The files work in MySQL 8.4 and later, and in
-- MariaDB 10.8 and later.
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS submissions (
    -- Pages list the newest rows first, in the order of this key. They need no sorting, so their
    -- cost does not grow with the table.
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- The form's hidden token, 32 lower-case hex digits. It is unique, so that a form that is sent
    -- again (double click, reload, retry after a lost answer) is stored once.
    token           CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- The texts are trimmed, in NFC and at most 100 code points long. They are compared byte for
    -- byte, because a collation would treat different texts as equal.
    first_name      VARCHAR(100) NOT NULL,
    last_name       VARCHAR(100) NOT NULL,
    favourite_food  VARCHAR(100) NOT NULL,
    -- ISO 3166-1 alpha-2
    country         CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- In UTC. The app sets it.
    created_at      DATETIME(3) NOT NULL,
    UNIQUE KEY token (token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
