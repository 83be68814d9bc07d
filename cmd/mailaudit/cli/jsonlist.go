package cli

import (
	"encoding/json"
	"io"
)

// jsonList writes a JSON array as its elements come, each on a line of its own: one document for whoever
// reads it whole, and lines for whoever looks at it. Without an element it is [].
type jsonList struct {
	w       io.Writer
	started bool
}

func (l *jsonList) add(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	before := ",\n "
	if !l.started {
		l.started, before = true, "["
	}
	if _, err := io.WriteString(l.w, before); err != nil {
		return err
	}
	_, err = l.w.Write(text)
	return err
}

// close ends the array.
func (l *jsonList) close() error {
	end := "]\n"
	if !l.started {
		end = "[]\n"
	}
	_, err := io.WriteString(l.w, end)
	return err
}

// writeJSONList writes a list that is there already.
func writeJSONList[T any](w io.Writer, all []T) error {
	out := jsonList{w: w}
	for _, v := range all {
		if err := out.add(v); err != nil {
			return err
		}
	}
	return out.close()
}
