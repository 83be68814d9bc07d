package report

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

type jsonRun struct {
	Key        string `json:"key"`
	Status     string `json:"status"`
	StartedAt  string `json:"started_at"`
	FinishedAt string `json:"finished_at"`
	Accounts   int    `json:"accounts"`
	Verified   int    `json:"verified"`
	Renumbered int    `json:"renumbered,omitempty"`
	Faults     int    `json:"source_faults,omitempty"`
}

type jsonProvider struct {
	Provider   string                      `json:"provider"`
	Accounts   int                         `json:"accounts"`
	Verdicts   verdictObject               `json:"verdicts"`
	TwoFactor  map[providers.TwoFactor]int `json:"two_factor"`
	Held       bool                        `json:"held"`
	HoldReason string                      `json:"hold_reason"`
}

type jsonFinding struct {
	AccountID  string `json:"account_id"`
	TenantID   string `json:"tenant_id"`
	TenantName string `json:"tenant_name"`
	Provider   string `json:"provider"`
	Address    string `json:"address"`
	Verdict    string `json:"verdict"`
	TwoFactor  string `json:"two_factor"`
	Previous   string `json:"previous"`
	Since      string `json:"since"`
	Reply      string `json:"reply"`
	Rule       string `json:"rule"`
	Cause      string `json:"cause,omitempty"`
	Carried    bool   `json:"carried"`
	Notice     string `json:"notice"`

	Attested  *jsonAttested `json:"attested,omitempty"`
	ByTraffic bool          `json:"by_traffic,omitempty"`
	*jsonTold
}

// jsonTold is null where there is none: nobody notified, no reminder left.
type jsonTold struct {
	LastNotified *string `json:"last_notified_at"`
	Number       *string `json:"notice_number"`
	NextReminder *string `json:"next_reminder_at"`
}

type jsonUnknown struct {
	Provider string `json:"provider"`
	Reply    string `json:"reply"`
	Count    int    `json:"count"`
}

// jsonReversal is a refusal that an acceptance of the same secret took back.
type jsonReversal struct {
	AccountID string `json:"account_id"`
	TenantID  string `json:"tenant_id"`
	Provider  string `json:"provider"`
	Verdict   string `json:"verdict"` // as it was
	Rule      string `json:"rule"`    // that decided it
	Told      bool   `json:"told"`
	Run       string `json:"run"` // that notified the customer; "" where none did
}

func reversalOf(f audit.Finding) jsonReversal {
	r := f.Reversal
	return jsonReversal{f.AccountID, f.TenantID, f.Provider, string(r.Verdict), r.Rule, r.Told, r.Run}
}

// verdictObject writes every verdict in the order of reports, zero where there is none.
type verdictObject map[audit.Verdict]int

func (v verdictObject) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, name := range audit.Verdicts {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, "%q:%d", string(name), v[name])
	}
	return append(out, '}'), nil
}

// WriteJSON writes the JSON report, one finding a line, walking over the run's accounts once more. Times
// are RFC 3339 in UTC, and "" where there is none. Its schema is deploy/report.schema.json.
func (s *Summary) WriteJSON(ctx context.Context, w io.Writer, src Source) error {
	return s.writeJSON(ctx, w, src, false)
}

