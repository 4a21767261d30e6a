-- The schema before there were migrations: a database that has it already is left as it is.
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS submissions (
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    token           CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    first_name      VARCHAR(100) NOT NULL,
    last_name       VARCHAR(100) NOT NULL,
    favourite_food  VARCHAR(100) NOT NULL,
    country         CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at      DATETIME(3) NOT NULL,
    UNIQUE KEY token (token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
