package slack

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"

	"github.com/slack-go/slack"

	"mailaudit/audit"
	"mailaudit/report"
)

// Cut reports whether the message leaves findings out, so that the full list is worth a file.
func Cut(s *report.Summary) bool {
	named := 0
	for i, g := range groupFindings(s.New) {
		if i < groupsMax {
			named += min(len(g.accounts), idsMax)
		}
	}
	return s.Numbers.Changes.NewlyFailing > named
}

// Details puts the full list of the run's findings into the message's thread, as a file. It names accounts and
// tenants as the message does, and never a mailbox, a host or a provider's words. With a webhook, which has no
// threads, it does nothing. Errors are *[Error]; the scope files:write may be missing.
func (p *Poster) Details(ctx context.Context, s *report.Summary, src report.Source, at Posted) error {
	if p.api == nil || at.TS == "" {
		return nil
	}
	content, n, err := p.list(ctx, s, src)
	if err != nil || n == 0 {
		return err
	}
	comment := report.Number(n, "finding", "findings") + " of this run"
	if n > listed {
		comment += ", the first " + report.Count(listed) + " of them here"
	}
	name := "mailaudit-" + s.Run.Key + "-findings.csv"
	_, err = p.api.UploadFileContext(ctx, slack.UploadFileParameters{
		Reader: bytes.NewReader(content), FileSize: len(content), Filename: name, Title: name,
		InitialComment: comment,
		Channel:        at.Channel, ThreadTimestamp: at.TS,
	})
	if err == nil {
		return nil
	}
	e := understand(err)
	if e.Code == "missing_scope" {
		e.Fix = "give the Slack app the scope files:write and install it again"
	}
	return e
}

// listed bounds the file: about 1 MB.
const listed = 20_000

func (p *Poster) list(ctx context.Context, s *report.Summary, src report.Source) ([]byte, int, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	head := []string{"account_id", "tenant_id", "provider", "verdict", "previous", "since", "rule", "notice"}
	if p.Names {
		head = append(head, "tenant_name")
	}
	w.Write(head) // into memory; csv keeps errors for w.Error
	n := 0
	err := src.Findings(ctx, s.Run, func(f audit.Finding) error {
		if !f.Verdict.Failing() {
			return nil
		}
		if n++; n > listed {
			return nil
		}
		row := []string{f.AccountID, f.TenantID, f.Provider, string(f.Verdict), string(f.Previous), f.Since.In(s.Zone).Format("2006-01-02"), f.Rule, string(f.Notice.Shown())}
		if p.Names {
			row = append(row, f.TenantName)
		}
		for i := range row {
			row[i] = report.Cell(row[i])
		}
		return w.Write(row)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the findings for Slack: %w", err)
	}
	w.Flush()
	return out.Bytes(), n, w.Error()
}
