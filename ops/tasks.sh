# shellcheck shell=bash
# These functions run commands in the tasks of the services, on whichever node they are. The copies of the database are
# the tasks of db.

# find_task SERVICE sets container to a container of the service, and host to the option --host if docker reaches it by
# ssh on another node. It takes a task that runs rather than one that is starting, and a task on this node rather than
# another.
find_task() {
  local node='' address found tasks
  host=() container=''
  mapfile -t tasks < <(tasks_of "$1")
  [ ${#tasks[@]} -gt 0 ] || fail "$1 does not run: docker service ps --no-trunc ${STACK}_$1 tells why"
  found=$(docker inspect --type task \
    --format '{{.Status.State}} {{.NodeID}} {{with .Status.ContainerStatus}}{{.ContainerID}}{{end}}' \
    "${tasks[@]}" || true)
  # Each line begins with 0 if the task runs, and then 0 if it is on this node, so that the best task comes first. A
  # task that is being prepared has no container.
  read -r _ _ node container < <(awk -v here="$this_node" \
    'NF == 3 {print ($1 != "running"), ($2 != here), $2, $3}' <<<"$found" | sort) || true
  [ -n "$container" ] || fail "$1 has not started yet: docker service ps --no-trunc ${STACK}_$1 tells why"
  if [ "$node" != "$this_node" ]; then
    # The status of a manager may have the address 0.0.0.0 (moby#35437). ManagerStatus has the real one, with a port, and
    # with brackets if it is IPv6. The template adds a colon to a worker's address, as if a port followed.
    address=$(docker node inspect --format '{{with .ManagerStatus}}{{.Addr}}{{else}}{{.Status.Addr}}:{{end}}' "$node")
    address=${address%:*}
    case $address in
      \[*) ;;
      *:*) address="[$address]" ;;
    esac
    host=(--host "ssh://${SSH_USER:+$SSH_USER@}$address")
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

# prompt SERVICE COMMAND… is in_task with the terminal, if there is one. Where there is no stack the container is
# Compose's.
prompt() {
  local compose container host=() id='' tty=()
  if [ "$is_manager" = true ]; then id=$(inspect app '{{.ID}}'); fi
  if [ -n "$id" ]; then
    find_task "$1"
  else
    read -ra compose <<<"${COMPOSE:-docker compose}"
    container=$("${compose[@]}" ps --quiet "$1")
    [ -n "$container" ] || fail "$1 runs neither in Compose nor in a stack $STACK that this engine manages:" \
      "start the site, or run this on a manager"
  fi
  if [ -t 0 ]; then tty=(--tty); fi
  shift
  docker "${host[@]}" exec --interactive "${tty[@]}" "$container" "$@"
}

# relay COMMAND… runs a command that calls the program. It begins each line of the output and of the errors with the name
# of this command, and replaces the flags of the program by the variables of make.
relay() {
  local script="/^$command: /!s/^/$command: /; s/with --id/with ID=…/"
  script+='; s/--merge/MERGE=yes/; s/--only \(visits\|submissions\)/ONLY=\1/'
  { "$@" 2>&1 >&3 | sed "$script" >&2; } 3>&1 | sed "$script"
}

# administer IMAGE SUBCOMMAND… runs a subcommand of a version of the app with an account that may change the schema and
# delete: see mysql_db/administer.
administer() {
  local container host
  find_task db
  if [ ${#host[@]} -gt 0 ]; then local -x DOCKER_HOST=${host[1]}; fi
  # The registry may have another image of this tag than this engine has. Swarm runs that of the registry.
  if [ -n "${REGISTRY:-}" ] && [[ $1 != *@* ]]; then docker pull --quiet "$1" >/dev/null || return; fi
  relay mysql_db/administer "$container" "$@"
}

# migrate IMAGE brings the schema to what a version of the app needs, and counts the submissions that are not counted
# yet. If that fails, it returns 1 and does not end the command, which can say what that means.
migrate() { (administer "$1" migrate); }

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
  mapfile -t tasks < <(tasks_of db)
  if [ ${#tasks[@]} -gt 0 ]; then
    while read -r node address; do
      known+=" $node"
      echo "$(hostname_of "$node")=${address%/*}"
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

# report_copies prints a table of the copies of the database, and fails unless they are one group and the disk of each has
# room.
report_copies() {
  local listed places
  listed=$(copies) || return
  mapfile -t places <<<"$listed"
  in_task db db-group status "${places[@]}" </dev/null
}

# soon prints for how many seconds a command waits for something that may be just about to happen: 20, or TIMEOUT if that
# is shorter.
soon() { echo $((${TIMEOUT:-20} < 20 ? TIMEOUT : 20)); }

# waits_for_primary succeeds if the copies answer, and none of them becomes the primary soon.
waits_for_primary() {
  local deadline=$((SECONDS + $(soon))) copies
  while :; do
    copies=$( (report_copies) 2>&1) || true
    grep -q '^COPY  *STATE' <<<"$copies" && ! grep -q 'online, primary' <<<"$copies" || return
    if [ "$SECONDS" -gt "$deadline" ]; then return; fi
    sleep 1
  done
}

# await_primary SECONDS waits until the group has a primary, for TIMEOUT or else for this long. A call of db-group ends
# after two minutes.
await_primary() {
  local deadline=$((SECONDS + ${TIMEOUT:-$1})) errors
  until errors=$( (in_task db db-group primary) 2>&1 >/dev/null </dev/null); do
    if [ "$SECONDS" -gt "$deadline" ]; then
      echo "$errors" >&2
      return 1
    fi
    sleep 1
  done
}

# mark_volume NODE IMAGE COMMAND runs a command of db-group on a node's volume of db: permit, permit-empty, forbid or
# discard. It is a job of Swarm, which reaches each node without ssh. If the command is interrupted, the job must not run
# later, when its node comes back.
mark_volume() {
  local job=${STACK}_db-$3 deadline=$((SECONDS + ${TIMEOUT:-300})) state
  trap 'docker service rm "$job" >/dev/null 2>&1; exit 130' INT TERM HUP
  docker service rm "$job" >/dev/null 2>&1 || true
  docker service create --detach --quiet --with-registry-auth --no-resolve-image --name "$job" --mode replicated-job \
    --constraint "node.id==$(docker node inspect --format '{{.ID}}' "$1")" --restart-condition none --no-healthcheck \
    --mount "type=volume,source=${STACK}_db_data,target=/var/lib/mysql" --entrypoint db-group "$2" "$3" >/dev/null
  until state=$(docker service ps --no-trunc --format '{{.CurrentState}} {{.Error}}' "$job" | head -n 1) &&
    [[ $state == Complete* ]]; do
    case $state in
      Failed* | Rejected*)
        timeout 30 docker service logs --raw --tail 3 "$job" >&2 || true
        docker service rm "$job" >/dev/null
        fail "db-group $3 on $1: $state"
        ;;
    esac
    if [ "$SECONDS" -gt "$deadline" ]; then
      docker service rm "$job" >/dev/null
      fail "db-group $3 on $1 did not run: $state"
    fi
    sleep 0.5
  done
  docker service rm "$job" >/dev/null
  trap - INT TERM HUP
}
