package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

const (
	// maxBody is more than any request here needs: the check takes no parameters.
	maxBody = 4 << 10
	// maxID is longer than any id of a product.
	maxID = 512

	checksPerAccount = 6 // a minute
	checksPerTenant  = 60
	readsPerAccount  = 120
	readsPerTenant   = 120
)

// Handler answers by the desk, for whoever has the token.
func Handler(desk Desk, token providers.Secret, now func() time.Time, log *slog.Logger) http.Handler {
	a := &answerer{desk: desk, now: now, log: log}
	for _, l := range []struct {
		*limiter
		most int
	}{{&a.checks, checksPerAccount}, {&a.tenants, checksPerTenant}, {&a.reads, readsPerAccount}, {&a.lists, readsPerTenant}} {
		l.limiter.most, l.per = l.most, time.Minute
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/accounts/{id}/check", a.check)
	mux.HandleFunc("GET /v1/accounts/{id}", a.account)
	mux.HandleFunc("GET /v1/tenants/{id}/findings", a.findings)
	mux.HandleFunc("/v1/accounts/{id}/check", only(http.MethodPost))
	mux.HandleFunc("/v1/accounts/{id}", only(http.MethodGet))
	mux.HandleFunc("/v1/tenants/{id}/findings", only(http.MethodGet))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no such page") })
	return authorized(token, bounded(mux))
}

func only(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", method)
		refuse(w, http.StatusMethodNotAllowed, "only "+method)
	}
}

// authorized lets nobody through without the token. Digests are compared, so that neither the time nor the length tells of it.
func authorized(token providers.Secret, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if same := subtle.ConstantTimeCompare(want[:], got[:]); same != 1 || !strings.EqualFold(scheme, "Bearer") || token.Empty() {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "the bearer token is missing or wrong")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded reads a body that is short, and takes nothing from it.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			refuse(w, http.StatusRequestEntityTooLarge, "the body is too long")
			return
		}
		next.ServeHTTP(w, r)
	})
}

type answerer struct {
	desk Desk
	now  func() time.Time
	log  *slog.Logger

	checks, tenants, reads, lists limiter
}

const tooMany = "too many requests"

func (a *answerer) check(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if ok, wait := a.checks.take(id, a.now()); !ok {
		later(w, http.StatusTooManyRequests, tooMany, wait)
		return
	}
	tenant, err := a.desk.Tenant(r.Context(), cut(id))
	if err != nil {
		a.failed(w, err)
		return
	}
	if ok, wait := a.tenants.take(tenant, a.now()); !ok {
		later(w, http.StatusTooManyRequests, tooMany, wait)
		return
	}
	got, err := a.desk.Check(r.Context(), id)
	switch {
	case err != nil:
		a.failed(w, err)
	case got.State == audit.CheckAsking:
		write(w, http.StatusAccepted, askedAnswer{AccountID: got.AccountID, ID: got.ID, State: string(got.State), At: moment(got.At)})
	case got.State == audit.CheckWaits:
		later(w, http.StatusConflict, "the day's attempts are used up", retryAfter(a.now(), got.RetryAt))
	case got.State == audit.CheckFailed:
		later(w, http.StatusServiceUnavailable, "the account could not be asked", time.Minute)
	default:
		write(w, http.StatusOK, checkOf(got))
	}
}

func (a *answerer) account(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if ok, wait := a.reads.take(id, a.now()); !ok {
		later(w, http.StatusTooManyRequests, tooMany, wait)
		return
	}
	got, err := a.desk.Account(r.Context(), cut(id))
	if err != nil {
		a.failed(w, err)
		return
	}
	write(w, http.StatusOK, accountAnswer{readingOf(got.Reading), lastOf(got.Last)})
}

func (a *answerer) findings(w http.ResponseWriter, r *http.Request) {
	tenant := r.PathValue("id")
	if ok, wait := a.lists.take(tenant, a.now()); !ok {
		later(w, http.StatusTooManyRequests, tooMany, wait)
		return
	}
	all, err := a.desk.Findings(r.Context(), cut(tenant))
	if err != nil {
		a.failed(w, err)
		return
	}
	answer := findingsAnswer{TenantID: tenant, Findings: []reading{}}
	for _, one := range all {
		answer.Findings = append(answer.Findings, readingOf(one))
	}
	write(w, http.StatusOK, answer)
}

// failed says what the product can act on. The rest is for the log: a database's errors may name hosts and users.
func (a *answerer) failed(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, audit.ErrNoAccount):
		refuse(w, http.StatusNotFound, "no such account")
	case errors.Is(err, ErrBusy):
		later(w, http.StatusTooManyRequests, tooMany, time.Second)
	default:
		a.log.Error("a request of the product is not answered", "err", err)
		later(w, http.StatusServiceUnavailable, "not available now", 5*time.Second)
	}
}

// cut makes an id that is longer than any one that nobody has.
func cut(id string) string {
	if len(id) > maxID {
		return id[:maxID]
	}
	return id
}
