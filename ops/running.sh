# shellcheck shell=bash
# These functions tell whether the services run as they are defined, wait until they do, and show why one does not.
. ops/tasks.sh

# The tasks that existed before this command. Failures of later tasks are due to this command.
earlier=$(docker stack ps --quiet --no-trunc "$STACK" 2>/dev/null || true)

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
  docker inspect --type task \
    --format '  task {{.ID}}: {{.Status.State}}: {{or .Status.Err "stopped as unhealthy"}}' "$1"
  timeout 30 docker service logs --raw --tail 10 "$1" 2>&1 | sed 's/^/    /'
} >&2

# missing_of SERVICE says what is missing until the service runs as it is defined, such as "2 of 3 run as wanted", and
# the state of an update that did not complete. It prints nothing if the service runs as it is defined, and its last
# update was completed. After a rollback it prints rollback_completed, although the service runs. A command that updates
# no service, such as swarm-init, sets no_update, because that state is then of an earlier command.
missing_of() {
  local found wanted update present tasks running=0 missing=''
  # These parts of a task are compared with those of its service.
  local definition='{{.ForceUpdate}} {{json .Resources}} {{with .ContainerSpec}}{{.Image}} {{json .Env}}'
  definition+=' {{json .Secrets}} {{json .Mounts}} {{json .Healthcheck}}{{end}}'
  found=$(inspect "$1" "{{with .Spec.Mode.Replicated}}{{.Replicas}}{{else}}all{{end}} \
{{with .UpdateStatus}}{{.State}}{{else}}none{{end}} {{with .Spec.TaskTemplate}}$definition{{end}}") || return
  read -r wanted update present <<<"$found"
  mapfile -t tasks < <(tasks_of "$1")
  if [ ${#tasks[@]} -gt 0 ]; then
    running=$(docker inspect --type task --format "{{.Status.State}} {{with .Spec}}$definition{{end}}" \
      "${tasks[@]}" 2>/dev/null | grep -cxF "running $present" || true)
  fi
  if [ "$wanted" = all ]; then wanted=${#tasks[@]}; fi # one on each node of the service
  if [ "$running" != "$wanted" ] || [ "${#tasks[@]}" != "$wanted" ] || [ "$wanted" = 0 ]; then
    missing="$running of $wanted run as wanted"
  fi
  if [ -n "${no_update:-}" ]; then update=none; fi
  case $update in
    none | completed) echo "$missing" ;;
    *) echo "$update${missing:+, $missing}" ;;
  esac
}

# tasks_and_errors SERVICE prints the state of each task that should run, and its error.
tasks_and_errors() {
  docker service ps --no-trunc --filter desired-state=running --format '{{.CurrentState}}|{{.Error}}' "${STACK}_$1"
}
# no_room SERVICE prints Swarm's reason if it finds no node for a task of the service.
no_room() {
  tasks_and_errors "$1" |
    sed -n 's/^Pending .*|"*\(no suitable node[^"]*\)"*$/\1/p' | head -n 1
}

# update_waits SERVICE succeeds if the update of app or db waits for a machine that is down. If a machine dies before a
# new task runs there, the update waits for that task until the machine is back (updateTask in swarmkit's updater.go). If
# the same deployment is repeated, the update waits on, and has no state. If a task ends on a machine that is up, the
# update does not wait for it.
update_waits() {
  local tasks state desired node lost=''
  [[ $(missing_of "$1") =~ ^(updating, )?[0-9]+\ of\  ]] || return
  mapfile -t tasks < <(docker service ps --quiet --no-trunc "${STACK}_$1")
  [ ${#tasks[@]} -gt 0 ] || return
  while read -r state desired node; do
    case $state in
      new | pending | assigned | accepted | preparing | ready | starting)
        if [ -n "$node" ] && [ "$(docker node inspect --format '{{.Status.State}}' "$node")" = down ]; then
          lost=yes
        elif [[ $desired =~ ^(ready|running)$ ]]; then
          return 1 # it may be about to run
        fi
        ;;
    esac
  done < <(docker inspect --type task --format '{{.Status.State}} {{.DesiredState}} {{.NodeID}}' "${tasks[@]}")
  [ -n "$lost" ] || return
  # The update stops the copies of the database one by one: one of them has to stay.
  [ "$1" != db ] || [ "$( (report_copies) 2>/dev/null | grep -c ' online')" -ge 2 ]
}

# after_failure SERVICE pause|rollback sets what Swarm does if an update of the service fails. While an update is under
# way, a change of this setting makes Swarm begin the rest of it anew.
after_failure() {
  docker service update --detach --with-registry-auth --no-resolve-image --update-failure-action "$2" "${STACK}_$1" \
    >/dev/null
}

task_template() { inspect "$1" '{{json .Spec.TaskTemplate}}'; }

# wait_until_running SERVICE… waits until each service runs as it is defined now. If an update of app or db waits for a
# machine that died, it makes Swarm begin the rest anew. It prints each failure of a task once. If no node has room, it
# prints Swarm's reason and returns 1. If an update fails or the time is over, it prints the log of the failed task and
# returns 1.
wait_until_running() {
  local deadline=$((SECONDS + ${TIMEOUT:-900})) service missing state printed_state='' reason='' pick=tail changed room
  local task description failure printed_failures=$earlier anew='' definition definition_now
  local rolled_back='was rolled back: the version before goes on running'
  while :; do
    state=''
    for service in "$@"; do
      missing=$(missing_of "$service") || missing="its state is not known"
      state+=${missing:+"$service: $missing; "}
      case $missing in
        rollback_completed) reason="$service $rolled_back" ;;
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
    if [ -z "$state" ]; then
      for service in $anew; do after_failure "$service" rollback; done
      return 0
    fi
    if [ "$state" != "$printed_state" ]; then say "${state%; }"; printed_state=$state changed=$SECONDS; fi
    for service in app db; do
      if [[ -n $reason || " $anew " == *" $service "* || $state != *"$service: "* ]]; then continue; fi
      if [ $((SECONDS - changed)) -ge 10 ] && definition=$(task_template "$service") && update_waits "$service"; then
        say "$service: the update waits for a machine that died, so Swarm begins the rest of it anew"
        # After this change a rollback would lead to the new version, and not to the one before. So Swarm pauses instead
        # if the update fails now. The end of the update, or else the next make deploy, sets rollback again.
        if after_failure "$service" pause; then anew+=" $service"; fi
        # If Swarm has just rolled the update back, it forgets that at this change.
        definition_now=$(task_template "$service") || definition_now=$definition
        if [ "$definition_now" != "$definition" ]; then reason="$service $rolled_back"; fi
      fi
    done
    # A node that has just come back may need some seconds until it has room.
    if [ -z "$reason" ] && { [ $((SECONDS - changed)) -ge 30 ] || [ "$SECONDS" -gt "$deadline" ]; }; then
      for service in "$@"; do
        room=$(no_room "$service")
        if [ -n "$room" ]; then
          echo "$command: $service: $room" >&2 # its task has no node, and so no log
          return 1
        fi
      done
    fi
    if [ -z "$reason" ] && [ "$SECONDS" -gt "$deadline" ]; then reason="not ready after ${TIMEOUT:-900} s" pick=head; fi
    if [ -n "$reason" ]; then break; fi
    sleep 1
  done
  # Docker lists the newest task first. If Swarm has given up, the first task that failed since this command began
  # (tail) shows the cause. If Swarm still tries, the last one (head) does.
  for service in "$@"; do
    task=$(failed_tasks "$service" | cut -d'|' -f1 | grep -vxF "$earlier" | $pick -n 1) || true
    if [ -n "$task" ]; then show_failure "$task" || true; fi
  done
  echo "$command: $reason" >&2
  return 1
}

# await_update waits until an update of app that is under way has ended, and fails if it stopped half-way. A change of
# app during its update would let Swarm forget the version that it would roll back to, and end old replicas before new
# ones are healthy (useExistingTask in swarmkit's updater.go).
await_update() {
  case $(missing_of app) in
    updating* | rollback_started*)
      say "app is being updated: this first waits until that has ended"
      wait_until_running app || true
      ;;
  esac
  [[ ! $(missing_of app) =~ ^(rollback_)?paused ]]
}
# shellcheck disable=SC2034 # scale and rotate-secret use it
half_way="an update of app stopped half-way, so its replicas differ: make deploy first, then repeat this"

# scale_back BEFORE WANTED ends a command that wanted so many replicas of app and did not get them. If the nodes have no
# room for them, app goes back to the number BEFORE, unless that was as large. If BEFORE is empty, the site is new, and
# app gets one replica fewer than fit, so that an update has room.
scale_back() {
  local fitting most=$1
  if [ "$2" -gt "${1:-1}" ] && [ -n "$(no_room app)" ]; then
    fitting=$(tasks_and_errors app | grep -c '^Running') || true
    if [ -z "$most" ]; then most=$((fitting > 2 ? fitting - 1 : 1)); fi
    docker service scale --detach "${STACK}_app=$most" >/dev/null
    fail "the nodes have room for $fitting replicas, and an update needs room for one more: ${STACK}_app gets" \
      "$most, and the other changes go on: make status tells when it is done"
  fi
  exit 1
}
