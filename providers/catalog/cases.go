package catalog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"mailaudit/providers"
)

// Case is a reply with, perhaps, what it should be read as: a line of the reply corpus.
type Case struct {
	ID         string            `json:"id"`
	Provider   string            `json:"provider"` // a provider's name, or one of its brands'; godaddy and generic are other
	Stage      providers.Stage   `json:"stage"`
	Reply      string            `json:"reply"`        // the wire form, lines joined with "\n"
	XOAuth2    json.RawMessage   `json:"xoauth2_json"` // the decoded 334 challenge, as text or as an object
	Class      providers.Class   `json:"class"`        // the label; "" where there is none
	Confidence string            `json:"confidence"`   // sure, likely, disputed
	Alt        []providers.Class `json:"alt"`          // what else sources support
	Why        string            `json:"why"`
	Source     string            `json:"source"`
}

// Outcome is what the rules make of a case.
type Outcome struct {
	ID        string              `json:"id"`
	Class     providers.Class     `json:"class"`
	Rule      string              `json:"rule"`
	Certainty providers.Certainty `json:"certainty"`

	Case Case `json:"-"`
}

// Differs reports whether the case has a label that the outcome neither is nor may be.
func (o Outcome) Differs() bool {
	return o.Case.Class != "" && o.Case.Class != o.Class && !slices.Contains(o.Case.Alt, o.Class)
}

// aliases are names of the corpus that are neither a provider's nor a brand's.
var aliases = map[string]string{"godaddy": "other", "generic": "other"}

// maxBadLines bounds how many bad lines an error names.
const maxBadLines = 10

// maxCaseLine bounds a line of a file of cases.
const maxCaseLine = 1 << 20

// ReadCases reads cases, one JSON object a line; empty lines are passed over. The cases of all good lines are
// returned, beside an error that names each bad one.
func ReadCases(r io.Reader) ([]Case, error) {
	var cases []Case
	var bad []error
	more := 0
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxCaseLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\uFEFF")))
		if len(line) == 0 {
			continue
		}
		c, err := readCase(line)
		switch {
		case err != nil && len(bad) < maxBadLines:
			bad = append(bad, fmt.Errorf("line %d: %w", n, err))
			continue
		case err != nil:
			more++
			continue
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		bad = append(bad, fmt.Errorf("line %d: %w", n+1, err))
	}
	if more > 0 {
		bad = append(bad, fmt.Errorf("and %d more bad lines", more))
	}
	return cases, errors.Join(bad...)
}

func readCase(line []byte) (Case, error) {
	var c Case
	if err := json.Unmarshal(line, &c); err != nil {
		return c, fmt.Errorf("read JSON: %w", err)
	}
	c.Provider = canonical(c.Provider)
	switch {
	case c.ID == "":
		return c, fmt.Errorf("no id")
	case c.Reply == "":
		return c, fmt.Errorf("%s: no reply", c.ID)
	case !c.Stage.Valid():
		return c, fmt.Errorf("%s: stage %q is not known", c.ID, c.Stage)
	case c.Class != "" && !c.Class.Valid():
		return c, fmt.Errorf("%s: class %q is not known", c.ID, c.Class)
	}
	if _, ok := ByName(c.Provider); !ok {
		return c, fmt.Errorf("%s: provider %q is not known", c.ID, c.Provider)
	}
	return c, nil
}

// canonical is the name of the provider that a name of the corpus stands for; an unknown name stays as it is.
func canonical(name string) string {
	if own, ok := aliases[name]; ok {
		return own
	}
	for _, p := range All() {
		if _, ok := p.Brand(name); ok {
			return p.Name
		}
	}
	return name
}

// Run reads the case's reply by the built-in rules of its provider.
func (c Case) Run() Outcome { return BuiltIn().Read(c) }

// Read reads a case's reply by the rules of its provider.
func (cat *Catalog) Read(c Case) Outcome {
	reply := providers.ParseReply(c.Stage, c.Reply)
	if challenge := c.challenge(); challenge != "" {
		reply.SASLError = challenge
	}
	p, _ := cat.ByName(c.Provider)
	reading := p.Rules.Read(reply)
	return Outcome{ID: c.ID, Class: reading.Class, Rule: reading.Rule, Certainty: reading.Certainty, Case: c}
}

func (c Case) challenge() string {
	var text string
	if json.Unmarshal(c.XOAuth2, &text) == nil {
		return text
	}
	return string(c.XOAuth2)
}
