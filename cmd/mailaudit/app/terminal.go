package app

import (
	"io"
	"log/slog"
	"sync"
)

// terminal is standard error as the log writes to it: straight, or above a table that stands at its foot.
type terminal struct {
	stderr io.Writer
	level  slog.LevelVar // of what is logged
	asked  slog.Level    // by --log-level

	mu    sync.Mutex
	above io.Writer // nil where no table stands
}

// Write logs a line.
func (t *terminal) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.above != nil {
		if n, err := t.above.Write(line); err == nil {
			return n, nil
		} // the table has gone meanwhile
	}
	return t.stderr.Write(line)
}

// lend has the log written to above, and shortened to warnings where it was not asked to say more than it does by
// itself, until giveBack is called.
func (t *terminal) lend(above io.Writer) (giveBack func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.above = above
	if t.asked == slog.LevelInfo {
		t.level.Set(slog.LevelWarn)
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.above = nil
		t.level.Set(t.asked)
	}
}
