package report_test

import (
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/report"
)

func TestEveryVerdictIsExplained(t *testing.T) {
	for _, v := range audit.Verdicts {
		if text := report.Meaning(v); !strings.HasSuffix(text, ".") {
			t.Errorf("%s is explained by %q", v, text)
		}
	}
}
