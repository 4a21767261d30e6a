-- The base image gives MYSQL_USER every right on the database. 30-grants.sql gives it the rights that the app needs.
REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'simpleapp'@'%';
