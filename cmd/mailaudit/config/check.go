package config

import (
	"cmp"
	"crypto/x509"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailaudit/providers"
)

// checker gathers what is wrong with values that were read, so that the first in the file is reported.
type checker struct {
	*configFile
	faults []error
}

// first gives the fault that stands highest in the file, those without a line last.
func (k *checker) first() error {
	if len(k.faults) == 0 {
		return nil
	}
	line := func(err error) int {
		if n := err.(*Error).Line; n > 0 {
			return n
		}
		return 1 << 30
	}
	slices.SortStableFunc(k.faults, func(a, b error) int { return cmp.Compare(line(a), line(b)) })
	return k.faults[0]
}

// wrong reports a value by a predicate.
func (k *checker) wrong(key, predicate string) {
	k.faults = append(k.faults, k.fault(key, predicate))
}

// conflict reports keys that do not go together, at the line of key, by a whole sentence.
func (k *checker) conflict(key, sentence string) {
	k.faults = append(k.faults, k.faultAt(k.given[key].line, key, sentence))
}

func (k *checker) predicate(key string, err error) {
	if err != nil {
		k.wrong(key, err.Error())
	}
}

func (k *checker) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		list := strings.Join(words, ", ")
		if words[0] == "" {
			list = `""` + list
		}
		k.wrong(key, "is not one of "+list)
	}
}

func (k *checker) atLeast(key string, value, least int) {
	if value < least {
		k.wrong(key, "is less than "+strconv.Itoa(least))
	}
}

func (k *checker) positive(key string, value time.Duration) {
	if value <= 0 {
		k.wrong(key, "is no time at all")
	}
}

func (k *checker) url(key, value string, rule urlRule) {
	if value != "" {
		k.predicate(key, checkURL(value, rule))
	}
}

// placeholders refuses a name in braces that nothing replaces.
func (k *checker) placeholders(key, value string) {
	for _, name := range inBraces.FindAllString(value, -1) {
		if name != "{account_id}" && name != "{tenant_id}" {
			k.wrong(key, "has "+name+" in it; only {account_id} and {tenant_id} are replaced")
		}
	}
}

var inBraces = regexp.MustCompile(`\{[^{}]*\}`)

func (k *checker) secretURL(key string, value providers.Secret, rule urlRule) {
	k.url(key, value.Reveal(), rule)
}

// ids refuses what cannot be an id.
func (k *checker) ids(key string, list []string) {
	for i, id := range list {
		if strings.TrimSpace(id) == "" {
			k.wrong(index(key, i), "is empty")
		}
	}
}

func (k *checker) providerNames(key string, list []string) {
	for i, name := range list {
		k.oneOf(index(key, i), name, providerNames...)
	}
}

// file reads a file that a key names, nil where none is named or it was refused.
func (k *checker) file(key, path string) []byte {
	if path == "" {
		return nil
	}
	data, err := k.readFile(path)
	if err != nil {
		k.wrong(key, "cannot be read: "+reason(err))
		return nil
	}
	return data
}

func (k *checker) certificates(key, path string) {
	if data := k.file(key, path); data != nil && !x509.NewCertPool().AppendCertsFromPEM(data) {
		k.wrong(key, "has no certificate in PEM form in it")
	}
}

func (k *checker) picture(key, path string) {
	data := k.file(key, path)
	if data == nil {
		return
	}
	switch http.DetectContentType(data) {
	case "image/png", "image/jpeg", "image/gif":
	default:
		k.wrong(key, "is not a PNG, JPEG or GIF picture")
	}
}

var colourForm = regexp.MustCompile(`^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)

func (k *checker) colour(key, value string) {
	if value != "" && !colourForm.MatchString(value) {
		k.wrong(key, "is not a colour such as #1a73e8")
	}
}

// ehlo takes what may follow EHLO: a domain or an address literal.
var ehloForm = regexp.MustCompile(`^(\[[0-9A-Fa-f.:IPv]+\]|[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?)$`)

func (k *checker) ehlo(key, value string) {
	if value != "" && !ehloForm.MatchString(value) {
		k.wrong(key, "is not a host name such as mail.example.com")
	}
}

func (k *checker) hostMap(key string, m HostMap) {
	for from, to := range m {
		if _, _, ok := splitHostPort(from); !ok {
			// The fault is in the key itself, which is no secret.
			k.conflict(join(key, from), "is not host:port on the left")
			continue
		}
		if _, _, ok := splitHostPort(to); !ok {
			k.wrong(join(key, from), "is not host:port")
		}
	}
}

func (k *checker) listenAddress(key, value string) {
	if value == "" {
		return
	}
	// An empty host means all of the machine's addresses.
	if strings.HasPrefix(value, ":") {
		value = "all" + value
	}
	if _, _, ok := splitHostPort(value); !ok {
		k.wrong(key, "is not host:port such as 127.0.0.1:9464")
	}
}

func (k *checker) keySource(key string, source KeySource, kinds ...string) {
	if !slices.Contains(kinds, source.Kind) {
		k.wrong(key, "is not "+strings.Join(kinds, ":... or ")+":...")
	}
}

// ascending wants times after zero, each later than the one before.
func (k *checker) ascending(key string, list []time.Duration) {
	var last time.Duration
	for i, d := range list {
		if d <= last {
			k.wrong(index(key, i), "is not later than the one before it")
		}
		last = d
	}
}

// distinct refuses an id that stands in both lists: it would have to be accepted and refused.
func (k *checker) distinct(key string, a, b []string) {
	for i, id := range b {
		if slices.Contains(a, id) {
			k.wrong(index(key, i), "stands in both lists")
		}
	}
}

func index(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }
