-- The one source of the MySQL schema: the db image runs it on an empty data folder, the tests load it.
-- MySQL 8.4 and later, MariaDB 10.6 and later.

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
    UNIQUE KEY token (token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
