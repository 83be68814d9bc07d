package notice

import (
	"context"
	"errors"
	"fmt"

	"mailaudit/audit"
	"mailaudit/report"
)

// Preview composes a notice as it would go out now. why tells that it would not, and for what reason. Unless
// full is set, the recipient's name is masked in the head, and the envelope leads nowhere.
func (d *Dispatcher) Preview(ctx context.Context, n audit.Notice, full bool) (m Message, why string, err error) {
	r, err := d.read(ctx, n)
	if r.why != "" || err != nil {
		return m, r.why, err
	}
	l := r.letter
	if !full {
		l.ContactEmail = "masked@example.invalid" // RFC 2606
	}
	settings := d.Settings
	if !full {
		settings.ShowMailbox = ShowMasked
	}
	m, err = Compose(l, settings)
	if errors.Is(err, ErrRecipient) {
		return m, err.Error(), nil
	}
	if err != nil {
		return m, "", fmt.Errorf("compose notice %s: %w", Reference(n.ID), err)
	}
	if !full {
		m.To = report.Mask(n.ContactEmail)
	}
	return m, "", nil
}
