-- What the app's account may do; whoever takes it over can do no more. The db image runs this on an empty data
-- folder, and mysql_db/migrate after each change of the schema, while the app works: it may only add.
GRANT SELECT, INSERT ON simple_db.submissions TO 'simpleapp'@'%';
GRANT SELECT, INSERT, UPDATE ON simple_db.tallies TO 'simpleapp'@'%';
GRANT SELECT, INSERT, DELETE ON simple_db.tally_log TO 'simpleapp'@'%';
