package ops

import "testing"

// A swarm that does not answer is not a swarm without the site: a command that took it for one
// would drop the site's options.
func TestCommandsRefuseSwarmThatDoesNotAnswer(t *testing.T) {
	const (
		reason = "The swarm does not have a leader."
		fails  = `) echo "Error response from daemon: ` + reason + `" >&2; exit 1 ;; esac`
	)
	const secrets = `"service inspect --format {{range "*Secrets*`
	for _, test := range []struct{ name, call, site string }{
		{"the site", `"service inspect --format {{.ID}} "*`, manager},
		{"the options", `"service inspect --format {{with .Spec}}"*`, manager},
		{"the placement of cache", `*Placement*mystack_cache`, manager},
		{"the image of app", `*.Image*mystack_app`, manager},
		{"the image of db", `*.Image*mystack_db`, manager},
		{"the image of cache", `*.Image*mystack_cache`, manager},
		{"the secrets of app", secrets + "app", manager},
		{"the secrets of db", secrets + "db", manager},
		{"the options after undeploy", `"config inspect"*mystack_settings`, neverDeployed},
		{"a secret", `"secret inspect"*`, neverDeployed + noSettings},
	} {
		t.Run("deploy, "+test.name, func(t *testing.T) {
			o := newOperator(t, `case "$*" in `+test.call+fails+test.site)
			o.wantRefused(reason, "deploy")
		})
	}
	for _, command := range []string{"status", "undeploy", "swarm-init", "sql"} {
		t.Run(command, func(t *testing.T) {
			o := newOperator(t, `case "$*" in "service inspect"*`+fails+`
case "$*" in
  "info --format {{.Swarm.LocalNodeState}}") echo active ;;
  "info --format {{.Swarm.ControlAvailable}}") echo true ;;
  info*) echo "true node1" ;;
  "node ls"*) echo node1 ;;
  "node inspect"*) echo true ;; # cache lives there
`)
			o.wantRefused(reason, command)
		})
	}
}
