package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/audit/operate"
	"mailaudit/report"
	"mailaudit/report/notice"
	"mailaudit/report/slack"
)

// clicks is the desk of the buttons in Slack. What it decides goes the way of the commands: audit/operate.
type clicks struct{ *Worker }

var _ slack.Desk = clicks{}

// takeClicks takes what approvers click in Slack until the context ends, where slack.app_token and slack.approvers are set.
func (d *Daemon) takeClicks(ctx context.Context) error {
	if !d.Config.Slack.Console() {
		return nil
	}
	poster, err := d.SlackPoster()
	if err != nil || poster == nil {
		return err
	}
	(&slack.Console{Poster: poster, AppToken: d.Config.Slack.AppToken, Desk: clicks{d.Worker}, Log: d.Log}).Run(ctx)
	return nil
}

// holdWork are the clicks that are about a hold.
var holdWork = []slack.Do{slack.DoPreview, slack.DoRelease, slack.DoDiscard, slack.DoSample}

func (c clicks) May(ctx context.Context, k slack.Click) string {
	s := c.Config.Slack
	switch {
	case k.Installation != c.Config.Installation:
		return "This message is another installation's. Nothing has changed."
	case !slices.Contains(s.Approvers, k.By.ID):
		return "Only approvers decide here, and you are not one of them. Nothing has changed."
	}
	if !slices.Contains(holdWork, k.Do) {
		return ""
	}
	switch _, err := c.Auditor.Operate.OpenHold(ctx, k.Run, k.Provider); {
	case errors.Is(err, audit.ErrNoHold):
		return c.tooLate(ctx, k)
	case err != nil:
		return c.sorry(k, err)
	}
	return ""
}

// tooLate says how the hold was decided, and brings its message up to date.
func (c clicks) tooLate(ctx context.Context, k slack.Click) string {
	how, err := c.Auditor.Operate.Decided(ctx, k.Run, k.Provider)
	if err != nil || how == "" {
		return "No such hold is open. Nothing has changed."
	}
	return "Decided already: " + how + ". Nothing has changed."
}

// sorry keeps the error in the log: it may name what Slack is not to show.
func (c clicks) sorry(k slack.Click, err error) string {
	c.Log.Error("a click in Slack failed", "click", string(k.Do), "by", k.By.ID, "run", k.Run, "provider", k.Provider, "err", err)
	return "That failed, and the log of serve says why. Look whether the message has changed before you click again."
}

// clickFact keeps, with the run of the message, which process carries a click out.
const clickFact = "slack/click/"

// first reports whether nobody has taken this click before: Slack may deliver it twice, and to several processes.
func (c clicks) first(ctx context.Context, k slack.Click) (bool, error) {
	mine := rand.Text()
	stands, err := c.Store.KeepFact(ctx, k.Run, clickFact+k.ID, mine)
	return stands == mine, err
}

func (c clicks) Carry(ctx context.Context, k slack.Click) []slack.Said {
	if why := c.May(ctx, k); why != "" {
		return say(why)
	}
	if _, err := c.Store.LoadRun(ctx, k.Run); err != nil {
		return say(c.sorry(k, err))
	}
	first, err := c.first(ctx, k)
	if err != nil {
		return say(c.sorry(k, err))
	}
	if !first {
		return nil // what came of it is said by whoever took it first
	}
	c.Log.Info("a click in Slack", "click", string(k.Do), "by", k.By.ID, "run", k.Run, "provider", k.Provider)
	said, err := c.carry(ctx, k)
	switch {
	case errors.Is(err, audit.ErrNoHold):
		return say(c.tooLate(ctx, k))
	case errors.Is(err, operate.ErrNobodyAsked):
		return say("No account of the hold could be re-checked: today's attempts are used up, or the provider does not answer. The hold stays open; try again tomorrow.")
	case err != nil:
		return say(c.sorry(k, err))
	}
	return said
}

