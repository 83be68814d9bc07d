package report

import (
	"strings"

	"mailaudit/audit"
)

// QualityLine says what the run's acceptances took back: "2 refusals reversed, the secret unchanged (1 notified)"; "" if
// nothing.
func (s *Summary) QualityLine() string {
	q := s.Numbers.Quality
	if q.Reversed == 0 {
		return ""
	}
	line := Number(q.Reversed, "refusal", "refusals") + " reversed, the secret unchanged"
	if q.ToldThenReversed > 0 {
		line += " (" + Count(q.ToldThenReversed) + " notified)"
	}
	return line
}

// Doubtful reports whether a reversal speaks against the rule that decided: only a new secret would have ended what it
// said. Who was locked out or switched off may have been let in again.
func Doubtful(f audit.Finding) bool { return f.Reversal.Verdict.NeedsNewSecret() }

const (
	correctionsMost = 3 // runs whose corrections are offered as actions
	correctedMost   = 5 // accounts that one command names
)

// reversalActions offer a correction where customers were notified of what an acceptance of the same secret contradicts.
func (s *Summary) reversalActions() []Action {
	var keys []string
	accounts := map[string][]string{}
	for _, f := range s.Reversed {
		if r := f.Reversal; r.Told && r.Run != "" && Doubtful(f) {
			if accounts[r.Run] == nil {
				keys = append(keys, r.Run)
			}
			accounts[r.Run] = append(accounts[r.Run], f.AccountID)
		}
	}
	var out []Action
	for _, key := range keys[:min(len(keys), correctionsMost)] {
		n := len(accounts[key])
		out = append(out, Action{Kind: ActionReversed, Count: n, Section: "reversed", Command: correctCommand(key, accounts[key]),
			Text: "Correct " + Number(n, "e-mail", "e-mails") + " of run " + key + ": the secret that was refused is accepted unchanged"})
	}
	return out
}

// correctCommand takes back what a run told of some accounts; "" where there are too many to name.
func correctCommand(key string, accounts []string) string {
	if len(accounts) > correctedMost {
		return ""
	}
	words := "notices correct --run " + key + " --by YOU"
	for _, id := range accounts {
		if !plainID(id) {
			return ""
		}
		words += " --account " + id
	}
	return words
}

// plainID reports whether an id can stand in a command as it is.
func plainID(id string) bool {
	return id != "" && id[0] != '-' && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") == ""
}

// CorrectCommand takes back what one reversed account's customer was told; "" where nobody was told, or its run is not kept.
func CorrectCommand(f audit.Finding) string {
	if r := f.Reversal; !r.Told || r.Run == "" {
		return ""
	}
	return correctCommand(f.Reversal.Run, []string{f.AccountID})
}

func (s *Summary) textReversed(t *textWriter) {
	if len(s.Reversed) == 0 {
		return
	}
	t.title("Reversed: refused before, accepted now, the secret unchanged")
	for i, f := range s.Reversed {
		if i == textLines {
			break
		}
		line := string(f.Reversal.Verdict)
		if f.Reversal.Rule != "" {
			line += " by " + f.Reversal.Rule
		}
		if f.Reversal.Told {
			line += ", customer notified"
		}
		t.wrap(pad(Plain(f.AccountID), min(36, cells(Plain(f.AccountID))))+" ", line)
		if command := CorrectCommand(f); command != "" && Doubtful(f) {
			t.line("    mailaudit " + command)
		}
	}
	t.more(s.Numbers.Quality.Reversed - min(len(s.Reversed), textLines))
}
