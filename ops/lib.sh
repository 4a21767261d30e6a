# shellcheck shell=bash
# The operator's commands share these functions. Each command is a script beside this file; `make help` lists them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/bash.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command=${0##*/}

say() { echo "$command: $*"; }
fail() { echo "$command: $*" >&2; exit 1; }

# The options that make deploy keeps as a label of app, so that a later make deploy may leave them out.
kept_options=(DB_PLACEMENT HEALTH_TIMEOUT START_PERIOD WAIT_TIMEOUT MONITOR DOMAIN ACME_EMAIL ACME_DIRECTORY HTTPS_PORT)
# The variables that site.env may have.
site_variables=(STACK REGISTRY VERSION DB_VERSION CACHE_VERSION CACHE_PLACEMENT APP_REPLICAS HTTP_PORT SSH_USER TIMEOUT
  "${kept_options[@]}")

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
        [[ $rest =~ ^.[[:space:]]*(#.*)?$ ]] || fail "$1, line $number: write the whole value of $name between two quotes"
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
if [ -n "${SITE_ENV:-}" ]; then
  [ -r "$SITE_ENV" ] || fail "SITE_ENV=$SITE_ENV can't be read"
  read_site_env "$SITE_ENV"
elif [ -z "${SITE_ENV+set}" ] && [ -e site.env ]; then
  [ -r site.env ] || fail "site.env can't be read"
  read_site_env site.env
fi
export STACK=${STACK:-mystack}
if [ -n "${REGISTRY:-}" ]; then REGISTRY=${REGISTRY%/}/; fi

about_swarm=(docker info --format '{{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}')
if ! answer=$("${about_swarm[@]}" 2>/dev/null); then # a warning is no part of the answer
  fail "no Docker engine answers: $("${about_swarm[@]}" 2>&1)"
fi
this_node=${answer#* } is_manager=${answer% *}
case $command in
  swarm-init | push | sql | redis) ;; # need no swarm
  *)
    [ "$is_manager" = true ] ||
      fail "this engine manages no swarm: run this command on a manager, or make swarm-init first"
    ;;
esac

# The tasks that existed before this command. Failures of later tasks are due to this command.
earlier=$(docker stack ps --quiet --no-trunc "$STACK" 2>/dev/null || true)

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
newest() { docker secret ls --format '{{.Name}}' | sed -n "s/^${STACK}_$1_v\([0-9][0-9]*\)$/\1/p" | sort -n | tail -n 1; }
# secret_of SERVICE NAME prints the secret that a service has as the file NAME.
secret_of() {
  inspect "$1" '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{println .File.Name .SecretName}}{{end}}' | sed -n "s/^$2 //p"
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
    value=$(inspect $name '{{.Spec.TaskTemplate.ContainerSpec.Image}}') || return
    echo "${name}_image=$value"
  done
  for name in mysql_password redis_password; do
    value=$(secret_of "${service_of_password[$name]}" $name) || return
    echo "${name^^}_FIRST=$value"
    value=$(secret_of app $name) || return
    echo "${name^^}_SECRET=$value"
  done
}

# find_task SERVICE sets container to a container of the service, and host to the option --host if docker reaches it by
# ssh on another node. It takes a task that runs rather than one that is starting, and a task on this node rather than
# another.
find_task() {
  local node='' address found pattern tasks
  host=() container=''
  mapfile -t tasks < <(docker service ps --quiet --no-trunc --filter desired-state=running "${STACK}_$1")
  [ ${#tasks[@]} -gt 0 ] || fail "$1 does not run: docker service ps --no-trunc ${STACK}_$1 tells why"
  found=$(docker inspect --type task \
    --format '{{.Status.State}} {{.NodeID}} {{with .Status.ContainerStatus}}{{.ContainerID}}{{end}}' "${tasks[@]}" || true)
  for pattern in "running $this_node ." 'running [^ ]* .' "[^ ]* $this_node ." '[^ ]* [^ ]* .'; do
    if read -r _ node container < <(grep "^$pattern" <<<"$found"); then break; fi
  done
  [ -n "$container" ] || fail "$1 has not started yet: docker service ps --no-trunc ${STACK}_$1 tells why"
  if [ "$node" != "$this_node" ]; then
    # The status of a manager may have the address 0.0.0.0 (moby#35437). ManagerStatus has the real one, with a port.
    address=$(docker node inspect --format '{{with .ManagerStatus}}{{.Addr}}{{else}}{{.Status.Addr}}{{end}}' "$node")
    host=(--host "ssh://${SSH_USER:+$SSH_USER@}${address%:*}")
  fi
}

# in_task SERVICE COMMAND… runs a command in the service's container. If it fails because the container's node can't be
# reached, in_task says so.
in_task() {
  local container host service=$1 status=0
  find_task "$service"
  shift
  docker "${host[@]}" exec --interactive "$container" "$@" || status=$?
  if [ "$status" -ne 0 ] && [ ${#host[@]} -gt 0 ] && ! docker "${host[@]}" version >/dev/null 2>&1; then
    echo "$command: $service does not run on this node, and ${host[1]} can't be reached: let ssh log in there" \
      "without a password, or run this command on a node of $service" >&2
  fi
  return "$status"
}

read -ra compose <<<"${COMPOSE:-docker compose}"
# prompt SERVICE COMMAND… is in_task with the terminal, if there is one. Where there is no stack the container is
# Compose's.
prompt() {
  local container host=() id='' tty=()
  if [ "$is_manager" = true ]; then id=$(inspect app '{{.ID}}'); fi
  if [ -n "$id" ]; then
    find_task "$1"
  else
    container=$("${compose[@]}" ps --quiet "$1")
    [ -n "$container" ] || fail "$1 runs neither in Compose nor in a stack $STACK that this engine manages:" \
      "start the site, or run this on a manager"
  fi
  if [ -t 0 ]; then tty=(--tty); fi
  shift
  docker "${host[@]}" exec --interactive "${tty[@]}" "$container" "$@"
}

# relay COMMAND… runs a command that calls the program, with the name of this command before each line of its output and
# of its errors. Instead of flags of the program they name the variables of make.
relay() {
  local script="/^$command: /!s/^/$command: /; s/with --id/with ID=…/; s/--merge/MERGE=yes/; s/--only visits/ONLY=visits/"
  { "$@" 2>&1 >&3 | sed "$script" >&2; } 3>&1 | sed "$script"
}

# administer IMAGE COMMAND… runs a subcommand of a version of the app with an account that may change the schema and
# delete.
administer() {
  local container host
  find_task db
  if [ ${#host[@]} -gt 0 ]; then local -x DOCKER_HOST=${host[1]}; fi
  # The registry may have another image of this tag than this engine has. Swarm runs that of the registry.
  if [ -n "${REGISTRY:-}" ] && [[ $1 != *@* ]]; then docker pull --quiet "$1" >/dev/null || return; fi
  relay mysql_db/administer "$container" "$@"
}

# migrate IMAGE brings the schema to what a version of the app needs, and counts the submissions that are not counted
# yet.
migrate() { administer "$1" migrate; }

# failed_tasks SERVICE lists the tasks that failed, ended or can't start, as TASK|description. Docker prints for example
#   x1y2|mystack_app.1 on node1: Failed 5 seconds ago: task: non-zero exit (1)
#   x3y4|mystack_app.2 on node1: Complete 5 seconds ago:
#   x5y6|mystack_app.2 on node1: Running 4 seconds ago:
# The first line stays, the second one gets a reason, and the third one, without an error, is left out.
failed_tasks() {
  docker service ps --no-trunc --format '{{.ID}}|{{.Name}} on {{.Node}}: {{.CurrentState}}: {{.Error}}' "${STACK}_$1" |
    sed -n -e 's/: Complete [^:]*: $/&stopped, for instance as unhealthy/' -e '/: $/!p'
}

# show_failure TASK prints the task's state, its error and the end of its log.
show_failure() {
  docker inspect --type task --format '  task {{.ID}}: {{.Status.State}}: {{or .Status.Err "stopped as unhealthy"}}' "$1"
  timeout 30 docker service logs --raw --tail 10 "$1" 2>&1 | sed 's/^/    /'
} >&2

# missing_of compares these parts of a task with those of its service.
definition='{{.ForceUpdate}} {{json .Resources}} {{with .ContainerSpec}}{{.Image}} {{json .Env}} {{json .Secrets}} {{json .Mounts}} {{json .Healthcheck}}{{end}}'

# nodes_of SERVICE prints the id of the node of each task that Swarm wants to run, one a line.
nodes_of() {
  docker service ps --quiet --no-trunc --filter desired-state=running "${STACK}_$1" |
    xargs --no-run-if-empty docker inspect --type task --format '{{.NodeID}}'
}
# constraints_of SERVICE prints the constraints of its placement, one a line.
constraints_of() {
  inspect "$1" '{{with .Spec.TaskTemplate.Placement}}{{range .Constraints}}{{println .}}{{end}}{{end}}'
}
# matching_nodes CONSTRAINTS prints the id and the name of each node that matches all constraints of a placement. It
# fails if a constraint is of another form than those in facts, or if Docker can't list the nodes.
matching_nodes() {
  local constraint fact nodes facts=$'{{.ID}}\t{{.Description.Hostname}}\tnode.role={{.Spec.Role}}\t'
  facts+=$'node.hostname={{lower .Description.Hostname}}\t'
  facts+=$'{{range $name, $value := .Spec.Labels}}node.labels.{{$name}}={{lower $value}}\t{{end}}'
  nodes=$(docker node ls --quiet | xargs docker node inspect --format "$facts") || return
  while IFS= read -r constraint; do
    [ -n "$constraint" ] || continue
    [[ $constraint =~ ^(node\.(role|hostname|labels\.[^[:space:]]+))[[:space:]]*(==|!=)[[:space:]]*(.+)$ ]] || return
    fact=$'\t'${BASH_REMATCH[1]}=${BASH_REMATCH[4],,}$'\t' # Swarm ignores the case of a value
    if [ "${BASH_REMATCH[3]}" = == ]; then
      nodes=$(grep -F "$fact" <<<"$nodes") || true
    else
      nodes=$(grep -vF "$fact" <<<"$nodes") || true
    fi
  done <<<"$1"
  cut -f 1,2 <<<"$nodes"
}

# copies prints NODE=ADDRESS for each copy of the database that there should be: one for each task, and NODE= for a
# node of db that has none.
copies() {
  local node name address tasks constraints nodes known=''
  mapfile -t tasks < <(docker service ps --quiet --no-trunc --filter desired-state=running "${STACK}_db")
  if [ ${#tasks[@]} -gt 0 ]; then
    while read -r node address; do
      known+=" $node"
      echo "$(docker node inspect --format '{{.Description.Hostname}}' "$node")=${address%/*}"
    done < <(docker inspect --type task --format \
      '{{.NodeID}} {{range .NetworksAttachments}}{{range .Addresses}}{{.}} {{end}}{{end}}' "${tasks[@]}")
  fi
  constraints=$(constraints_of db) || return
  nodes=$(matching_nodes "$constraints") || {
    echo "$command: the nodes of db can't be listed, so a copy that is missing may not show: choose them by" \
      "node.role, node.hostname or node.labels in DB_PLACEMENT, not by ${constraints//$'\n'/, }" >&2
    return
  }
  while read -r node name; do
    [[ -z $node || "$known " == *" $node "* ]] || echo "$name="
  done <<<"$nodes"
}

# report_copies prints a table of the copies of the database, and fails unless they are one group.
report_copies() {
  local listed places
  listed=$(copies) || return
  mapfile -t places <<<"$listed"
  in_task db db-group status "${places[@]}" </dev/null
}

# mark_volume NODE IMAGE COMMAND runs a command of db-group on a node's volume of db: permit or discard. It is a job of
# Swarm, which reaches each node without ssh.
mark_volume() {
  local job=${STACK}_db-$3 deadline=$((SECONDS + ${TIMEOUT:-300})) state
  docker service rm "$job" >/dev/null 2>&1 || true
  docker service create --detach --quiet --with-registry-auth --no-resolve-image --name "$job" --mode replicated-job \
    --constraint "node.id==$(docker node inspect --format '{{.ID}}' "$1")" --restart-condition none --no-healthcheck \
    --mount "type=volume,source=${STACK}_db_data,target=/var/lib/mysql" --entrypoint db-group "$2" "$3" >/dev/null
  until state=$(docker service ps --no-trunc --format '{{.CurrentState}} {{.Error}}' "$job" | head -n 1) &&
    [[ $state == Complete* ]]; do
    case $state in Failed* | Rejected*) docker service rm "$job" >/dev/null; fail "db-group $3 on $1: $state" ;; esac
    [ "$SECONDS" -lt "$deadline" ] || { docker service rm "$job" >/dev/null; fail "db-group $3 on $1 did not run: $state"; }
    sleep 0.5
  done
  docker service rm "$job" >/dev/null
}

# started tells whether the site has had a database: an empty copy then makes no new site. The job db-first tells it or,
# once make deploy or make undeploy has called remember_start, a config. Like the site's volumes and secrets, the config
# outlives the stack.
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

# missing_of SERVICE says what is missing until the service runs as it is defined, such as "2 of 3 run as wanted", and
# the state of an update that did not complete. It prints nothing if the service runs as it is defined.
missing_of() {
  local found wanted update present tasks running=0 missing=''
  found=$(inspect "$1" "{{with .Spec.Mode.Replicated}}{{.Replicas}}{{else}}all{{end}} \
{{with .UpdateStatus}}{{.State}}{{else}}none{{end}} {{with .Spec.TaskTemplate}}$definition{{end}}") || return
  read -r wanted update present <<<"$found"
  mapfile -t tasks < <(docker service ps --quiet --no-trunc --filter desired-state=running "${STACK}_$1")
  if [ ${#tasks[@]} -gt 0 ]; then
    running=$(docker inspect --type task --format "{{.Status.State}} {{with .Spec}}$definition{{end}}" "${tasks[@]}" 2>/dev/null |
      grep -cxF "running $present" || true)
  fi
  if [ "$wanted" = all ]; then wanted=${#tasks[@]}; fi # one on each node of the service
  if [ "$running" != "$wanted" ] || [ "${#tasks[@]}" != "$wanted" ] || [ "$wanted" = 0 ]; then
    missing="$running of $wanted run as wanted"
  fi
  case $update in
    none | completed) echo "$missing" ;;
    *) echo "$update${missing:+, $missing}" ;;
  esac
}

# no_room SERVICE prints Swarm's reason if it finds no node for a task of the service.
no_room() {
  docker service ps --no-trunc --filter desired-state=running --format '{{.CurrentState}}|{{.Error}}' "${STACK}_$1" |
    sed -n 's/^Pending .*|"*\(no suitable node[^"]*\)"*$/\1/p' | head -n 1
}

# wait_until_running SERVICE… waits until each service runs as it is defined now. It prints each failure of a task once.
# If an update fails, no node has room, or the time is over, it prints the failed task's log and returns 1.
wait_until_running() {
  local deadline=$((SECONDS + ${TIMEOUT:-900})) service missing state printed_state='' reason='' pick=tail changed room
  local task description failure printed_failures=$earlier
  while :; do
    state=''
    for service in "$@"; do
      missing=$(missing_of "$service") || missing="its state is not known"
      state+=${missing:+"$service: $missing; "}
      case $missing in
        rollback_completed*) reason="$service was rolled back: the version before goes on running" ;;
        paused* | rollback_paused*) reason="$service: the update stopped half-way" ;;
      esac
      while IFS='|' read -r task description; do
        failure="$service${description##* ago}"
        case $printed_failures in
          *"$task"* | *"$failure"*) ;;
          *) printed_failures+=" $task $failure"; say "$description" ;;
        esac
      done < <(failed_tasks "$service")
    done
    if [ -z "$state" ]; then return 0; fi
    if [ "$state" != "$printed_state" ]; then say "${state%; }"; printed_state=$state changed=$SECONDS; fi
    # A node that has just come back may need some seconds until it has room.
    if [ -z "$reason" ] && { [ $((SECONDS - changed)) -ge 30 ] || [ "$SECONDS" -gt "$deadline" ]; }; then
      for service in "$@"; do
        room=$(no_room "$service")
        if [ -n "$room" ]; then reason="$service: $room"; fi
      done
    fi
    if [ -z "$reason" ] && [ "$SECONDS" -gt "$deadline" ]; then reason="not ready after ${TIMEOUT:-900} s" pick=head; fi
    if [ -n "$reason" ]; then break; fi
    sleep 1
  done
  # Docker lists the newest task first. If Swarm has given up, the first task that failed since this command began
  # (tail) shows the cause. If Swarm still tries, the last one (head) does.
  for service in "$@"; do
    task=$(failed_tasks "$service" | cut -d'|' -f1 | grep -vxF "$earlier" | $pick -n 1)
    if [ -n "$task" ]; then show_failure "$task" || true; fi
  done
  echo "$command: $reason" >&2
  return 1
}
