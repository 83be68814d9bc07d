package sim

import (
	"crypto/rand"
	"strings"
)

// Rotation is what a simulated token endpoint does to a refresh token that was used.
type Rotation string

const (
	RotateNever Rotation = ""       // it stays
	RotateKeeps Rotation = "keeps"  // a new one is issued, the old one lives on
	RotateEnds  Rotation = "ends"   // a new one is issued and the old one is dead at once
	RotateOnUse Rotation = "on-use" // a new one is issued; the old one and its other successors die when it is first used
)

// grant is one refresh token.
type grant struct {
	login  string
	dead   bool
	parent string // the refresh token it was issued for
}

// tokenLength of access tokens is beyond what servers bear in a command.
const tokenLength = 1500

// Connect has a login's owner consent: it returns a refresh token.
func (w *World) Connect(login string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.issue(login, "")
}

// Grant puts in a refresh token that was issued for a login before, in another world.
func (w *World) Grant(login, refreshToken string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.grants[refreshToken] = &grant{login: strings.ToLower(login)}
}

func (w *World) issue(login, parent string) string {
	token := "1//" + rand.Text() + rand.Text()
	w.grants[token] = &grant{login: strings.ToLower(login), parent: parent}
	return token
}

// Revoke ends every grant of a login.
func (w *World) Revoke(login string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.grants {
		if g.login == strings.ToLower(login) {
			g.dead = true
		}
	}
}

// Lives reports whether a refresh token would be taken.
func (w *World) Lives(refreshToken string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.grants[refreshToken]
	return g != nil && !g.dead
}

// refresh redeems a refresh token. fresh is empty where the old one stays.
func (w *World) refresh(token string, r Rotation) (access, fresh, login string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.grants[token]
	if g == nil || g.dead {
		return "", "", "", false
	}
	if r == RotateOnUse && g.parent != "" {
		for name, other := range w.grants {
			if name == g.parent || other.parent == g.parent && other != g {
				other.dead = true
			}
		}
	}
	if r != RotateNever {
		fresh = w.issue(g.login, token)
	}
	if r == RotateEnds {
		g.dead = true
	}
	access = "ya29." + rand.Text()
	access += strings.Repeat("x", tokenLength-len(access))
	w.access[access] = g.login
	return access, fresh, g.login, true
}

func (w *World) tokenAnswer(refreshToken string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g := w.grants[refreshToken]; g != nil {
		return w.accounts[g.login].TokenAnswer
	}
	return ""
}

// holds reports whether an access token was issued for a login.
func (w *World) holds(login, access string) bool {
	owner, ok := w.owner(access)
	return ok && owner == strings.ToLower(login)
}

// owner is whom an access token was issued for.
func (w *World) owner(access string) (login string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	login, ok = w.access[access]
	return login, ok
}
