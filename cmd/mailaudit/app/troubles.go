package app

import "sync"

// troubles remembers what last kept summaries, mails and files from going out, for the one line at the end.
type troubles struct {
	mu   sync.Mutex
	errs map[string]error
}

// note keeps err under kind; success clears it. It returns err.
func (t *troubles) note(kind string, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errs == nil {
		t.errs = map[string]error{}
	}
	if err == nil {
		delete(t.errs, kind)
		return nil
	}
	t.errs[kind] = err
	return err
}

// Last returns the error that stands, summaries before mails before files; nil if none does.
func (t *troubles) Last() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, kind := range []string{"summary", "mail", "files"} {
		if err := t.errs[kind]; err != nil {
			return err
		}
	}
	return nil
}
