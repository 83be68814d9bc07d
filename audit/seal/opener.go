package seal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"mailaudit/providers"
)

var (
	// ErrOpener tells that a secret which the product sealed in its own way was not opened. It is always our
	// own side's fault and says nothing about the account.
	ErrOpener = errors.New("the opener did not open it")
	// ErrRefused tells, beside ErrOpener, that the opener is at work and answered that it cannot open this one.
	ErrRefused = errors.New("the opener refused")

	errClosed = errors.New("the opener is closed")
)

// OpenerOptions set an [Opener] up.
type OpenerOptions struct {
	// Timeout is for one secret, with a restart of the opener in it. Default 10 s. While the opener is down,
	// further secrets wait a tenth of it.
	Timeout time.Duration
	// Env is the environment of an exec: program, as os.Environ gives it; nil is none.
	Env []string
	// Log is told when the opener ends and how often it wrote to standard error, never what: that may be a
	// secret or a key. Default: nothing is logged.
	Log *slog.Logger
}

// Opener opens secrets that the product sealed in its own way, by asking a program or sidecar of the
// operator's. Each question and each answer is one line of JSON:
//
//	{"account_id": "4711", "secret": "c2VhbGVk"}     what is stored, in base64
//	{"account_id": "4711", "secret": "b3BlbmVk"}     the opened secret, in base64
//	{"account_id": "4711", "error": "no such key"}   or why it cannot be opened
//
// Many questions may be under way; answers come in any order. At the end of its input the program ends. An
// opener that dies, falls silent or writes anything else is ended and started again, and what it owed is
// asked once more. An Opener is safe for use by several goroutines.
type Opener struct {
	connect func(context.Context) (*link, error) // nil: stored secrets are open
	timeout time.Duration
	log     *slog.Logger

	base  context.Context // ends with Close
	close context.CancelFunc

	starting chan struct{} // holds one token; whoever has it may start a session
	mu       sync.Mutex
	session  *session // nil before the first secret
	down     bool     // nothing has been answered since the last session was lost
	pause    time.Duration
	resumeAt time.Time
	lost     error // why the last session ended
}

const (
	defaultTimeout = 10 * time.Second
	firstPause     = 100 * time.Millisecond
	longestPause   = 5 * time.Second
	// maxSealed bounds a stored secret. Sealed credentials take a few hundred bytes.
	maxSealed = 256 << 10
)

