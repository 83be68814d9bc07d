package report_test

import (
	"os"
	"strings"
	"testing"

	"mailaudit/report"
)

// Each number has one definition, wherever it is read.
func TestDefinitionsStandInArchitecture(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Definitions {
		if row := "| " + d.Name + " | " + d.Meaning + " |\n"; !strings.Contains(string(text), row) {
			t.Errorf("ARCHITECTURE.md lacks the row %q", row)
		}
	}
}
