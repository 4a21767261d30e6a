-- What /results shows, counted. mysql_db/schema.sql says what each table is for.
-- MySQL commits after each statement that changes a schema, so a migration may be cut short between two:
-- each statement can be repeated.
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS tally_log (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    counts  MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tallies (
    scope  VARCHAR(310) NOT NULL,
    name   VARCHAR(300) NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (scope, name),
    KEY top (scope, n DESC, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- MySQL has no ADD COLUMN IF NOT EXISTS. Adding a last column changes no row and takes a moment.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'submissions' AND column_name = 'tallied'),
    'DO 0', 'ALTER TABLE submissions ADD COLUMN tallied BOOLEAN NOT NULL DEFAULT FALSE');
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
