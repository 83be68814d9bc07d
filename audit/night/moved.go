package night

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mailaudit/audit"
	"mailaudit/audit/ask"
)

// movedStore is what this file needs of the store. The contracts are in package audit.
type movedStore interface {
	Bindings(ctx context.Context, ids []string) (map[string]string, error)
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	Setting(ctx context.Context, name string) (string, error)
}

const (
	// movedTogether is how many accounts that worked elsewhere may lead to one new host before a person looks.
	movedTogether = 10
	movedFact     = "moved/"
)

// noteMoved counts by host the accounts of a page that were accepted elsewhere and now lead to it. A provider's own hosts
// count for nothing, nor do those to which an address itself leads.
func (a *Auditor) noteMoved(ctx context.Context, run audit.Run, page []audit.Account, targets []ask.Target) error {
	var ids []string
	for i, t := range targets {
		if t.Provider != nil && t.Provider.Name == audit.ProviderOther && t.Endpoint.Host != "" {
			ids = append(ids, page[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	bindings, err := a.Ledger.Bindings(ctx, ids)
	if err != nil {
		return err
	}
	moved := map[string]int{}
	for i, t := range targets {
		from := ask.BoundTo(bindings[page[i].ID])
		if from == "" || t.Provider == nil || from == t.Destination() || strings.HasPrefix(from, t.Endpoint.Host+":") {
			continue
		}
		if a.Ask.Leads != nil {
			if leads, err := a.Ask.Leads(ctx, page[i].Login(), t.Endpoint.Host); leads && err == nil {
				continue
			}
		}
		moved[t.Endpoint.Host]++
	}
	for host, n := range moved {
		name := movedFact + host + "/" + page[len(page)-1].ID
		if _, err := a.Ledger.KeepFact(ctx, run.Key, name, strconv.Itoa(n)); err != nil {
			return err
		}
	}
	return nil
}

// checkMoved stops a run in which many accounts lead to one new host for which nobody vouches.
func (a *Auditor) checkMoved(ctx context.Context, run audit.Run, p *Preflight) error {
	facts, err := a.Ledger.Facts(ctx, run.Key, movedFact)
	if err != nil {
		return err
	}
	moved := map[string]int{}
	for name, count := range facts {
		host, _, _ := strings.Cut(name[len(movedFact):], "/")
		if n, err := strconv.Atoi(count); err == nil {
			moved[host] += n
		}
	}
	for _, host := range slices.Sorted(maps.Keys(moved)) {
		if moved[host] < movedTogether {
			continue
		}
		by, err := a.Ledger.Setting(ctx, audit.SettingVouchedHost+host)
		if err != nil {
			return err
		}
		if by == "" {
			p.Stop = fmt.Sprintf("%d mailboxes that were accepted elsewhere now lead to the mail server %s; if that is right, mailaudit accounts vouch --host %s --by WHO, then start the run once more",
				moved[host], host, host)
			return nil
		}
	}
	return nil
}
