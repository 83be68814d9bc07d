package queue

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// quiet keeps River's own notes of its work out of ours, unless they are warnings, and drops repeated warnings.
func quiet(log *slog.Logger) *slog.Logger {
	return slog.New(atLeast{sparingly(log).Handler()})
}

type atLeast struct{ slog.Handler }

func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// Handle leaves out that this process leads River's housekeeping no longer: another does, or it does again.
func (h atLeast) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "leadership.") && strings.Contains(r.Message, "stepping down") {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs)}
}
func (h atLeast) WithGroup(name string) slog.Handler { return atLeast{h.Handler.WithGroup(name)} }

// sayAgainAfter is how long a message is not repeated.
const sayAgainAfter = time.Minute

// sparingly logs each message once a minute, whatever its attributes: while the database is away, every queue
// and the agenda fail several times a second.
func sparingly(log *slog.Logger) *slog.Logger {
	return slog.New(sparing{log.Handler(), &memory{said: map[string]*saying{}}})
}

type sparing struct {
	slog.Handler
	memory *memory // of this handler and those made from it
}

type memory struct {
	mu   sync.Mutex
	said map[string]*saying
}

type saying struct {
	at      time.Time
	omitted int
}

// speak reports whether a message is to be logged now, and how often it was left out since it last was.
func (m *memory) speak(message string, now time.Time) (ok bool, omitted int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.said[message]
	if s == nil {
		s = &saying{}
		m.said[message] = s
	}
	if now.Sub(s.at) < sayAgainAfter {
		s.omitted++
		return false, 0
	}
	omitted = s.omitted
	s.at, s.omitted = now, 0
	return true, omitted
}

func (h sparing) Handle(ctx context.Context, r slog.Record) error {
	ok, omitted := h.memory.speak(r.Message, r.Time)
	if !ok {
		return nil
	}
	if omitted > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("omitted", omitted))
	}
	return h.Handler.Handle(ctx, r)
}

func (h sparing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sparing{h.Handler.WithAttrs(attrs), h.memory}
}
func (h sparing) WithGroup(name string) slog.Handler {
	return sparing{h.Handler.WithGroup(name), h.memory}
}