func (c clicks) carry(ctx context.Context, k slack.Click) ([]slack.Said, error) {
	desk := c.Auditor.Operate
	switch k.Do {
	case slack.DoPreview:
		return c.preview(ctx, k)
	case slack.DoRelease, slack.DoDiscard:
		return c.decide(ctx, k)
	case slack.DoSample:
		r, err := desk.Sample(ctx, k.Run, k.Provider, who(k.By), why(k))
		if err != nil {
			return nil, err
		}
		return say(fmt.Sprintf("%s re-checked: %d still failing, %d recovered, %d refused for another reason, %d without a response. Nobody was e-mailed; an approval today takes these results.",
			report.Number(r.Accounts, "account", "accounts"), r.Failing, r.Recovered, r.Otherwise, r.Unasked)), nil
	case slack.DoSnooze:
		return c.snooze(ctx, k)
	case slack.DoExplain:
		return c.explain(ctx, k)
	case slack.DoStop:
		was, err := c.Store.Setting(ctx, audit.SettingStopped)
		if err != nil {
			return nil, err
		}
		if was != "" {
			return say("Mails are stopped already: " + was + ". Nothing has changed."), nil
		}
		if err := desk.StopMails(ctx, who(k.By), why(k)); err != nil {
			return nil, err
		}
		c.thread(ctx, k, "Customer mails stopped by "+who(k.By))
		return say("No customer mail leaves from now on; mailaudit notices start lets them leave again."), nil
	}
	return nil, nil
}

// decide releases or discards, once enough people want it.
func (c clicks) decide(ctx context.Context, k slack.Click) ([]slack.Said, error) {
	desk, s := c.Auditor.Operate, c.Config.Slack
	hold, err := desk.OpenHold(ctx, k.Run, k.Provider)
	if err != nil {
		return nil, err
	}
	state, word := audit.HoldReleased, "approve"
	if k.Do == slack.DoDiscard {
		state, word = audit.HoldDiscarded, "discard"
	}
	by := who(k.By)
	if s.TwoApproversAbove > 0 && hold.Notices > s.TwoApproversAbove {
		wanting, err := desk.Approve(ctx, k.Run, k.Provider, state, k.By.ID, by, why(k))
		if err != nil {
			return nil, err
		}
		if !decide.Approved(hold.Notices, s.TwoApproversAbove, s.Approvers, wanting) {
			c.thread(ctx, k, fmt.Sprintf("%s: %s wants to %s; a second person decides, since %s are on hold", Title(k.Provider), by, word,
				report.Number(hold.Notices, "e-mail", "e-mails")))
			return say(fmt.Sprintf("Noted: %s. More than %d e-mails are on hold, so a second person must %s too. Nothing else has changed.", word, s.TwoApproversAbove, word)), nil
		}
		if others := slices.DeleteFunc(wanting, func(id string) bool { return id == k.By.ID || !slices.Contains(s.Approvers, id) }); len(others) > 0 {
			slices.Sort(others)
			by += " with Slack " + strings.Join(others, ", ")
		}
	}
	if k.Do == slack.DoDiscard {
		n, err := desk.Discard(ctx, k.Run, k.Provider, by, why(k))
		if err != nil {
			return nil, err
		}
		c.TellDecision(ctx, k.Run)
		return say(fmt.Sprintf("%s, run %s: %s discarded; the next run re-checks the accounts.", Title(k.Provider), k.Run, report.Number(n, "notice is", "notices are"))), nil
	}
	r, err := desk.Release(ctx, k.Run, k.Provider, by, why(k))
	if err != nil {
		return nil, err
	}
	c.TellDecision(ctx, k.Run)
	c.engine.Wake() // its mails may leave
	return say(fmt.Sprintf("%s, run %s: %s re-checked; %d still failing, %s; %d recovered; %d left to the next run.", Title(k.Provider), k.Run,
		report.Number(r.Accounts-r.Unasked, "account", "accounts"), r.Failing, report.Number(r.Queued, "mail is queued", "mails are queued"), r.Recovered, r.Otherwise+r.Unasked)), nil
}

func (c clicks) snooze(ctx context.Context, k slack.Click) ([]slack.Said, error) {
	if !slices.Contains(k.IDs, k.Choice) {
		return say("No tenant was chosen. Nothing has changed."), nil
	}
	until, err := time.ParseInLocation(time.DateOnly, k.Until, c.Config.TimeZone)
	if err != nil || !until.After(c.Now()) {
		return say("The date is over. Nothing has changed."), nil
	}
	if err := c.Auditor.Operate.Snooze(ctx, audit.Snooze{TenantID: k.Choice, Until: until, By: who(k.By)}, why(k)); err != nil {
		return nil, err
	}
	c.thread(ctx, k, fmt.Sprintf("Tenant %s is e-mailed nothing before %s, by %s", report.Plain(k.Choice), k.Until, who(k.By)))
	return say(fmt.Sprintf("Tenant %s is e-mailed nothing before %s.", report.Plain(k.Choice), k.Until)), nil
}

