-- The counts that /results shows.
-- MySQL commits after each statement that changes a schema, so a migration may be interrupted
-- between two statements. Therefore each statement must be repeatable.
-- +goose NO TRANSACTION
-- +goose Up

-- The counts that are not in the table tallies yet: one row for each batch of submissions. The
-- transaction that stores a batch also inserts its row here, so that a submission is counted if and
-- only if it is stored. The app adds these rows to tallies once a second, and deletes them.
CREATE TABLE IF NOT EXISTS tally_log (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- JSON of the Go type `counts`
    counts  MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The number of submissions, n, of each name in a scope:
--   country     the name is the code of a country
--   hour        the name is the beginning of an hour in UTC, such as 2026-11-22 19:00
--   quarter     the name is the beginning of a quarter of an hour in UTC. Time zones that are not
--               a number of full hours away from UTC need these.
--   food        the name is the key of a food, which all its spellings share
--   food:KEY    the name is a spelling of the food that has this key
CREATE TABLE IF NOT EXISTS tallies (
    scope  VARCHAR(310) NOT NULL,
    name   VARCHAR(300) NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (scope, name),
    -- Finds the ten largest of a scope without sorting, however many names the scope has.
    KEY top (scope, n DESC, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The column `tallied` is TRUE if a submission is counted in tally_log or in tallies. It is FALSE
-- if a version without tallies stored the submission and `simpleapp migrate` has not counted it yet.
--
-- MySQL has no ADD COLUMN IF NOT EXISTS. Adding a last column is fast, because MySQL does not
-- rewrite the rows.
SET @statement = IF(EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'submissions' AND column_name = 'tallied'),
    'DO 0', 'ALTER TABLE submissions ADD COLUMN tallied BOOLEAN NOT NULL DEFAULT FALSE');
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
