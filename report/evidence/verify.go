package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/chain"
)

// Checked is what a pack was found to be.
type Checked struct {
	Faults []string `json:"faults"` // in plain words; none where the pack holds
	Notes  []string `json:"notes"`  // what a reader should know of a pack that holds

	Head   string `json:"head"`
	Links  int64  `json:"links"`
	Runs   int    `json:"runs"`   // that the pack holds and the chain states
	Signed bool   `json:"signed"` // by the key given
	Key    bool   `json:"key"`    // a key was given
	AtHead bool   `json:"at_head"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// OK reports whether nothing was found.
func (c Checked) OK() bool { return len(c.Faults) == 0 }

// Verdict is what the check comes to in a few words.
func (c Checked) Verdict() string {
	switch {
	case !c.OK():
		return "NOT CONSISTENT"
	case c.Key:
		return "consistent, signed by the key given"
	}
	return "consistent, not authenticated"
}

// bytesMost bounds what is unpacked of one file, so that a bomb fills no memory.
const bytesMost = 1 << 30

// Verify checks a pack: each file against its hash, the hashes against the signature, the chain from link to link, and
// what the pack holds against what the chain states. keys may be nil: then no signature is looked at. head, unless it
// is "", must be in the chain.
func Verify(data []byte, keys chain.Verifier, head string) Checked {
	v := verification{files: map[string][]byte{}, c: Checked{Key: keys != nil, Faults: []string{}, Notes: []string{}}}
	if !intact(data) {
		v.fault("the file was changed since it was written: its own hash differs")
	}
	if !v.unpack(data) {
		return v.c
	}
	v.sums(keys)
	if !v.facts() {
		return v.c
	}
	v.chain(keys, head)
	v.runs()
	v.actions()
	v.c.Signed = keys != nil && v.c.OK()
	return v.c
}

type verification struct {
	c     Checked
	names []string // in the order of the zip
	files map[string][]byte
	is    packFacts
	book  *chain.Book
}

func (v *verification) fault(text string, args ...any) {
	v.c.Faults = append(v.c.Faults, fmt.Sprintf(text, args...))
}

func (v *verification) unpack(data []byte) bool {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		v.fault("the file is no zip, or is cut off: %s", err)
		return false
	}
	for _, f := range r.File {
		if _, twice := v.files[f.Name]; twice {
			v.fault("%s stands in the pack twice", f.Name)
			continue
		}
		in, err := f.Open()
		if err != nil {
			v.fault("%s cannot be read: %s", f.Name, err)
			continue
		}
		content, err := io.ReadAll(io.LimitReader(in, bytesMost))
		in.Close() //nolint:errcheck // a reader; what is wrong with it, the read has said
		if err != nil {
			v.fault("%s cannot be read: %s", f.Name, err)
		}
		v.names = append(v.names, f.Name)
		v.files[f.Name] = content
	}
	return true
}

// sums holds each file against its hash: all are listed, in their order, and nothing else is there.
func (v *verification) sums(keys chain.Verifier) {
	list, there := v.files[sumsFile]
	if !there {
		v.fault("%s is missing", sumsFile)
		return
	}
	var listed []string
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok {
			v.fault("%s has a line that is none of its own", sumsFile)
			continue
		}
		listed = append(listed, name)
		switch content, there := v.files[name]; {
		case !there:
			v.fault("%s is listed and missing", name)
		case sumOf(content) != sum:
			v.fault("%s was changed", name)
		}
	}
	listed = append(listed, sumsFile)
	if _, signed := v.files[sumsSigned]; signed {
		listed = append(listed, sumsSigned)
	}
	for _, name := range v.names {
		if !slices.Contains(listed, name) {
			v.fault("%s is in the pack and not listed", name)
		}
	}
	if !slices.Equal(listed, v.names) && v.c.OK() {
		v.fault("the files are not in the order in which they are listed")
	}
	if keys == nil {
		return
	}
	switch signature, signed := v.files[sumsSigned]; {
	case !signed:
		v.fault("the pack is not signed")
	case keys.Verify(list, signature) != nil:
		v.fault("the pack is not signed by the key given")
	}
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (v *verification) facts() bool {
	if err := json.Unmarshal(v.files[factsFile], &v.is); err != nil || v.is.Form != packForm {
		v.fault("%s is missing, unreadable, or of another version", factsFile)
		return false
	}
	v.c.From, v.c.To = stamp(v.is.From), stamp(v.is.To)
	return true
}

func (v *verification) chain(keys chain.Verifier, head string) {
	var links []audit.Link
	for n := int64(1); ; n++ {
		text, there := v.files[linkFile(n)]
		if !there {
			break
		}
		l := audit.Link{N: n, Text: string(text), Signature: v.files[strings.TrimSuffix(linkFile(n), ".txt")+".sig"]}
		links = append(links, l)
	}
	count := 0
	for _, name := range v.names {
		if strings.HasPrefix(name, "chain/") && strings.HasSuffix(name, ".txt") {
			count++
		}
	}
	if count != len(links) {
		v.fault("the pack holds %d links, and they are not numbered from 1 to %d", count, count)
	}
	var faults []string
	v.book, faults = chain.Read(links, keys)
	for _, fault := range faults {
		v.fault("chain: %s", fault)
	}
	v.c.Head, v.c.Links = v.book.Head, v.book.Length
	if len(links) == 0 {
		v.fault("chain: the pack holds none")
	}
	if v.is.Head != v.book.Head || v.is.Links != v.book.Length {
		v.fault("chain: %s names another head", factsFile)
	}
	if head != "" {
		after, holds := chain.Holds(links, head)
		switch {
		case !holds:
			v.fault("chain: the head %s is not in it: the chain was cut off, replaced, or is another installation's", head)
		case after > 0:
			v.c.Notes = append(v.c.Notes, fmt.Sprintf("the head given is link %d; %d links follow it", v.book.Length-int64(after), after))
		}
		v.c.AtHead = holds
	}
}

// runs holds what the pack says of each run against the chain, and its report against its digest.
func (v *verification) runs() {
	there := map[string]bool{}
	for _, run := range v.is.Runs {
		if there[run.Key] {
			v.fault("run %s stands in the pack twice", run.Key)
		}
		there[run.Key] = true
		v.run(run)
	}
	for _, name := range v.names {
		if key, file, ok := strings.Cut(strings.TrimPrefix(name, "nights/"), "/"); ok && strings.HasPrefix(name, "nights/") && file == lastingFile && !there[key] {
			v.fault("run %s is in the pack, and %s does not name it", key, factsFile)
		}
	}
	for _, was := range v.book.Runs {
		if _, gone := v.book.Expired[was.Run]; !there[was.Run] && !gone && !was.Started.Before(v.is.From) && was.Started.Before(v.is.To) {
			v.fault("run %s: the chain states it, and the pack does not name it", was.Run)
		}
	}
	unstated := 0
	for _, was := range v.book.Runs {
		if was.Kind == chain.Start && there[was.Run] {
			unstated++
		}
	}
	if unstated > 0 {
		v.c.Notes = append(v.c.Notes, fmt.Sprintf("%d runs are older than the chain, which states them as they were found on %s", unstated, v.book.Started.Format(time.DateOnly)))
	}
	if len(v.is.NotSealed) > 0 {
		v.c.Notes = append(v.c.Notes, "left out, for they had no link yet: "+strings.Join(v.is.NotSealed, ", "))
	}
	slices.Sort(v.c.Notes)
}

func (v *verification) run(run packRun) {
	was, sealed := v.book.Runs[run.Key]
	_, gone := v.book.Expired[run.Key]
	content, there := v.files["nights/"+run.Key+"/"+lastingFile]
	switch {
	case !sealed:
		v.fault("run %s: no link of the chain states it", run.Key)
		return
	case gone:
		return
	case !there:
		v.fault("run %s: the chain states it, and the database had it no more", run.Key)
		return
	case sumOf(content) != run.Report:
		v.fault("run %s: its report is not the one that %s names", run.Key, factsFile)
	}
	if same, what := was.Compare(chain.Digest{Count: run.Rows, Sum: run.RowsSum}, sumOf(content)); !same {
		v.fault("run %s: %s", run.Key, what)
	}
	if run.Seq != was.Seq || !run.Started.Truncate(time.Microsecond).Equal(was.Started) {
		v.fault("run %s: it stands at another place than the chain states", run.Key)
	}
	v.c.Runs++
}

// actions holds what operators did against the chain.
func (v *verification) actions() {
	var list []packAction
	if err := json.Unmarshal(v.files[actionsFile], &list); err != nil {
		v.fault("%s is missing or unreadable", actionsFile)
		return
	}
	there := map[chain.ActionID]bool{}
	open := 0
	for _, a := range list {
		at, err := time.Parse(actionTime, a.At)
		if err != nil {
			v.fault("%s has an action at no time", actionsFile)
			continue
		}
		id := chain.ActionID{ID: a.ID, At: at.UnixMicro()}
		if there[id] {
			v.fault("an operator's action of %s stands in the pack twice", a.At)
		}
		there[id] = true
		sum, stated := v.book.Actions[id]
		switch {
		case !stated && at.Before(v.lastLink()):
			v.fault("an operator's action of %s (%s) is in no link of the chain", a.At, a.What)
		case !stated:
			open++
		case sum != actionSum(a):
			v.fault("an operator's action of %s (%s) was changed", a.At, a.What)
		}
	}
	for id := range v.book.Actions {
		at := time.UnixMicro(id.At).UTC()
		if !there[id] && !at.Before(v.is.From) && at.Before(v.is.To) && !at.Before(v.book.Before) {
			v.fault("an operator's action of %s is missing", at.Format(actionTime))
		}
	}
	if open > 0 {
		v.c.Notes = append(v.c.Notes, fmt.Sprintf("%d operators' actions are younger than the last link, and no link states them yet", open))
	}
}

// lastLink is when the last link that states actions was written.
func (v *verification) lastLink() time.Time {
	var last time.Time
	for _, was := range v.book.Runs {
		if was.At.After(last) {
			last = was.At
		}
	}
	return last
}

func actionSum(a packAction) string {
	return chain.SumOf("operator_actions", a.At, a.Who, a.What, a.Target, a.Why, a.Nonce)
}
