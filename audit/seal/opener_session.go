package seal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// link is one life of an opener: its answers, its questions, and its end.
type link struct {
	answers   io.Reader
	questions io.WriteCloser // closed, it tells the opener that nothing more will come
	kill      func()         // ends it at once and unblocks both; may be called again
	wait      func() error   // returns when it is gone, and how it ended
}

// question and answer are the lines.
type question struct {
	AccountID string `json:"account_id"`
	Secret    []byte `json:"secret"`
}

type answer struct {
	AccountID *string `json:"account_id"`
	Secret    *string `json:"secret"`
	Error     *string `json:"error"`
}

const (
	// maxAnswer bounds a line that is read.
	maxAnswer = 1 << 20
	// maxStray bounds the answers of a session to what nobody asked.
	maxStray = 100
	// farewell is how long an opener may take to end by itself.
	farewell = 2 * time.Second
)

var (
	errLongLine = fmt.Errorf("it wrote a line longer than %d bytes", maxAnswer)
	errGarbage  = errors.New(`it wrote a line that is no answer ({"account_id": ..., "secret": ...}); standard output must ` +
		"have nothing else on it")
	errStray  = errors.New("it answers what was not asked")
	errSilent = errors.New("it did not answer in time")
	errEnded  = errors.New("it ended")
)

// session is one life of the opener with the questions that are under way in it.
type session struct {
	link     *link
	timeout  time.Duration
	answered func()
	ended    func(error)
	out      chan []byte
	done     chan struct{} // closed when it is over
	why      error         // set before done is closed

	mu      sync.Mutex
	pending map[string]*pending // by account id, also those that nobody waits for any more
	silent  time.Time           // since when an answer has been owed and none came; zero: nothing is owed
	stray   int
	fault   error // why it is being ended
}

type pending struct {
	reply answer
	over  chan struct{} // closed with the reply, or when the question was not sent
}

func newSession(l *link, timeout time.Duration, answered func(), ended func(error)) *session {
	s := &session{
		link: l, timeout: timeout, answered: answered, ended: ended,
		out: make(chan []byte), done: make(chan struct{}), pending: map[string]*pending{},
	}
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		s.write()
	}()
	go func() {
		why := s.read()
		s.ended(why)
		s.why = why
		close(s.done)
		<-writing
	}()
	return s
}

func (s *session) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// stop lets the opener end by itself for a while and returns when it is gone.
func (s *session) stop() {
	s.link.questions.Close()
	last := time.AfterFunc(farewell, s.link.kill)
	defer last.Stop()
	<-s.done
}

// ask puts one question and waits for its answer.
func (s *session) ask(ctx context.Context, id string, sealed []byte) (answer, error) {
	line, err := json.Marshal(question{AccountID: id, Secret: sealed})
	if err != nil {
		return answer{}, errors.New("the question could not be written") // json's text may hold the value
	}
	p := &pending{over: make(chan struct{})}
	if err := s.enter(ctx, id, p); err != nil {
		return answer{}, err
	}
	select {
	case s.out <- append(line, '\n'):
	case <-ctx.Done():
		s.leave(id, p)
		s.endIfSilent()
		return answer{}, errSilent
	case <-s.done:
		return answer{}, s.why
	}
	select {
	case <-p.over:
		return p.reply, nil
	case <-ctx.Done():
		s.endIfSilent()
		return answer{}, errSilent
	case <-s.done:
		select {
		case <-p.over: // its last words
			return p.reply, nil
		default:
			return answer{}, s.why
		}
	}
}

// enter waits until no other question about the account is under way: answers name nothing but the account,
// so the late answer to an earlier question must not be taken for this one's.
func (s *session) enter(ctx context.Context, id string, p *pending) error {
	for {
		s.mu.Lock()
		other := s.pending[id]
		if other == nil {
			s.pending[id] = p
			if s.silent.IsZero() {
				s.silent = time.Now()
			}
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-other.over:
		case <-ctx.Done():
			s.endIfSilent()
			return errSilent
		case <-s.done:
			return s.why
		}
	}
}

// leave takes back a question that was not sent.
func (s *session) leave(id string, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, id)
	if len(s.pending) == 0 {
		s.silent = time.Time{}
	}
	close(p.over)
}

// endIfSilent ends an opener that has said nothing for as long as one secret may take, less what starting it
// took. One that answers others is left alone.
func (s *session) endIfSilent() {
	s.mu.Lock()
	silent := !s.silent.IsZero() && time.Since(s.silent) >= s.timeout*9/10
	s.mu.Unlock()
	if silent {
		s.end(errSilent)
	}
}

// end kills the opener, for a reason of ours.
func (s *session) end(fault error) {
	s.mu.Lock()
	if s.fault == nil {
		s.fault = fault
	}
	s.mu.Unlock()
	s.link.kill()
}

// read takes answers until there are no more, and returns why once the opener is gone.
func (s *session) read() error {
	lines := bufio.NewScanner(s.link.answers)
	lines.Buffer(make([]byte, 0, 4<<10), maxAnswer)
	lines.Split(wholeLines)
	for lines.Scan() {
		if err := s.take(lines.Bytes()); err != nil {
			s.end(err)
			break
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		s.end(errLongLine)
	}
	s.link.questions.Close()
	last := time.AfterFunc(farewell, s.link.kill)
	how := s.link.wait()
	last.Stop()
	s.link.kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fault != nil:
		return s.fault
	case how != nil:
		return fmt.Errorf("%w: %w", errEnded, how)
	}
	return errEnded
}

// wholeLines leaves out a last line without its end: whoever wrote it died over it.
func wholeLines(data []byte, _ bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// take hands an answer to whoever waits for it. Errors never quote the line.
func (s *session) take(line []byte) error {
	var a answer
	if json.Unmarshal(line, &a) != nil || a.AccountID == nil {
		return errGarbage
	}
	s.mu.Lock()
	p := s.pending[*a.AccountID]
	if p == nil {
		s.stray++
		stray := s.stray
		s.mu.Unlock()
		if stray > maxStray {
			return errStray
		}
		return nil
	}
	delete(s.pending, *a.AccountID)
	s.silent = time.Time{}
	if len(s.pending) > 0 {
		s.silent = time.Now()
	}
	p.reply = a
	close(p.over)
	s.mu.Unlock()
	s.answered()
	return nil
}

// write sends questions as they come, many in one go where they come fast.
func (s *session) write() {
	w := bufio.NewWriterSize(s.link.questions, 64<<10)
	for {
		select {
		case line := <-s.out:
			_, err := w.Write(line)
			for more := true; more && err == nil; {
				select {
				case line := <-s.out:
					_, err = w.Write(line)
				default:
					more = false
					err = w.Flush()
				}
			}
			if err != nil {
				// Whoever does not read does not answer either; its end comes by read, or by silence.
				s.link.questions.Close()
				<-s.done
				return
			}
		case <-s.done:
			return
		}
	}
}
