package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"mailaudit/audit"
	"mailaudit/report/notice"
)

// checkAnswer is the answer to a check that has ended.
type checkAnswer struct {
	AccountID string     `json:"account_id"`
	Verdict   string     `json:"verdict"`
	TwoFactor string     `json:"two_factor"`
	Certainty string     `json:"certainty"`
	CheckedAt *time.Time `json:"checked_at"`
	Notice    *string    `json:"notice"`
	GuideURL  string     `json:"guide_url"`
}

// askedAnswer is the answer to one that goes on.
type askedAnswer struct {
	AccountID string     `json:"account_id"`
	ID        string     `json:"id"`
	State     string     `json:"state"`
	At        *time.Time `json:"at"`
}

// reading is what account_status shows.
type reading struct {
	AccountID    string     `json:"account_id"`
	TenantID     string     `json:"tenant_id"`
	Verdict      string     `json:"verdict"`
	TwoFactor    string     `json:"two_factor"`
	Since        *time.Time `json:"since"`
	NoticeNumber *string    `json:"notice_number"`
	ToldAt       *time.Time `json:"told_at"`
	Shadow       bool       `json:"shadow,omitempty"`
}

type accountAnswer struct {
	reading
	LastCheck *lastCheck `json:"last_check"`
}

type lastCheck struct {
	ID      string     `json:"id"`
	At      *time.Time `json:"at"`
	State   string     `json:"state"`
	Verdict *string    `json:"verdict"`
	RetryAt *time.Time `json:"retry_at"`
}

type findingsAnswer struct {
	TenantID string    `json:"tenant_id"`
	Findings []reading `json:"findings"`
}

type problem struct {
	Error string `json:"error"`
}

func checkOf(c Checked) checkAnswer {
	return checkAnswer{
		AccountID: c.AccountID, Verdict: string(c.Verdict), TwoFactor: string(c.TwoFactor), Certainty: string(c.Certainty),
		CheckedAt: moment(c.At), Notice: number(c.Notice), GuideURL: c.GuideURL,
	}
}

func readingOf(r audit.Reading) reading {
	return reading{
		AccountID: r.AccountID, TenantID: r.TenantID, Verdict: string(r.Verdict), TwoFactor: string(r.TwoFactor),
		Since: moment(r.Since), NoticeNumber: number(r.Notice), ToldAt: moment(r.ToldAt), Shadow: r.Shadow,
	}
}

func lastOf(c audit.ProductCheck) *lastCheck {
	if c.ID == "" {
		return nil
	}
	l := &lastCheck{ID: c.ID, At: moment(c.At), State: string(c.State), RetryAt: moment(c.RetryAt)}
	if c.Verdict != "" {
		v := string(c.Verdict)
		l.Verdict = &v
	}
	return l
}

// moment is null where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func number(n int64) *string {
	if n == 0 {
		return nil
	}
	text := notice.Reference(n)
	return &text
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // whoever asked is gone
}

func refuse(w http.ResponseWriter, status int, what string) { write(w, status, problem{what}) }

// later refuses for now.
func later(w http.ResponseWriter, status int, what string, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	refuse(w, status, what)
}
