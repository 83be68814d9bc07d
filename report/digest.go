package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// DigestFact is the name under which a run's digest is kept with it when its report is published.
const DigestFact = "report-sha256"

// Digest is the SHA-256, in hexadecimal, of what a concluded run's report says for good: the JSON report with
// mailboxes masked, without the counts of mails and the findings' "notice". Mails go on after the night (they
// are sent, held, released), everything else of it is rebuilt from the history to the same bytes, for as long as
// that is kept. Run the same night's report through it again to see that nothing was changed since.
func (s *Summary) Digest(ctx context.Context, src Source) (string, error) {
	masked := *s
	masked.FullAddresses = false
	sum := sha256.New()
	if err := masked.writeJSON(ctx, sum, src, true); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
