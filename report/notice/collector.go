package notice

import (
	"context"
	"sync"

	"mailaudit/providers"
)

// Collector takes mails as a relay would and keeps them: the sender of a dry run.
type Collector struct {
	mu    sync.Mutex
	mails []Message
}

// Send keeps m.
func (c *Collector) Send(ctx context.Context, m Message, beforeDot func(context.Context) error) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{Result: Retry, Detail: err.Error()}, err
	}
	if beforeDot != nil {
		if err := beforeDot(ctx); err != nil {
			return Outcome{Result: Retry, Detail: "not sent: " + err.Error()}, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mails = append(c.mails, m)
	reply := providers.Reply{Stage: providers.StageMail, Code: 250, Text: "kept, not sent"}
	return Outcome{Result: Sent, Stage: "dot", Reply: reply, Detail: words(reply)}, nil
}

// Mails gives what was kept, in the order of sending.
func (c *Collector) Mails() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Message(nil), c.mails...)
}
