# shellcheck shell=bash
# The last step of a first start removes the marker of db-entrypoint. The removal is on the disk before the first
# submission is confirmed: if a power loss brought the marker back, the next start would delete everything.
rm -f /var/lib/mysql/.first-start
sync /var/lib/mysql
