package queue

import (
	"sync"
	"time"

	"mailaudit/audit"
)

const (
	// lostWithin is how long a job that was put in is taken to be there. Should it be lost, it comes back then.
	lostWithin = 5 * time.Second
	// overWithin is the same for a job that was found there: it may be just about to end.
	overWithin = time.Second
)

// work is what a task is about, which makes its job unique.
type work struct {
	kind   audit.TaskKind
	run    string
	batch  int
	notice int64
}

func workOf(t audit.Task) work { return work{t.Kind, t.RunKey, t.Batch, t.Notice} }

// put remembers which jobs are there: the agenda names the same work several times a second, and to offer it again
// costs the database a statement.
type put struct {
	mu    sync.Mutex
	until map[work]time.Time
}

// missing gives those tasks whose jobs may not be there, and takes them for put in.
func (p *put) missing(tasks []audit.Task, now time.Time) (missing []audit.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.until
	p.until = make(map[work]time.Time, len(tasks))
	for _, t := range tasks {
		w := workOf(t)
		until := before[w]
		if !now.Before(until) {
			missing = append(missing, t)
			until = now.Add(lostWithin)
		}
		p.until[w] = until
	}
	return missing
}

// found notes that a task's job was there already. One that has ended meanwhile stays forgotten.
func (p *put) found(t audit.Task, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.until[workOf(t)]; there {
		p.until[workOf(t)] = now.Add(overWithin)
	}
}

// forget has tasks put in again when the agenda next names them.
func (p *put) forget(tasks ...audit.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range tasks {
		delete(p.until, workOf(t))
	}
}
