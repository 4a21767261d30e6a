# shellcheck shell=bash disable=SC2034 # the scripts that source this file use them
# The variables that describe a site.

# The times that a slow machine needs.
times=(HEALTH_TIMEOUT START_PERIOD WAIT_TIMEOUT MONITOR)
deploy_options=(DB_PLACEMENT DOMAIN ACME_EMAIL ACME_DIRECTORY HTTPS_PORT)
# The options that make deploy keeps as a label of app, so that a later make deploy may leave them out.
kept_options=("${deploy_options[@]}" "${times[@]}")
# The variables that make one site differ from another on the same machines.
own_variables=(STACK REGISTRY VERSION DB_VERSION CACHE_VERSION CACHE_PLACEMENT APP_REPLICAS HTTP_PORT SSH_USER
  "${deploy_options[@]}")
# The variables that site.env may have.
site_variables=("${own_variables[@]}" TIMEOUT "${times[@]}")
