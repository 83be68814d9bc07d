package years

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Script is what happens in some nights. It is made of a seed; leaving steps out of it leaves the others as they are,
// so that a failure can be made small.
type Script struct {
	Seed   uint64
	Setup  Setup
	Nights []Night
}

// Night is a day of the world, from midnight in UTC.
type Night struct {
	Steps []Step
}

// Step is one thing that happens.
type Step struct {
	ID int
	At time.Duration // since midnight
	// During: it happens once the process that began last has had so many calls let through, if that is before At; 0:
	// at At alone.
	During  int
	Kind    string   // an event's name, or "command"
	Command string   // a command's name, see commands.go
	Mishaps []Mishap // that befall the command's process
}

func (s Step) String() string {
	name := s.Kind
	if s.Command != "" {
		name = s.Command
	}
	text := fmt.Sprintf("%d %s at %v", s.ID, name, s.At)
	if s.During > 0 {
		text += fmt.Sprintf(" or after %d calls", s.During)
	}
	for _, m := range s.Mishaps {
		when := "before"
		if m.After {
			when = "after"
		}
		text += fmt.Sprintf(", %s %s call %d", m.Kind, when, m.At)
		if m.For > 1 {
			text += fmt.Sprintf(" and %d more", m.For-1)
		}
	}
	return text
}

// String lists the script.
func (s Script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d tenants\n", s.Seed, s.Setup.Tenants)
	for i, n := range s.Nights {
		for _, step := range n.Steps {
			fmt.Fprintf(&b, "night %d: %v\n", i+1, step)
		}
	}
	return b.String()
}

// Steps counts them.
func (s Script) Steps() int {
	n := 0
	for _, night := range s.Nights {
		n += len(night.Steps)
	}
	return n
}

// calmNights end every script: nothing happens but the nightly run and deliveries every four hours, so that all that is owed is paid.
const calmNights = 16

// NewScript makes the script of a seed.
func NewScript(seed uint64, nights int) Script {
	pick := rand.New(rand.NewPCG(seed, 1))
	s := Script{Seed: seed, Setup: Setup{Tenants: 3 + pick.IntN(10)}}
	id := 0
	wild := 0.5 + 3*pick.Float64() // steps a night beside the routine
	for i := range nights {
		calm := i >= nights-calmNights
		var night Night
		add := func(step Step) {
			id++
			step.ID = id
			night.Steps = append(night.Steps, step)
		}
		night.routine(pick, add, calm)
		if !calm {
			for range int(wild + pick.Float64()*wild) {
				add(randomStep(pick))
			}
		} else if i == nights-calmNights {
			add(Step{Kind: "calm"})
		}
		slices.SortStableFunc(night.Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
		s.Nights = append(s.Nights, night)
	}
	return s
}

// routine is what cron does: the run, the hourly deliveries, and run --changed.
func (n *Night) routine(pick *rand.Rand, add func(Step), calm bool) {
	run := Step{At: 2*time.Hour + 15*time.Minute, Kind: "command", Command: "run"}
	add(Step{At: 10 * time.Hour, Kind: "command", Command: "duties"})
	if calm {
		add(run)
		for hour := 1; hour < 24; hour += 4 {
			add(Step{At: time.Duration(hour)*time.Hour + 40*time.Minute, Kind: "command", Command: "deliver"})
		}
		return
	}
	if pick.IntN(5) == 0 {
		run.Mishaps = mishaps(pick, 250)
	}
	if pick.IntN(25) > 0 {
		add(run)
		if len(run.Mishaps) > 0 && pick.IntN(4) > 0 {
			again := run
			again.At += time.Duration(20+pick.IntN(60)) * time.Minute
			again.Mishaps = nil
			if pick.IntN(3) == 0 {
				again.Mishaps = mishaps(pick, 120)
			}
			add(again)
		}
	}
	for _, hour := range []int{9, 13, 17} {
		deliver := Step{At: time.Duration(hour)*time.Hour + time.Duration(pick.IntN(60))*time.Minute, Kind: "command", Command: "deliver"}
		if pick.IntN(8) == 0 {
			deliver.Mishaps = mishaps(pick, 40)
		}
		add(deliver)
	}
	if pick.IntN(3) == 0 {
		add(Step{At: time.Duration(11*60+pick.IntN(300)) * time.Minute, Kind: "command", Command: "run --changed"})
	}
}

// mishaps of one process, within about so many calls.
func mishaps(pick *rand.Rand, calls int) []Mishap {
	m := Mishap{At: 1 + pick.IntN(calls), After: pick.IntN(2) == 0, Kind: MishapKill}
	switch pick.IntN(6) {
	case 0:
		m.Kind = MishapTerm
	case 1, 2:
		m.Kind, m.For = MishapAway, 1+pick.IntN(6)
	}
	return []Mishap{m}
}

// randomStep is an event or an operator's command, at any moment, a third of them while a process is at work.
func randomStep(pick *rand.Rand) Step {
	s := Step{At: time.Duration(pick.IntN(24*60)) * time.Minute}
	if pick.IntN(2) == 0 {
		s.Kind = oneOf(pick, eventNames)
	} else {
		s.Kind, s.Command = "command", oneOf(pick, commandNames)
		if pick.IntN(8) == 0 {
			s.Mishaps = mishaps(pick, 30)
		}
	}
	if pick.IntN(3) == 0 {
		s.At = 2*time.Hour + 16*time.Minute + time.Duration(pick.IntN(90))*time.Minute
		s.During = 1 + pick.IntN(250)
	}
	return s
}

// Quiet leaves crashes and what several processes do at once out of a script: the number of a call, and who waits for
// whom, differ from database to database. It is to be played with [Options.Alone].
func (s Script) Quiet() Script {
	out := Script{Seed: s.Seed, Setup: s.Setup}
	for _, night := range s.Nights {
		var kept Night
		for _, step := range night.Steps {
			step.Mishaps, step.During = nil, 0
			if !strings.HasSuffix(step.Command, "twice") && step.Command != "notices release or discard" && !strings.HasPrefix(step.Command, "serve") {
				kept.Steps = append(kept.Steps, step)
			}
		}
		out.Nights = append(out.Nights, kept)
	}
	return out
}
