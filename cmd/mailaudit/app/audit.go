package app

import (
	"log/slog"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/aside"
	"mailaudit/audit/ask"
	"mailaudit/audit/history"
	"mailaudit/audit/night"
	"mailaudit/audit/operate"
	"mailaudit/audit/outbox"
)

// Audit is the packages of the audit over one store, as a command uses them.
type Audit struct {
	Aside   *aside.Keeper
	Ask     *ask.Asker
	Night   *night.Auditor
	Outbox  *outbox.Outbox
	Operate *operate.Desk
	History *history.Reader
}

// Ledger is what they need of a store.
type Ledger interface {
	aside.Ledger
	ask.Ledger
	night.Ledger
	outbox.Ledger
	operate.Ledger
	history.Ledger
}

// NewAudit puts them together. What asks accounts (the functions of [ask.Asker]) is set by whoever asks.
func NewAudit(accounts audit.Accounts, store Ledger, policy audit.Policy, now func() time.Time, log *slog.Logger) *Audit {
	keeper := &aside.Keeper{Accounts: accounts, Ledger: store, Now: now, Log: log}
	asker := &ask.Asker{Accounts: accounts, Ledger: store, Aside: keeper, Policy: policy, Now: now, Log: log}
	box := &outbox.Outbox{Accounts: accounts, Ledger: store, Aside: keeper, Policy: policy, Now: now}
	steps := &night.Auditor{Accounts: accounts, Ledger: store, Aside: keeper, Ask: asker, Outbox: box, Policy: policy, Now: now, Log: log}
	return &Audit{
		Aside:  keeper,
		Ask:    asker,
		Outbox: box,
		Night:  steps,
		Operate: &operate.Desk{Accounts: accounts, Ledger: store, Aside: keeper, Ask: asker, Outbox: box, Policy: policy, Now: now, Log: log,
			Title: func(provider string) string { // whoever sets it sets it once, at the night
				if steps.Title == nil {
					return provider
				}
				return steps.Title(provider)
			}},
		History: &history.Reader{Accounts: accounts, Ledger: store, Outbox: box, Policy: policy, Now: now, Log: log},
	}
}
