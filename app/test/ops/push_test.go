package ops

import (
	"slices"
	"strings"
	"testing"
)

// make push builds for both platforms if the builder can. Otherwise it says that it builds for one
// only.
func TestPushBuildsForTheBuildersPlatforms(t *testing.T) {
	const (
		engine     = `"buildx inspect") printf '%s\n' 'Name: default' 'Driver: docker' ;;`
		container  = `"buildx inspect") printf '%s\n' 'Name: b' 'Driver:  docker-container' ;;`
		containerd = `"info --format {{.DriverStatus}}") echo io.containerd.snapshotter.v1 ;;`
		none       = "--provenance=false"
		only       = "only: docker buildx create"
	)
	for _, test := range []struct {
		name, docker string
		variables    []string
		want, absent []string
	}{
		{"the engine's builder", engine, nil, []string{only, none},
			[]string{".platform", "--sbom"}},
		{"an engine with containerd", engine + containerd, nil,
			[]string{"for linux/amd64,linux/arm64", none}, []string{only, "--sbom"}},
		// A builder that is not the engine's own adds a short provenance by default.
		{"a separate builder, without attestations", container, []string{"ATTEST=no"},
			[]string{none}, []string{"--sbom", "mode=max"}},
		{"a separate builder", container, []string{"ATTEST=yes"},
			[]string{"--set *.platform=linux/amd64 --set *.platform=linux/arm64 --sbom=true " +
				"--provenance=mode=max"}, []string{only, none}},
		{"a chosen platform", engine, []string{"PLATFORMS=linux/arm64"},
			[]string{"--set *.platform=linux/arm64", "for linux/arm64"}, []string{only, "amd64"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, neverDeployed+test.docker)
			out, status := o.run("push", slices.Concat(test.variables, []string{"VERSION=1.2",
				"REGISTRY=registry.example.com/team", "REVISION=abc", "SOURCE_DATE_EPOCH=0"})...)
			all := out + o.calls()
			if status != 0 {
				t.Errorf("push = %d, want 0:\n%s", status, all)
			}
			for _, want := range append(test.want, "--set app.args.REVISION=abc",
				"--set *.labels.org.opencontainers.image.created=1970-01-01T00:00:00Z") {
				if !strings.Contains(all, want) {
					t.Errorf("push without %q:\n%s", want, all)
				}
			}
			for _, absent := range test.absent {
				if strings.Contains(all, absent) {
					t.Errorf("push with %q:\n%s", absent, all)
				}
			}
		})
	}
	pushing := []string{"push", "VERSION=1.2", "REGISTRY=registry.example.com"}
	o := newOperator(t, neverDeployed+engine)
	o.wantRefused("this builder can't attest", pushing[0], append(pushing[1:], "ATTEST=yes")...)
	o = newOperator(t, neverDeployed+`"buildx inspect") echo no plugin >&2; exit 1 ;;`)
	o.wantRefused("docker buildx does not work", pushing[0], pushing[1:]...)
}