// NewOpener makes the opener that source names: "exec:COMMAND ARG...", split by [Words] and run without a
// shell; "unix:SOCKET"; or "none" where the stored secrets are open. Nothing is started before the first
// secret. Warnings are for the log.
func NewOpener(source string, opts OpenerOptions) (o *Opener, warnings []string, err error) {
	o = &Opener{timeout: opts.Timeout, log: opts.Log, starting: make(chan struct{}, 1), pause: firstPause}
	if o.timeout <= 0 {
		o.timeout = defaultTimeout
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	kind, value, _ := strings.Cut(source, ":")
	switch kind {
	case "exec":
		o.connect, err = program(value, opts.Env, o.log)
	case "unix":
		o.connect, err = sidecar(value)
	case "none":
		warnings = append(warnings, "keyset is none: stored secrets are taken as they are, so whoever can read the accounts "+
			"can read every customer's password")
	default:
		err = errors.New("its source is neither exec:COMMAND, unix:SOCKET nor none")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the opener: %w", err)
	}
	o.base, o.close = context.WithCancel(context.Background())
	return o, warnings, nil
}

// Open gives the secret of an account. Where nothing is stored it is empty. Errors are ErrOpener, and
// ErrRefused too where the opener said no.
func (o *Opener) Open(accountID string, sealed []byte) (providers.Secret, error) {
	if len(sealed) == 0 {
		return providers.Secret{}, nil
	}
	if o.connect == nil {
		return providers.NewSecret(string(sealed)), nil
	}
	secret, err := o.open(accountID, sealed)
	if err != nil {
		return providers.Secret{}, fmt.Errorf("open the secret of account %s: %w: %w", accountID, ErrOpener, err)
	}
	return secret, nil
}

func (o *Opener) open(accountID string, sealed []byte) (providers.Secret, error) {
	if !utf8.ValidString(accountID) {
		return providers.Secret{}, errors.New("the account's id is not UTF-8 text")
	}
	if len(sealed) > maxSealed {
		return providers.Secret{}, fmt.Errorf("what is stored is longer than %d bytes", maxSealed)
	}
	ctx, cancel := context.WithTimeout(o.base, o.patience())
	defer cancel()
	for try := 1; ; try++ {
		s, err := o.started(ctx)
		if err != nil {
			return providers.Secret{}, err
		}
		reply, err := s.ask(ctx, accountID, sealed)
		switch {
		case err == nil:
			return opened(reply)
		case o.base.Err() != nil:
			return providers.Secret{}, errClosed
		case s.over() && try == 1 && ctx.Err() == nil: // it died under the question; opening does no harm twice
		default:
			return providers.Secret{}, err
		}
	}
}

// opened reads an answer.
func opened(reply answer) (providers.Secret, error) {
	switch {
	case reply.Error != nil && reply.Secret != nil:
		return providers.Secret{}, errors.New("its answer has both a secret and an error")
	case reply.Error != nil:
		return providers.Secret{}, fmt.Errorf("%w (code %s; run it by hand for its own words)", ErrRefused, refusalCode(*reply.Error))
	case reply.Secret == nil:
		return providers.Secret{}, errors.New("its answer has neither a secret nor an error")
	}
	secret, err := base64.StdEncoding.DecodeString(*reply.Secret)
	if err != nil { // the decoder's own text is about the secret
		return providers.Secret{}, errors.New("the secret in its answer is not base64")
	}
	return providers.NewSecret(string(secret)), nil
}

// Close ends the opener and waits for it. Secrets that are still asked for fail.
func (o *Opener) Close() error {
	o.close()
	o.starting <- struct{}{} // nobody starts another
	o.mu.Lock()
	s := o.session
	o.mu.Unlock()
	if s != nil {
		s.stop()
	}
	<-o.starting
	return nil
}

// patience keeps a night from standing still for each account in turn while the opener is down.
func (o *Opener) patience() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return o.timeout / 10
	}
	return o.timeout
}

// started gives the running session, or starts one as soon as its time has come.
func (o *Opener) started(ctx context.Context) (*session, error) {
	if s := o.running(); s != nil {
		return s, nil
	}
	select {
	case o.starting <- struct{}{}:
		defer func() { <-o.starting }()
	case <-ctx.Done():
		return nil, o.notReady()
	}
	for {
		if s := o.running(); s != nil {
			return s, nil
		}
		o.mu.Lock()
		wait := time.Until(o.resumeAt)
		o.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return nil, o.notReady()
		}
		l, err := o.connect(o.base) // at once or not at all; a deadline's own error would tell nothing
		if err != nil {
			o.ended(err)
			continue
		}
		o.mu.Lock()
		o.session = newSession(l, o.timeout, o.answered, o.ended)
		o.mu.Unlock()
	}
}

// running gives the session, nil if there is none that can be asked.
func (o *Opener) running() *session {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.session == nil || o.session.over() {
		return nil
	}
	return o.session
}

func (o *Opener) notReady() error {
	if o.base.Err() != nil {
		return errClosed
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost != nil {
		return fmt.Errorf("it is not up again: %w", o.lost)
	}
	return errors.New("it did not start in time")
}

// answered notes that the opener is at work.
func (o *Opener) answered() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down, o.pause = false, firstPause
}

// ended notes why a session is over, and when the next may begin.
func (o *Opener) ended(why error) {
	if o.base.Err() != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost, o.down = why, true
	o.resumeAt = time.Now().Add(o.pause)
	o.log.Warn("the opener of secrets is down, it is started again", "err", why, "in", o.pause)
	o.pause = min(2*o.pause, longestPause)
}
