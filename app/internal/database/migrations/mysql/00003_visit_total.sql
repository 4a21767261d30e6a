-- The number of visits, for the case that Redis loses its data. Each instance of the app raises it
-- once a second to the total that it has seen.
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS visit_total (
    id     TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    total  BIGINT NOT NULL
) ENGINE = InnoDB;

-- The only row.
INSERT IGNORE INTO visit_total (id, total) VALUES (1, 0);
