// Package observe holds what an outsider sees of simulated years: the truth of the invented world, and what
// mailaudit shows of itself to providers, customers, operations and operators. It has types alone. The engine
// emits observations in the order in which they happened; an oracle takes them one by one and reports violations.
//
// Nothing here comes from mailaudit's code. What a field of mailaudit's own words means (a verdict, a run's
// status, a notice's state) stands in what the program promises its operators; such fields are plain strings.
//
// The stream of one world:
//
//	Began, Configured                      once, before all else; Configured again whenever it changes
//	AccountIs, AccountGone, MailboxIs …    the truth, whenever it changes; mailaudit sees it through its source
//	ProcessStarted … ProcessEnded|Crashed  each process; several may overlap
//	  CommandBegan … CommandEnded          each command of an operator or of cron; a crash may swallow the end
//	  SignIn, Mail, SlackCall              as the provider, the relay and Slack saw them
//	NightEnded                             after each world night, followed by
//	  Database, Shown …                    what the database and the commands that show something say then
//	Ended                                  once, after the world was calm for long enough that nothing is owed
package observe

import "time"

// Observation is one thing that happened.
type Observation struct {
	N       int       // 1, 2, 3 … in the order of the events
	At      time.Time // the world's true clock, UTC; never runs backwards
	Shown   time.Time // what the clocks of mailaudit's machines showed; differs from At after a ClockMoved
	Night   int       // counts the world's nights, from 1
	Process int       // the process of mailaudit that caused it; 0 where none did
	What    What
}

// What is one of the types of this package that a stream may hold.
type What interface{ observed() }

// Violation is a promise that was seen broken.
type Violation struct {
	Rule string // short and stable: "attempts per day"
	Text string // what was seen and what was promised, with ids, moments and numbers
	N    int    // the observation that showed it
}

// Watcher is what the engine feeds. Watch returns the violations that o shows, and none that it returned before.
type Watcher interface {
	Watch(o Observation) []Violation
}

// SecretID names a secret: equal exactly where the secrets are equal. It never holds the secret.
type SecretID string

// Began opens a stream.
type Began struct {
	Seed  uint64
	Store string // "sqlite" or "postgres"
}

// Ended closes it.
type Ended struct {
	// CalmSince: since when nothing was broken or hindered: relay, Slack, providers and clocks were well, deliver
	// ran hourly, and no operator kept anything back.
	CalmSince time.Time
}

// NightEnded: a day of the world is over: its runs, deliveries and commands. Database and Shown follow.
type NightEnded struct {
	Runs []string // keys of the runs that were started or worked on since the last NightEnded
}

func (Began) observed()      {}
func (Ended) observed()      {}
func (NightEnded) observed() {}
