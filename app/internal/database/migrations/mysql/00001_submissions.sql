-- The schema from before there were migrations: a database that has it already is left as it is.
-- The db image gives these files to the mysql client on an empty data folder, where goose's marks
-- are comments. `simpleapp migrate` applies them again and notes them, as each statement can be
-- repeated. They work in MySQL 8.4 and later and in MariaDB 10.8 and later.
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS submissions (
    -- Pages read the newest first by this key. They never sort, so that their cost does not grow
    -- with the table.
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
    -- In UTC, set by the app
    created_at      DATETIME(3) NOT NULL,
    UNIQUE KEY token (token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
