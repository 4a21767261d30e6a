-- What the replicas share to keep a TLS certificate for https: see the package certificate. A name
-- begins with the kind of the value:
--   account       the private key of the site's account with an authority
--   certificate   the private key and the certificate
--   attempt       JSON of the latest order, if it failed
--   token         the answer to a challenge of the authority, during an order
-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS acme (
    name   VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value  MEDIUMBLOB NOT NULL
) ENGINE = InnoDB;
