-- The counts that /results shows.
-- MySQL commits after each statement that changes a schema, so a migration may be interrupted
-- between two statements: each of them can be repeated.
-- +goose NO TRANSACTION
-- +goose Up

-- What each batch of submissions adds to the tallies. The transaction that stores a batch also
-- writes its row here, so that a submission is counted if and only if it is stored. The app adds
-- these rows to the tallies soon afterwards, and deletes them.
CREATE TABLE IF NOT EXISTS tally_log (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- JSON, as the app's type `counts` defines it
    counts  MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The number of submissions, n, of each name in a scope:
--   country     the name is a country's code
--   hour        the beginning of an hour in UTC, such as 2026-11-22 19:00
--   quarter     the beginning of a quarter of an hour in UTC, for the time zones that need it
--   food        the key of a food, which all its spellings share
--   food:KEY    a spelling of the food that has this key
CREATE TABLE IF NOT EXISTS tallies (
    scope  VARCHAR(310) NOT NULL,
    name   VARCHAR(300) NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (scope, name),
    -- The ten largest of a scope stand together here, however many names it has.
    KEY top (scope, n DESC, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The column `tallied` tells whether a submission is counted, in tally_log or in tallies. It is
-- FALSE where a version from before the tallies stored it and `simpleapp migrate` has not counted it
-- yet. MySQL has no ADD COLUMN IF NOT EXISTS. Adding a last column changes no row and takes a moment.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'submissions' AND column_name = 'tallied'),
    'DO 0', 'ALTER TABLE submissions ADD COLUMN tallied BOOLEAN NOT NULL DEFAULT FALSE');
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
