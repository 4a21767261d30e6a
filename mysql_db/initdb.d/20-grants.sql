-- The base image gives MYSQL_USER everything in the database. The app adds rows and reads them,
-- and whoever takes it over can do no more.
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'simpleapp'@'%';
GRANT SELECT, INSERT ON simple_db.submissions TO 'simpleapp'@'%';
