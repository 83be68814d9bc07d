package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types of single values. Each reads its text by UnmarshalText, whose error is a predicate ("is not
// ..."): the loader puts line, key and value before it, and leaves out a value that may be secret.

const year = 365 * day

// ParseDuration reads a duration as the configuration writes it: "28d", "6y", "30s".
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }

// parseDuration reads Go's durations with y (365 days), w and d before them: "6y", "28d", "1d12h", "30s".
func parseDuration(text string) (time.Duration, error) {
	errForm := errors.New("is not a duration such as 30s, 15m, 72h or 28d")
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, fmt.Errorf("has no unit; write it like 30s, 15m, 72h or 28d")
	}
	var sum time.Duration
	rest := text
	for _, unit := range []struct {
		mark string
		size time.Duration
	}{{"y", year}, {"w", 7 * day}, {"d", day}} {
		digits, after, found := strings.Cut(rest, unit.mark)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			return 0, errForm
		}
		if n > uint64((math.MaxInt64-sum)/unit.size) {
			return 0, errors.New("is longer than can be counted")
		}
		sum += time.Duration(n) * unit.size
		rest = after
	}
	if rest == "" && rest != text {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || strings.HasPrefix(rest, "+") {
		return 0, errForm
	}
	if d < 0 {
		return 0, errors.New("is negative")
	}
	if d > math.MaxInt64-sum {
		return 0, errors.New("is longer than can be counted")
	}
	return sum + d, nil
}

// Percent is a share from 0 to 1, written "1%".
type Percent float64

func (p *Percent) UnmarshalText(text []byte) error {
	number, found := strings.CutSuffix(string(text), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil:
		return errors.New("is not a percentage such as 1%")
	case !found:
		return fmt.Errorf("has no unit; write it with a %% sign")
	case !(f >= 0 && f <= 100):
		return errors.New("is not between 0% and 100%")
	}
	*p = Percent(f / 100)
	return nil
}

// Rate is at most Count in each Per, written "2/s", "30/m" or "100/h".
type Rate struct {
	Count int
	Per   time.Duration
}

func (r *Rate) UnmarshalText(text []byte) error {
	count, unit, found := strings.Cut(string(text), "/")
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseUint(count, 10, 31)
	if !found || per == 0 || err != nil {
		return errors.New("is not a rate such as 2/s, 30/m or 100/h")
	}
	if n == 0 {
		return errors.New("is a rate of nothing; write at least 1/h")
	}
	*r = Rate{Count: int(n), Per: per}
	return nil
}

// KeySource says where key material comes from: Kind is the word before the colon (file, env, exec, unix),
// or "none"; the zero value is "not given".
type KeySource struct {
	Kind  string
	Value string
}

func (k *KeySource) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*k = KeySource{}
		return nil
	}
	if s == "none" {
		*k = KeySource{Kind: "none"}
		return nil
	}
	kind, value, _ := strings.Cut(s, ":")
	switch kind {
	case "file", "env", "exec", "unix":
	default:
		return errors.New("is not file:PATH, env:NAME, exec:COMMAND, unix:SOCKET or none")
	}
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("names nothing after the word %s", kind)
	}
	*k = KeySource{Kind: kind, Value: value}
	return nil
}

// String gives the source as it is written in the file.
func (k KeySource) String() string {
	if k.Kind == "" || k.Kind == "none" {
		return k.Kind
	}
	return k.Kind + ":" + k.Value
}
