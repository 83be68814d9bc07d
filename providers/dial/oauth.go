package dial

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"mailaudit/providers"
	"mailaudit/providers/protocol"
	"mailaudit/providers/web"
)

const (
	// refreshWithin bounds one exchange with a token endpoint. It is waited for even after the caller has
	// given up: the answer may hold the one refresh token that is alive from now on.
	refreshWithin = 20 * time.Second
	// maxTokenBody is what a token endpoint may say. The longest honest answers, with id tokens, are some
	// kilobytes.
	maxTokenBody = 64 << 10
	// longestStay bounds a Retry-After, so that a wrong one costs no night.
	longestStay = time.Hour
)

var (
	errNotLoopback = errors.New("the token endpoint is plain http and not on loopback, or network.allow_private is off")
	// errNotUnderstood is our own fault and nothing that passes: the endpoint has taken the grant, and to redeem it
	// once more could end it for good.
	errNotUnderstood = errors.New("the token endpoint reported success, but its answer holds no access token that we can read; the refresh token may be spent and is not redeemed again in this run")
)

// redeemed gives the refresh token to the token endpoint, has a new one stored, and puts
// the access token in the secret's place. It returns false where that ends the conversation.
func (t *talk) redeemed() bool {
	t.result.Stage = providers.StageOAuthToken
	if why := unsayable(t.a); why != "" {
		t.fault(providers.FaultOurs, why)
		return false
	}
	grant := t.a.Grant
	endpoint, err := t.dialer.tokenEndpoint(grant.Client)
	if err != nil {
		t.fault(providers.FaultOurs, err.Error())
		return false
	}
	refreshToken := t.a.Secret.Reveal()
	t.scrub.Add(grant.Client.Secret.Reveal())

	ctx, cancel, sent := t.onceSent()
	defer cancel()
	wire := &exchange{through: t.dialer.transport()}
	defer wire.through.CloseIdleConnections()
	t.say("POST " + endpoint.Scheme + "://" + endpoint.Host + endpoint.Path + " grant_type=refresh_token, refresh_token=" + protocol.Redacted)
	err = redeem(context.WithValue(ctx, oauth2.HTTPClient, wire.client()), grant, endpoint.String(), refreshToken)
	t.result.CredentialSent = sent.Load() == exchangeSent
	token := wire.issued()
	t.scrub.Add(token.access)
	t.scrub.Add(token.refresh)
	if token.refresh != "" && token.refresh != refreshToken {
		if err := grant.Keep(context.WithoutCancel(t.ctx), providers.NewSecret(token.refresh)); err != nil {
			t.fault(providers.FaultOurs, "the new refresh token could not be stored: "+err.Error())
			return false
		}
	}
	if token.access == "" {
		t.notIssued(wire, err)
		return false
	}
	t.hear(strconv.Itoa(wire.status) + " access token issued")
	if t.ctx.Err() != nil {
		t.failed(t.ctx.Err())
		return false
	}
	t.a.Secret = providers.NewSecret(token.access)
	return true
}

// redeem asks for an access token by x/oauth2. Of its flows that of client credentials alone can ask for scopes
// at a refresh and lets its grant type be replaced. The client's credentials go into the body, as all of Google,
// Microsoft and Yahoo take them: to try both ways, as x/oauth2 does by default, would redeem a grant twice. What the
// library makes of a success is not used: it drops the new refresh token with an answer that any other field, or the
// content type, spoils. The exchange reads it, see [exchange.issued].
func redeem(ctx context.Context, grant *providers.Grant, tokenURL, refreshToken string) error {
	config := clientcredentials.Config{
		ClientID: grant.Client.ID, ClientSecret: grant.Client.Secret.Reveal(),
		TokenURL: tokenURL, Scopes: grant.Scopes, AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}},
	}
	_, err := config.Token(ctx)
	return err
}

