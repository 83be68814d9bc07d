package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"mailaudit/providers"
)

// Announced is how many of a hold's new failures are an announced change.
type Announced struct {
	ID    string `json:"id"`    // the change's
	Title string `json:"title"` // for operations
	Of    int    `json:"of"`    // new failures that are the change
	All   int    `json:"all"`   // new failures
}

const announcedFact = "announced/"

func (a Announced) String() string {
	rest := a.All - a.Of
	verb := "are"
	if rest == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%d of %d are the announced change, %d %s not", a.Of, a.All, rest, verb)
}

// NoteAnnounced keeps with the run that opens a hold of a provider what the change explains of it. What stands is what
// was kept first.
func NoteAnnounced(ctx context.Context, facts FactKeeper, key, provider string, a Announced) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = facts.KeepFact(ctx, key, announcedFact+provider, string(text))
	return err
}

// AnnouncedIn returns what an announced change explains of the hold that a run opened; false if nothing.
func AnnouncedIn(ctx context.Context, facts interface {
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
}, key, provider string) (a Announced, ok bool, err error) {
	kept, err := facts.Facts(ctx, key, announcedFact+provider)
	text := kept[announcedFact+provider]
	if err != nil || text == "" {
		return a, false, err
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, false, fmt.Errorf("%s of run %s: %w", announcedFact+provider, key, err)
	}
	return a, true, nil
}

// ChangeOf finds a provider's announced change by its id.
func (p Policy) ChangeOf(provider, id string) (providers.Change, bool) {
	for _, c := range p.Changes {
		if c.ID == id && c.Provider == provider {
			return c, true
		}
	}
	return providers.Change{}, false
}
