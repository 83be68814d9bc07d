package slack

import (
	"strings"

	"mailaudit/report"
)

// holds are the sections of what waits for a person: the decision first, then the commands.
func (c composer) holds() []string {
	var parts []string
	open := c.s.Undecided()
	for i, h := range open[:min(len(open), holdsMax)] {
		parts = append(parts, c.openHold(h, i == 0))
	}
	if more := len(open) - len(parts); more > 0 {
		parts = append(parts, c.more(more, "holds"))
	}
	return parts
}

// decided tells what people have decided on the run's holds.
func (c composer) decided() string {
	var lines []string
	for _, h := range c.s.Holds {
		if !h.Open() {
			lines = append(lines, "*Decided: "+neutral(h.Title, idMax)+"*"+separator+neutral(h.Decided, sentenceMax))
		}
	}
	return joinWithin(lines, sectionMax)
}

// lead is the first line of a run on which somebody must decide.
func (c composer) lead() string {
	return c.mark() + " *" + neutral(c.s.Headline(), headlineMax) + "*" + separator + neutral(c.s.Night(), 90)
}

func (c composer) openHold(h report.Hold, first bool) string {
	var lines []string
	if first {
		lines = append(lines, strings.Join(append([]string{c.lead()}, c.afterwards()...), separator))
	}
	why := neutral(h.Title, idMax) + ": " + neutral(h.Why, sentenceMax)
	if h.Rules != "" {
		why += ", " + neutral(h.Rules, sentenceMax)
	}
	if h.RunKey != c.s.Run.Key {
		why += ". On hold since " + h.Since.In(c.s.Zone).Format("Mon 2 Jan")
	}
	lines = append(lines, why+". "+report.Number(h.Waiting, "e-mail", "e-mails")+" awaiting approval")
	for _, sign := range h.Signs() {
		lines = append(lines, report.Capital(sign))
	}
	for _, step := range h.Steps() { // the command on a line of its own: it is long, and to be copied
		lines = append(lines, "*"+step.Name+"* "+neutral(step.Effect, sentenceMax), command(c.CommandPrefix, step.Command))
	}
	lines = append(lines, "*No action* stays on hold; the next run re-checks")
	return joinWithin(lines, sectionMax)
}
