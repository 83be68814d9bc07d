package app

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"mailaudit/audit"
)

// While a table stands, warnings stand above it and nothing less is said; afterwards the log goes on as before.
func TestWarningsStandAboveTheTable(t *testing.T) {
	var stderr bytes.Buffer
	log, at := (&Globals{LogLevel: "info", LogFormat: "text"}).logger(&stderr)
	refresh := make(chan any)
	table := newProgressTable(mpb.WithOutput(&stderr), mpb.WithManualRefresh(refresh))
	giveBack := at.lend(table.bars)
	p := &progress{by: map[string]asked{}}
	for provider, verdict := range map[string]audit.Verdict{"yahoo": audit.Compliant, "google": audit.Revoked} {
		p.observe(audit.Result{Provider: provider, Judgement: audit.Judgement{Verdict: verdict}, Try: 1})
	}
	for try, verdict := range []audit.Verdict{audit.Unverified, audit.Compliant} { // a second try takes the place of the first
		p.observe(audit.Result{Provider: "zoho", Judgement: audit.Judgement{Verdict: verdict}, Try: try + 1})
	}
	done, by := p.read()
	table.update(done, 10, by)
	log.Info("a step was done")
	log.Warn("the way out is shaky")
	refresh <- time.Now()
	table.close()
	log.Warn("between table and prompt")
	giveBack()
	log.Info("the run is sealed")

	said := stderr.String()
	last := -1
	for _, want := range []string{"shaky", "PROVIDER     VERIFIED  FAILING UNVERIFIED",
		fmt.Sprintf(tableForm, "google", "1", "1", "0"), fmt.Sprintf(tableForm, "yahoo", "1", "0", "0"),
		fmt.Sprintf(tableForm, "zoho", "1", "0", "0"), "3 of 10 accounts", "between table and prompt", "the run is sealed"} {
		at := strings.Index(said, want)
		if at <= last {
			t.Errorf("%q is not where it belongs in\n%s", want, said)
		}
		last = at
	}
	if strings.Contains(said, "a step was done") {
		t.Errorf("more than warnings is said beside the table:\n%s", said)
	}
}
