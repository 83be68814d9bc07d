package notice

import (
	"regexp"
	"strconv"
	"strings"
)

var reWait = regexp.MustCompile(`^(\d{1,4})\s*(?i:(m|min|mins|minutes?)|h|hrs?|hours?)$`)

// wait puts a stretch of time that the operator wrote in English, "15 minutes" or "2h", into the words of the
// letter. Anything else stays as it was written.
func (t texts) wait(written string) string {
	m := reWait.FindStringSubmatch(written)
	if m == nil {
		return written
	}
	key := "hours"
	if m[2] != "" {
		key = "minutes"
	}
	one, many, ok := strings.Cut(t.front(key, ""), ", ")
	n, err := strconv.Atoi(m[1])
	switch {
	case !ok || err != nil:
		return written
	case n == 1:
		return one
	}
	return replace(many, "n", strconv.Itoa(n))
}
