# shellcheck shell=bash
# The operator's commands share these functions. Each command is a script beside this file; `make help` lists them.
# tasks.sh and running.sh have the functions that only some commands need. Those commands source them, too.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bash.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ops/variables.sh
command=${0##*/}

say() { echo "$command: $*"; }
fail() { echo "$command: $*" >&2; exit 1; }

# read_site_env FILE exports the variables in a file of NAME=value lines, except those that the environment has. Like
# the env_file of Compose it may have comments, and quotes around a value.
read_site_env() {
  local line name value quote rest number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line=${line#$'\xef\xbb\xbf'} line=${line%$'\r'} # of an editor on Windows
    if [[ $line =~ ^[[:space:]]*(#.*)?$ ]]; then continue; fi
    [[ $line =~ ^[[:space:]]*([A-Za-z_0-9]+)=[[:space:]]*(.*)$ ]] || fail "$1, line $number: write NAME=value"
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    [[ " ${site_variables[*]} " == *" $name "* ]] || fail "$1, line $number: $name is none of ${site_variables[*]}"
    case $value in
      \"* | \'*)
        quote=${value:0:1} rest=${value:1}
        value=${rest%%"$quote"*} rest=${rest#"$value"}
        [[ $rest =~ ^.[[:space:]]*(#.*)?$ ]] ||
          fail "$1, line $number: write the whole value of $name between two quotes"
        ;;
      *)
        case $value in \#*) value='' ;; esac
        value=${value%%[[:space:]]#*}
        value=${value%"${value##*[![:space:]]}"} # without white space at its end
        ;;
    esac
    if [ -z "${!name+set}" ]; then export "$name=$value"; fi
  done <"$1"
}
if [ -z "${SITE_ENV+set}" ] && [ -e site.env ]; then SITE_ENV=site.env; fi
if [ -n "${SITE_ENV:-}" ]; then
  if [ ! -r "$SITE_ENV" ] || [ -d "$SITE_ENV" ]; then fail "SITE_ENV=$SITE_ENV can't be read: name a file that can be"; fi
  read_site_env "$SITE_ENV"
fi
export STACK=${STACK:-mystack}
if [ -n "${REGISTRY:-}" ]; then REGISTRY=${REGISTRY%/}/; fi

# no_manager ends the command, because this engine manages no swarm, and says why.
no_manager() {
  local state
  state=$(docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null) || state=unknown
  case $state in
    locked) fail "the swarm is locked: docker swarm unlock, then repeat this" ;;
    inactive) fail "this engine manages no swarm, its state is inactive: run this command on a manager, or make" \
      "swarm-init first" ;;
    *) fail "this engine manages no swarm, its state is $state: run this command on a manager" ;;
  esac
}

about_swarm=(docker info --format '{{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}')
if ! answer=$("${about_swarm[@]}" 2>/dev/null); then # a warning is no part of the answer
  fail "no Docker engine answers: $("${about_swarm[@]}" 2>&1 >/dev/null)"
fi
is_manager=${answer% *}
# shellcheck disable=SC2034 # tasks.sh uses it
this_node=${answer#* }
case $command in
  swarm-init | push | sql | redis) ;; # need no swarm
  *)
    [ "$is_manager" = true ] || no_manager
    ;;
esac

# look_up KIND NAME TEMPLATE prints a service, secret or config in the format of the template, or nothing if the swarm
# has none of this name. If Docker can't tell, look_up prints Docker's error and returns 1.
look_up() {
  local errors
  if { errors=$(docker "$1" inspect --format "$3" "$2" 2>&1 >&3); } 3>&1; then return; fi
  case $errors in *"o such $1: $2"* | *"$1 $2 not found"*) return ;; esac
  echo "$command: $errors" >&2
  return 1
}
# inspect SERVICE TEMPLATE looks a service of the stack up.
inspect() { look_up service "${STACK}_$1" "$2"; }
# image_of SERVICE prints the image that the service is defined to run.
image_of() { inspect "$1" '{{.Spec.TaskTemplate.ContainerSpec.Image}}'; }
# tasks_of SERVICE prints the id of each task that Swarm wants to run, one a line.
tasks_of() { docker service ps --quiet --no-trunc --filter desired-state=running "${STACK}_$1"; }
# hostname_of NODE prints the name of a node. NODE is its id or its name.
hostname_of() { docker node inspect --format '{{.Description.Hostname}}' "$1"; }
# exists KIND NAME succeeds if the swarm has a secret or config of this name.
exists() {
  local id
  id=$(look_up "$1" "$2" '{{.ID}}') || exit 1
  [ -n "$id" ]
}

# deployed ends the command if there is no stack.
deployed() {
  local id
  id=$(inspect app '{{.ID}}') || exit 1
  [ -n "$id" ] || fail "there is no stack $STACK (STACK=… names another one)"
}

# A swarm can't change a secret, so each version of a password is a secret of its own: STACK_NAME_v1, STACK_NAME_v2, …
# newest NAME prints the highest version there is.
newest() {
  docker secret ls --format '{{.Name}}' | sed -n "s/^${STACK}_$1_v\([0-9][0-9]*\)$/\1/p" | sort -n | tail -n 1
}
# secret_of SERVICE NAME prints the secret that a service has as the file NAME.
secret_of() {
  inspect "$1" '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{println .File.Name .SecretName}}{{end}}' |
    sed -n "s/^$2 //p"
}
# The service that checks each password.
declare -A service_of_password=([mysql_password]=db [redis_password]=cache)
new_password() { head -c 24 /dev/urandom | base64 | tr +/ -_; }

# settings prints the options that make deploy keeps, as lines of NAME=value. After make undeploy it prints those that
# the site had.
settings() {
  local id name value
  id=$(inspect app '{{.ID}}') || return
  if [ -z "$id" ]; then
    look_up config "${STACK}_settings" '{{printf "%s" .Spec.Data}}'
    return
  fi
  inspect app '{{with .Spec}}APP_REPLICAS={{.Mode.Replicated.Replicas}}
HTTP_PORT={{with .EndpointSpec}}{{range .Ports}}{{if eq .TargetPort 8080}}{{.PublishedPort}}{{end}}{{end}}{{end}}
PREVIOUS={{index .Labels "simpleapp.previous"}}
{{index .Labels "simpleapp.options"}}{{end}}' || return
  value=$(inspect cache '{{with .Spec.TaskTemplate.Placement}}{{range .Constraints}}{{.}}{{end}}{{end}}') || return
  echo "CACHE_PLACEMENT=$value"
  for name in app db cache; do
    value=$(image_of "$name") || return
    echo "${name}_image=$value"
  done
  for name in mysql_password redis_password; do
    value=$(secret_of "${service_of_password[$name]}" "$name") || return
    echo "${name^^}_FIRST=$value"
    value=$(secret_of app "$name") || return
    echo "${name^^}_SECRET=$value"
  done
}

# started tells whether the site has had a database: an empty copy then makes no new site. It has had one if the config
# of remember_start exists, or else if the job db-first has completed. make deploy and make undeploy call
# remember_start. The config outlives the stack, like the site's volumes and secrets.
started() {
  local job states
  if exists config "${STACK}_db_started"; then return; fi
  job=$(inspect db-first '{{.ID}}') || exit 1
  [ -n "$job" ] || return
  states=$(docker service ps --format '{{.CurrentState}}' "${STACK}_db-first") || exit 1
  grep -q '^Complete' <<<"$states"
}
remember_start() {
  exists config "${STACK}_db_started" ||
    docker config create --label "simpleapp.stack=$STACK" "${STACK}_db_started" - >/dev/null <<<yes
}
