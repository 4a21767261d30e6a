# The last step of a first start: see db-entrypoint.
rm -f /var/lib/mysql/.first-start
