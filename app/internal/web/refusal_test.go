package web

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusalLogWarnsOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		refused := refusalLog{log: slog.New(slog.NewTextHandler(&out, nil))}
		r := httptest.NewRequest(http.MethodPost, "http://app:8080/simpleform", nil)
		r.Header.Set("Origin", "http://site.example")
		for _, step := range []struct {
			name  string
			pause time.Duration
			want  int // warnings so far
		}{
			{"the first one", 0, 1},
			{"another one at once", 0, 1},
			{"after 59 s", 59 * time.Second, 1},
			{"after a minute", time.Second, 2},
			{"another one then", 0, 2},
		} {
			time.Sleep(step.pause)
			refused.report(r, errors.New("cross-origin"))
			if got := strings.Count(out.String(), "level=WARN"); got != step.want {
				t.Errorf("%s: %d warnings, want %d:\n%s", step.name, got, step.want, &out)
			}
		}
		for _, want := range []string{"origin=http://site.example", "host=app:8080", "hint="} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the log has no %q:\n%s", want, &out)
			}
		}
	})
}
