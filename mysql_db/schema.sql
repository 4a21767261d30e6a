-- The whole MySQL schema as it is now: the db image runs it on an empty data folder, the tests load it.
-- Databases that have data get there by the migrations in app/internal/food/migrations; a test compares the two ways.
-- MySQL 8.4 and later, MariaDB 10.8 and later.

CREATE TABLE IF NOT EXISTS submissions (
    -- Newest first is by key: pages never sort, so their cost does not grow with the table.
    id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- The form's hidden token, 32 lower-case hex digits. Unique, so that whatever is sent again
    -- (double click, reload, retry after a lost answer) is stored once.
    token           CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- Trimmed, NFC, at most 100 code points. Compared byte for byte: no collation surprises.
    first_name      VARCHAR(100) NOT NULL,
    last_name       VARCHAR(100) NOT NULL,
    favourite_food  VARCHAR(100) NOT NULL,
    -- ISO 3166-1 alpha-2
    country         CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    -- UTC, given by the app
    created_at      DATETIME(3) NOT NULL,
    -- Whether the row is counted, in tally_log or tallies. FALSE: stored by a version of the app from
    -- before there were tallies, and still to be counted by `simpleapp migrate`.
    tallied         BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE KEY token (token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the batches of submissions add to the tallies, each written in the transaction that stores its
-- batch: a row that is stored is counted, and only then. The apps soon add it to the tallies.
CREATE TABLE IF NOT EXISTS tally_log (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- JSON: see `counts` in app/internal/food/tally.go
    counts  MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How many submissions there are, n, of each name in a scope:
--   country     a country's code
--   hour        an hour by its begin in UTC, as in 2026-11-22 19:00
--   quarter     a quarter of an hour likewise, for the time zones that need it
--   food        a food's key, the same for all its spellings
--   food:KEY    a spelling of that food
CREATE TABLE IF NOT EXISTS tallies (
    scope  VARCHAR(310) NOT NULL,
    name   VARCHAR(300) NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (scope, name),
    -- The ten largest are read from one end of it, however many there are.
    KEY top (scope, n DESC, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The migrations that this schema has in it, as goose notes them.
CREATE TABLE IF NOT EXISTS goose_db_version (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    version_id  BIGINT NOT NULL,
    is_applied  BOOLEAN NOT NULL,
    tstamp      DATETIME NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, TRUE), (1, TRUE), (2, TRUE);
