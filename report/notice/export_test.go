package notice

import "slices"

// Locales lists the languages in which a provider's mails are written.
func (g *Guides) Locales(provider string) []string {
	var out []string
	if one := g.provider[provider]; one != nil {
		for l := range one.texts {
			if len(g.frame[l]) > 0 {
				out = append(out, l)
			}
		}
	}
	slices.Sort(out)
	return out
}
