# The last step of a first start: see db-entrypoint. The disk has to know it before the first submission is confirmed,
# since a marker that came back with a power loss would make the next start delete everything.
rm -f /var/lib/mysql/.first-start
sync /var/lib/mysql
