package deploy

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"simpleapp/test/engine"
)

// newRegistry starts a registry and returns the prefix of its images' names. The end of the test
// removes the images that were pulled from it.
func newRegistry(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithBlobHandler(registry.NewDiskBlobHandler(t.TempDir()))))
	name := server.Listener.Addr().String() + "/team/"
	t.Cleanup(func() {
		server.Close()
		// Images are removed by name, because one id may have other names, too.
		remove := `list() {
				docker image ls --digests --filter "reference=$0*" \
					--format '{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}'
			}
			for image in $(list); do
				case $image in *"<none>") ;; *) docker image rm "$image" ;; esac
			done
			[ -z "$(list)" ]`
		engine.Clean(t, "bash", "-c", remove, name)
	})
	return name
}

// variant builds a version of the app's image with more instructions, pushes it to a registry and
// returns the version.
func variant(t testing.TB, registry, version, instructions string) string {
	t.Helper()
	version = engine.Version + "-" + version
	file := filepath.Join(t.TempDir(), "Dockerfile")
	content := "FROM " + engine.Image("app") + "\n" + instructions + "\n"
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	name := registry + "mysimpleapp_app:" + version
	docker(t, "build", "--quiet", "--tag", name, filepath.Dir(file))
	docker(t, "push", "--quiet", name)
	docker(t, "image", "rm", name)
	return version
}
