package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/app"
)

func TestDurationsAreReadableInTheLog(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		(&app.Globals{LogLevel: "info", LogFormat: format}).Logger(&out).Info("the opener is down", "in", 1600*time.Millisecond)
		if !strings.Contains(out.String(), "1.6s") {
			t.Errorf("%s: %s", format, out.String())
		}
	}
}
