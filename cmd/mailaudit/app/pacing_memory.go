package app

import (
	"time"

	"mailaudit/providers"
	"mailaudit/providers/pace"
)

// What one night found that a provider bears is where the next one begins. The hosts of "other" are not
// remembered: they are many, have few accounts each, and ban who is too fast for all of a tenant's mail.

// Recall implements [audit.Pacing].
func (p *pacing) Recall(provider string, found []providers.Capacity, age time.Duration, processes int) {
	if g := p.providers[provider]; g != nil && provider != OtherProvider {
		g.Recall(pace.Share(found, age, processes))
	}
}

// Capacity implements [audit.Pacing].
func (p *pacing) Capacity(provider string) providers.Capacity {
	if g := p.providers[provider]; g != nil && provider != OtherProvider {
		return g.Capacity()
	}
	return providers.Capacity{}
}
