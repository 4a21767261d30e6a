-- The base image gives MYSQL_USER everything in the database. 30-grants.sql gives what the app needs.
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'simpleapp'@'%';
