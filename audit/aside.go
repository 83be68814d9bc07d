package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A run goes on without what it cannot read or write: an account, a mail, a hold, a batch. It is set aside: noted
// with the run, named for operations, and tried again by the next run.

// AsideKind is what could not be done with something that was set aside.
type AsideKind string

const (
	AsideRow    AsideKind = "row"    // an account's row cannot be read
	AsideSecret AsideKind = "secret" // nor its stored secret
	AsideState  AsideKind = "state"  // what is remembered of an account cannot be read or written
	AsideResult AsideKind = "result" // an account's result cannot be stored
	AsideMail   AsideKind = "mail"   // a mail cannot be queued, held or changed
	AsideHold   AsideKind = "hold"   // a provider's hold cannot be opened or ended
	AsideBatch  AsideKind = "batch"  // a batch cannot be read or closed
	AsidePlan   AsideKind = "plan"   // the source cannot be read to its end
	AsidePart   AsideKind = "part"   // a part of the conclusion cannot be done
)

const AsideFact = "aside/"

// Asides are what a run has set aside, by kind: the ids, each with the database's code.
type Asides map[AsideKind]map[string]string

func (all Asides) Has(kind AsideKind, id string) bool {
	_, ok := all[kind][id]
	return ok
}

func AsidesOf(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key string) (Asides, error) {
	noted, err := facts.Facts(ctx, key, AsideFact)
	if err != nil {
		return nil, err
	}
	all := Asides{}
	for name, code := range noted {
		kind, id, _ := strings.Cut(strings.TrimPrefix(name, AsideFact), "/")
		if all[AsideKind(kind)] == nil {
			all[AsideKind(kind)] = map[string]string{}
		}
		all[AsideKind(kind)][id] = code
	}
	return all, nil
}

// AsideTexts say what was set aside, of one and of several, and what to do. %s are the names, %d how many.
var AsideTexts = map[AsideKind]struct{ one, many, fix string }{
	AsideRow: {"the row of account %s cannot be read", "the rows of %d accounts cannot be read (%s)",
		"correct these rows in the source table or view; mailaudit check ACCOUNT_ID shows the error"},
	AsideSecret: {"the stored secret of account %s cannot be read", "the stored secrets of %d accounts cannot be read (%s)",
		"correct the secrets in the source table or view, or import these accounts again; mailaudit check ACCOUNT_ID shows the error"},
	AsideState: {"the state of account %s cannot be read or written", "the states of %d accounts cannot be read or written (%s)",
		"see the log, and what in the database refuses these rows of account_states; the next run tries again"},
	AsideResult: {"the result of account %s cannot be stored", "the results of %d accounts cannot be stored (%s)",
		"see the log, and what in the database refuses these rows of account_states; the next run tries again"},
	AsideMail: {"e-mail %s cannot be prepared", "%d e-mails cannot be prepared (%s)",
		"see the log, and what in the database refuses these rows of notices; their customers are not notified"},
	AsideHold: {"the hold on %s e-mails cannot be changed", "the holds on the e-mails of %d providers cannot be changed (%s)",
		"see the log, and what in the database refuses these rows of holds; their e-mails do not leave"},
	AsideBatch: {"batch %s cannot be read or closed", "%d batches cannot be read or closed (%s)",
		"see the log, and what in the database refuses these rows of batches; their accounts are unverified"},
	AsidePlan: {"the source table or view cannot be read to its end", "",
		"mailaudit doctor shows the error; accounts that were not reached are unverified, and no finding was closed"},
	AsidePart: {"a part of the conclusion failed and was left out: %s", "%d parts of the conclusion failed and were left out (%s)",
		"see the log; the next run does them"},
}

// asideNamed is how many names stand in a text that may be posted.
const asideNamed = 5

// Troubles tell of all that was set aside.
func (all Asides) Troubles() []Trouble {
	var out []Trouble
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		text, known := AsideTexts[kind]
		if !known {
			continue
		}
		t := Trouble{What: "set aside: ", Fix: text.fix}
		names := slices.Sorted(maps.Keys(all[kind]))
		switch {
		case len(names) > 1 && text.many != "":
			t.What += fmt.Sprintf(text.many, len(names), listed(names))
		case strings.Contains(text.one, "%s"):
			t.What += fmt.Sprintf(text.one, names[0])
		default:
			t.What += text.one
		}
		if codes := slices.Compact(slices.Sorted(maps.Values(all[kind]))); len(codes) == 1 && codes[0] != "" {
			t.What += ": " + codes[0]
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(x, y Trouble) int { return cmp.Compare(x.What, y.What) })
	return out
}

func listed(names []string) string {
	shown := names[:min(len(names), asideNamed)]
	text := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// SetAside begins the detail of a mail that could not be prepared or sent for a fault of ours.
const SetAside = "set aside: "
