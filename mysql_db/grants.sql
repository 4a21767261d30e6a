-- The rights of the app's account, and so the most that an attacker gains with its password. The db image runs this file
-- on an empty data folder. `mysql_db/administer … migrate` runs those of its statements whose tables exist, after each
-- change of the schema and while the app works. So a statement may only add rights, and is one line about one table.
GRANT SELECT, INSERT ON simple_db.submissions TO 'simpleapp'@'%';
GRANT SELECT, INSERT, UPDATE ON simple_db.tallies TO 'simpleapp'@'%';
GRANT SELECT, INSERT, DELETE ON simple_db.tally_log TO 'simpleapp'@'%';
GRANT SELECT, UPDATE ON simple_db.visit_total TO 'simpleapp'@'%';
GRANT SELECT, INSERT, DELETE ON simple_db.acme TO 'simpleapp'@'%';
