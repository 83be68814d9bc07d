package slack

import (
	"encoding/json"
	"time"

	"github.com/slack-go/slack"
)

// forms are the words of the forms that ask why.
var forms = map[Do]struct{ title, submit, effect string }{
	DoRelease: {"Approve", "Approve", "Re-checks the accounts on hold, then e-mails those still failing."},
	DoDiscard: {"Discard", "Discard", "Cancels these e-mails; the next run re-checks the accounts."},
	DoSample:  {"Re-check a sample", "Re-check", "Re-checks a few accounts on hold and e-mails nobody. What they say serves an approval today."},
	DoSnooze:  {"Snooze tenant", "Snooze", "The tenant is e-mailed nothing before the date; its findings are still counted."},
	DoExplain: {"Explain", "Explain", "Why the account's customer was or was not notified."},
	DoStop:    {"Stop mails", "Stop mails", "No customer mail leaves from now on, until somebody runs notices start."},
}

// Blocks of a form. The action of each bears its name too.
const (
	blockWhy    = "why"
	blockChoice = "choice"
	blockUntil  = "until"
)

const (
	whyMax      = 500
	metadataMax = 3000
)

// formOf asks for what a click still needs; false where it cannot be asked.
func formOf(k Click) (view slack.ModalViewRequest, ok bool) {
	words, known := forms[k.Do]
	carried, err := json.Marshal(k)
	if !known || err != nil || len(carried) > metadataMax {
		return view, false
	}
	text := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
	}
	what := words.effect
	if k.Provider != "" {
		what = "Run " + id(k.Run) + ", " + id(k.Provider) + ". " + what
	}
	blocks := []slack.Block{section(what)}
	if len(k.IDs) > 0 {
		var options []*slack.OptionBlockObject
		for _, one := range k.IDs {
			options = append(options, slack.NewOptionBlockObject(one, text(one), nil))
		}
		label := map[Do]string{DoSnooze: "Tenant", DoExplain: "Account"}[k.Do]
		blocks = append(blocks, slack.NewInputBlock(blockChoice, text(label), nil, slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, text("Choose"), blockChoice, options...)))
	}
	if k.Do == DoSnooze {
		blocks = append(blocks, slack.NewInputBlock(blockUntil, text("E-mails resume on"), nil, slack.NewDatePickerBlockElement(blockUntil)))
	}
	if k.Do != DoExplain {
		why := slack.NewPlainTextInputBlockElement(nil, blockWhy)
		why.Multiline, why.MinLength, why.MaxLength = true, 3, whyMax
		blocks = append(blocks, slack.NewInputBlock(blockWhy, text("Why"), text("Recorded in the audit log."), why))
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: text(words.title), Submit: text(words.submit), Close: text("Cancel"), Blocks: slack.Blocks{BlockSet: blocks},
		PrivateMetadata: string(carried), CallbackID: string(k.Do),
	}, true
}

// filled is the click that a form was opened for, with what was entered. false: it is no form of ours.
func filled(v slack.View) (k Click, ok bool) {
	if json.Unmarshal([]byte(v.PrivateMetadata), &k) != nil || v.State == nil {
		return k, false
	}
	k.ID = "view/" + v.ID
	entered := func(block string) slack.BlockAction { return v.State.Values[block][block] }
	k.Why = entered(blockWhy).Value
	k.Choice = entered(blockChoice).SelectedOption.Value
	if text := entered(blockUntil).SelectedDate; text != "" {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return k, false
		}
		k.Until = text
	}
	return k, v.ID != ""
}
