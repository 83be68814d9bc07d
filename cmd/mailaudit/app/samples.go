package app

import "mailaudit/audit"

const (
	// SamplesShown is how many mails a preview shows.
	SamplesShown = 3
	samplesTried = 30 // notices that are looked at, since some may not go out any more
)

// Samples are notices to look at for samples: one of each kind and verdict first, so that few show much.
func Samples(all []audit.Notice) []audit.Notice {
	type sort struct {
		kind    audit.NoticeKind
		verdict audit.Verdict
	}
	seen := map[sort]bool{}
	var first, rest []audit.Notice
	for _, n := range all {
		s := sort{kind: n.Kind}
		if len(n.Items) > 0 {
			s.verdict = n.Items[0].Verdict
		}
		if seen[s] {
			rest = append(rest, n)
			continue
		}
		seen[s] = true
		first = append(first, n)
	}
	all = append(first, rest...)
	return all[:min(len(all), samplesTried)]
}