// explain tells by ids alone.
func (c clicks) explain(ctx context.Context, k slack.Click) ([]slack.Said, error) {
	if !slices.Contains(k.IDs, k.Choice) {
		return say("No account was chosen."), nil
	}
	e, err := c.Explain(ctx, k.Choice)
	if err != nil {
		return nil, err
	}
	e.Nights = e.Nights[max(0, len(e.Nights)-nightsExplained):]
	var text strings.Builder
	if err := e.Write(&text); err != nil {
		return nil, err
	}
	return []slack.Said{{Text: hideMailboxes(text.String()), Code: true}}, nil
}

const nightsExplained = 14

// preview shows mails as they would go out, with neither people nor mailboxes in them.
func (c clicks) preview(ctx context.Context, k slack.Click) ([]slack.Said, error) {
	hold, err := c.Auditor.Operate.OpenHold(ctx, k.Run, k.Provider)
	if err != nil {
		return nil, err
	}
	held, err := c.Store.HeldNotices(ctx, hold)
	if err != nil {
		return nil, err
	}
	desk, err := c.Preview()
	if err != nil {
		return nil, err
	}
	desk.Accounts = nameless{c.Source, c.Config.Slack.Show == "names"}
	said := say(fmt.Sprintf("%s on hold; samples:", report.Number(len(held), "e-mail", "e-mails")))
	for _, n := range Samples(held) {
		if len(said) > SamplesShown {
			break
		}
		m, why, err := desk.Preview(ctx, n, false)
		if err != nil {
			return nil, err
		}
		if why == "" {
			said = append(said, slack.Said{Text: notice.Reference(n.ID) + "\nSubject: " + hideMailboxes(m.Subject+"\n\n"+m.Text), Code: true})
		}
	}
	if len(said) == 1 {
		said = say("None of the e-mails on hold would go out as things are.")
	}
	return said, nil
}

// hideMailboxes leaves no address in a text for Slack, masked or not.
func hideMailboxes(text string) string { return mailboxForm.ReplaceAllString(text, "(mailbox)") }

// nameless reads accounts without the people in them.
type nameless struct {
	audit.Accounts
	tenants bool // their names are shown
}

func (n nameless) AccountsByID(ctx context.Context, ids []string) ([]audit.Account, error) {
	all, err := n.Accounts.AccountsByID(ctx, ids)
	for i := range all {
		all[i].ContactName = ""
		if !n.tenants {
			all[i].TenantName = ""
		}
	}
	return all, err
}

// thread says under the message what was clicked.
func (c clicks) thread(ctx context.Context, k slack.Click, text string) {
	if c.Publisher.slack == nil {
		return
	}
	if err := c.Publisher.slack.Reply(ctx, slack.Posted{Channel: k.Channel, TS: k.TS}, text); err != nil {
		c.Log.Warn("a click is carried out, and its message's thread does not say so", "click", string(k.Do), "err", err)
	}
}

func say(text string) []slack.Said { return []slack.Said{{Text: text}} }

// who is a person in the records: the id first, which nobody chooses.
func who(p slack.Person) string {
	if name := strings.TrimSpace(report.Plain(p.Name)); name != "" {
		return "Slack " + p.ID + " (" + name + ")"
	}
	return "Slack " + p.ID
}

// why is the reason that was given, with the message in which it was clicked.
func why(k slack.Click) string {
	return strings.TrimSpace(report.Plain(k.Why) + " [Slack message " + k.Message() + "]")
}

// TellRelease says in Slack that a command released so many mails that two people would have had to in Slack.
func (a *App) TellRelease(ctx context.Context, key, provider, by string, r operate.Released) {
	if bound := a.Config.Slack.TwoApproversAbove; bound == 0 || r.Held <= bound {
		return
	}
	poster, err := a.Slack()
	if err == nil && poster != nil {
		err = poster.Say(ctx, fmt.Sprintf("%s, run %s: %s released on the command line by %s; %s queued", Title(provider), key,
			report.Number(r.Held, "e-mail", "e-mails"), by, report.Number(r.Queued, "mail is", "mails are")))
	}
	if err != nil {
		a.Log.Warn("the release stands, and Slack was not told of it", "run", key, "err", err)
	}
}

var mailboxForm = regexp.MustCompile(`[^\s<>"'(]+@[^\s<>"'),;]+`)
