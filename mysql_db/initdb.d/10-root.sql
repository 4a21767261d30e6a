-- The system user mysql, which db's container runs as, is MySQL's root, through the socket and without a password. Nobody
-- can log in as root over the network. A first start runs this file. Each later start runs it as its init_file, which
-- replaces the password that older versions gave to root. An init_file has each statement on one line.
SET sql_log_bin = 0;
ALTER USER root@localhost IDENTIFIED WITH auth_socket AS 'mysql';