// writeJSON leaves out, where frozen, what goes on after a run has concluded: where its mails stand, and when
// customers were notified.
func (s *Summary) writeJSON(ctx context.Context, w io.Writer, src Source, frozen bool) error {
	out := jsonWriter{w: bufio.NewWriterSize(w, 1<<16)}
	out.member("{", "run", jsonRun{
		Key: s.Run.Key, Status: string(s.Run.Status), StartedAt: stamp(s.Run.StartedAt), FinishedAt: stamp(s.Run.FinishedAt),
		Accounts: s.Numbers.Accounts, Verified: s.Numbers.Verified, Renumbered: s.Numbers.Renumbered, Faults: s.Numbers.SourceFaults,
	})
	out.member(",\n ", "verdicts", verdictObject(s.Numbers.Verdicts))
	out.list("providers")
	for _, p := range s.Providers {
		out.item(jsonProvider{p.Name, p.Accounts, verdictObject(p.Verdicts), twoFactorCounts(p.TwoFactor), p.Held, p.HoldReason})
	}
	out.end()
	out.member(",\n ", "changes", s.Numbers.Changes)
	if !frozen {
		out.member(",\n ", "notices", s.noticeCounts())
	}
	out.list("findings")
	shown := *s
	if frozen {
		shown.Told = nil
	}
	err := shown.WalkFindings(ctx, src, func(f audit.Finding, told Told) error {
		finding := s.jsonFinding(f)
		if frozen {
			finding.Notice, finding.Cause = "", "" // digests of runs that were concluded before there were causes
		} else {
			finding.jsonTold = told.json()
		}
		out.item(finding)
		return out.err
	})
	if err != nil {
		return fmt.Errorf("write JSON report: %w", err)
	}
	out.end()
	out.list("unknown_replies")
	for _, u := range s.Numbers.Unknown {
		out.item(jsonUnknown{u.Provider, u.Reply, u.Count})
	}
	out.end()
	if s.Numbers.Quality != (audit.Quality{}) || !frozen { // reports of older versions have none, and their digests stand
		out.member(",\n ", "quality", s.Numbers.Quality)
		out.list("reversals")
		for _, f := range s.Reversed {
			out.item(reversalOf(f))
		}
		out.end()
	}
	if s.Numbers.Attested != nil || s.Numbers.Contradicted > 0 {
		out.member(",\n ", "attestations", s.jsonAttestations())
	}
	out.raw("}\n")
	return out.flush()
}

func (s *Summary) jsonFinding(f audit.Finding) jsonFinding {
	return jsonFinding{
		AccountID: f.AccountID, TenantID: f.TenantID, TenantName: f.TenantName,
		Provider: f.Provider, Address: s.Address(f), Verdict: string(f.Verdict), TwoFactor: string(f.TwoFactor),
		Previous: string(f.Previous), Since: stamp(f.Since), Reply: f.Reply, Rule: f.Rule, Cause: string(f.Cause()),
		Carried: f.Carried, Notice: noticeName(f.Notice), Attested: s.jsonAttested(f), ByTraffic: f.ByTraffic,
	}
}

// Address is the mailbox as this report shows it.
func (s *Summary) Address(f audit.Finding) string {
	if s.FullAddresses {
		return f.Address
	}
	return Mask(f.Address)
}

func (s *Summary) noticeCounts() map[audit.NoticeState]int {
	counts := map[audit.NoticeState]int{}
	for _, state := range audit.NoticeStates {
		counts[state] = s.Mails.States[state]
	}
	return counts
}

func twoFactorCounts(have map[providers.TwoFactor]int) map[providers.TwoFactor]int {
	counts := map[providers.TwoFactor]int{}
	for _, tf := range [...]providers.TwoFactor{
		providers.TwoFactorShown, providers.TwoFactorLikely, providers.TwoFactorUnknown, providers.TwoFactorAbsent,
	} {
		counts[tf] = have[tf]
	}
	return counts
}

func noticeName(state audit.NoticeState) string {
	if state == "" {
		return string(audit.NoticeNone)
	}
	return string(state.Shown())
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// jsonWriter writes the members of one object as they come, and keeps the first error.
type jsonWriter struct {
	w     *bufio.Writer
	items int
	err   error
}

func (j *jsonWriter) raw(text string) {
	if j.err == nil {
		_, j.err = j.w.WriteString(text)
	}
}

func (j *jsonWriter) value(v any) {
	if j.err != nil {
		return
	}
	data, err := json.Marshal(v)
	if j.err = err; err == nil {
		_, j.err = j.w.Write(data)
	}
}

func (j *jsonWriter) member(before, name string, v any) {
	j.raw(before + `"` + name + `": `)
	j.value(v)
}

func (j *jsonWriter) list(name string) {
	j.raw(",\n \"" + name + `": [`)
	j.items = 0
}

func (j *jsonWriter) item(v any) {
	if j.items++; j.items > 1 {
		j.raw(",")
	}
	j.raw("\n  ")
	j.value(v)
}

func (j *jsonWriter) end() { j.raw("]") }

func (j *jsonWriter) flush() error {
	if j.err == nil {
		j.err = j.w.Flush()
	}
	if j.err != nil {
		return fmt.Errorf("write JSON report: %w", j.err)
	}
	return nil
}