// notIssued tells what came in place of a token. x/oauth2's own error holds the answer's body, and net/http's the
// endpoint's URL: neither is handed on.
func (t *talk) notIssued(wire *exchange, err error) {
	var broken *url.Error
	if errors.As(err, &broken) {
		err = broken.Err
	}
	if wire.status == 0 {
		switch f := handshakeFault(err, t.dialer.cfg.RootCAs); {
		case f != providers.FaultNone:
			t.fault(f, "the token endpoint: "+handshakeDetail(f, err))
		case errors.Is(err, context.DeadlineExceeded):
			t.fault(providers.FaultTimeout, "the token endpoint gave no answer in time")
		default:
			t.failed(err)
		}
		return
	}
	t.result.RetryAfter = wire.retryAfter
	reply := providers.ParseReply(providers.StageOAuthToken, strconv.Itoa(wire.status)+"\n"+string(wire.body))
	reply = t.scrub.Reply(reply)
	if wire.status/100 == 2 && reply.OAuthError == "" {
		t.hear(strconv.Itoa(wire.status))
		t.fault(providers.FaultOurs, errNotUnderstood.Error())
		return
	}
	t.result.Reply = reply
	t.hear(strings.TrimSpace(fmt.Sprintf("%d %s %s", wire.status, reply.OAuthError, reply.Text)))
}

// tokenEndpoint checks where the grant would go. Clear HTTP is for loopback, where the operator allows it.
func (d *Dialer) tokenEndpoint(c providers.Client) (*url.URL, error) {
	u, err := url.Parse(c.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the token endpoint's URL is not understood") // it may hold a secret
	}
	if u.Scheme == "http" {
		addr, err := netip.ParseAddr(u.Hostname())
		if local := u.Hostname() == "localhost" || err == nil && addr.IsLoopback(); !local || !d.cfg.AllowPrivate {
			return nil, errNotLoopback
		}
	}
	return u, nil
}

// The states of an exchange: whoever comes first, the connection or the caller's giving up, decides.
const (
	exchangeWaits int32 = iota
	exchangeSent
	exchangeGivenUp
)

// onceSent gives a context for one exchange. It ends with the conversation's only as long as nothing was sent.
func (t *talk) onceSent() (context.Context, context.CancelFunc, *atomic.Int32) {
	state := new(atomic.Int32)
	within := refreshWithin
	if end, ok := t.ctx.Deadline(); ok {
		within = min(within, time.Until(end))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), within)
	stop := context.AfterFunc(t.ctx, func() {
		if state.CompareAndSwap(exchangeWaits, exchangeGivenUp) {
			cancel()
		}
	})
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		state.CompareAndSwap(exchangeWaits, exchangeSent)
	}})
	return ctx, func() { stop(); cancel() }, state
}

// transport reaches token endpoints as mail servers are reached: by the same policy of addresses, the same proxy
// and the same roots, and by no proxy of the environment's. A connection serves one exchange.
func (d *Dialer) transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, port, err := splitHostPort(address)
			if err != nil {
				return nil, err
			}
			conn, _, err := d.connect(ctx, host, port, nil)
			if err != nil {
				return nil, err
			}
			return protocol.Metered(conn), nil
		},
		TLSClientConfig:        &tls.Config{RootCAs: d.cfg.RootCAs, MinVersion: tls.VersionTLS12, ClientSessionCache: d.sessions},
		DisableKeepAlives:      true,
		DisableCompression:     true, // a body is as long as it looks
		MaxResponseHeaderBytes: maxTokenBody,
	}
}

// exchange is one request and what came back.
type exchange struct {
	through    *http.Transport
	status     int // 0 until an answer has come that is whole, or a success
	body       []byte
	retryAfter time.Duration
}

// issued reads a success. Nothing else hands out tokens.
func (e *exchange) issued() issued {
	if e.status/100 != 2 {
		return issued{}
	}
	return readIssued(e.body)
}

// client never follows a redirect: it would carry the grant to another host.
func (e *exchange) client() *http.Client {
	return &http.Client{Transport: e, CheckRedirect: web.Stay}
}

func (e *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "mailaudit")
	r.Header.Set("Accept", "application/json")
	answer, err := e.through.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxTokenBody+1))
	if err == nil && len(body) > maxTokenBody {
		err = protocol.ErrBudget
	}
	if err == nil || answer.StatusCode/100 == 2 { // as much of a success as came may hold the new refresh token
		e.status, e.body = answer.StatusCode, body
	}
	if err != nil {
		return nil, err
	}
	e.retryAfter = retryAfter(answer.Header.Get("Retry-After"), time.Now())
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// retryAfter reads the header in both of its forms, RFC 9110 section 10.2.3.
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longestStay)
}
