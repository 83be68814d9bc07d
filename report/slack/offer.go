package slack

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// offer is one message on its way into the channel, in a form that Slack takes. What Slack refuses is left out, the
// least needed first: chart, table, metadata, blocks, and of the words all but the headline. So its words arrive
// whatever this workspace knows of blocks, and whatever it allows.
//
// After an answer that means "perhaps" nothing is sent again before somebody has looked into the channel. Only a word
// that is not known is looked up at once, for the next plainer form may be what it asks for; the others pass, and the
// caller comes back.
type offer struct {
	p         *Poster
	about     slack.SlackMetadata
	run       string // whose summary it is; "" for what is not looked for
	ref       string // of the message that is replaced; "" for a new one
	mayRepeat bool
	compose   func(mayRepeat bool) Message

	left   form
	unsure bool // an earlier form may stand in the channel, and nobody could look
}

// form is what a message goes without.
type form struct {
	chart, table, metadata, blocks, details bool
}

func (o *offer) make(ctx context.Context) (Posted, error) {
	missed := o.p.missed.of(o.run)
	if o.run != "" && missed >= wholeTries {
		o.left.chart, o.left.table, o.left.blocks = true, true, true
	}
	for {
		// Without metadata an earlier message of the run would not have been found.
		m := o.compose(o.mayRepeat || o.unsure || o.left.metadata && missed > 0)
		at, err := o.p.send(ctx, o.metadata(), o.left.of(m), o.ref)
		if err == nil {
			at.Plain = o.left.blocks
			return at, nil
		}
		known := !o.left.metadata
		if !o.leaveOut(m, err.about) {
			err.Uncertain = err.Uncertain || o.unsure
			return Posted{}, err
		}
		if !err.Uncertain || o.ref != "" {
			continue
		}
		if at, found := o.look(ctx, known); found {
			return at, nil
		}
	}
}

func (o *offer) metadata() *slack.SlackMetadata {
	if o.left.metadata {
		return nil
	}
	return &o.about
}

// look looks whether the message stands there after all, if it is known again by its metadata. Where that cannot be
// told, what follows may repeat it.
func (o *offer) look(ctx context.Context, known bool) (at Posted, found bool) {
	if o.run == "" || !known {
		o.unsure = true
		return at, false
	}
	at, found, err := o.p.look(ctx, o.run, time.Now())
	o.unsure = o.unsure || err != nil
	return at, found
}

// leaveOut chooses the next plainer form; false where none is left, or none helps.
func (o *offer) leaveOut(m Message, refused part) bool {
	f := &o.left
	chart, table := has(m, slack.MBTDataVisualization), has(m, slack.MBTTable)
	for _, next := range []struct {
		gone   *bool
		there  bool
		blamed []part
	}{
		{&f.metadata, o.p.api != nil, []part{partMetadata}},
		{&f.chart, chart, []part{partBlocks, partAny}},
		{&f.table, table, []part{partBlocks, partAny}},
		{&f.metadata, o.p.api != nil, []part{partAny}},
		{&f.blocks, len(m.Blocks) > 0, []part{partBlocks, partAny, partMetadata}},
		{&f.details, m.Plain != m.Text, []part{partBlocks, partAny, partMetadata}},
		{&f.metadata, o.p.api != nil, []part{partBlocks}},
	} {
		if next.there && !*next.gone && slices.Contains(next.blamed, refused) {
			*next.gone = true
			return true
		}
	}
	return false
}

// of is the message in this form.
func (f form) of(m Message) Message {
	switch {
	case f.details:
		return Message{Text: m.Text}
	case f.blocks:
		return Message{Text: m.Plain}
	}
	m.Blocks = slices.DeleteFunc(slices.Clone(m.Blocks), func(b slack.Block) bool {
		return f.chart && b.BlockType() == slack.MBTDataVisualization || f.table && b.BlockType() == slack.MBTTable
	})
	return m
}

func has(m Message, kind slack.MessageBlockType) bool {
	return slices.ContainsFunc(m.Blocks, func(b slack.Block) bool { return b.BlockType() == kind })
}

// wholeTries is how often a summary that was looked for in vain is offered whole: a Slack that fails at one of its
// blocks each time gets the words alone.
const wholeTries = 3

// missed counts by run: how often its message was looked for and not found, or nobody could tell. The zero value is
// ready.
type missed struct {
	mu sync.Mutex
	by map[string]int
}

func (m *missed) add(run string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = map[string]int{}
	}
	m.by[run]++
	return m.by[run]
}

func (m *missed) of(run string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.by[run]
}
