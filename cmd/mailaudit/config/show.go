package config

import (
	"io"
	"net/mail"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"mailaudit/providers"
)

// hidden stands in the place of a secret that is set.
const hidden = "[secret]"

// Show writes the whole configuration as YAML that [Load] reads, each key with the value in effect and secrets as
// "[secret]".
func (c *Config) Show(w io.Writer) error {
	text, err := yaml.MarshalWithOptions(shown(reflect.ValueOf(*c)), yaml.IndentSequence(true))
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// Shown is the configuration as maps, lists and texts, for JSON; secrets as in [Config.Show].
func (c *Config) Shown() any { return plain(shown(reflect.ValueOf(*c))) }

// shown is a value in the words of the file.
func shown(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case providers.Secret:
		return masked(x.Reveal())
	case Database:
		return x.shown()
	case RelayURL:
		return x.shown()
	case KeySource:
		return x.String()
	case Schedule:
		return x.Spec
	case SendWindow:
		return x.String()
	case Percent:
		return strconv.FormatFloat(float64(x)*100, 'f', -1, 32) + "%"
	case Rate:
		return x.String()
	case time.Duration:
		return durationText(x)
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.Format(time.DateOnly)
	case mail.Address:
		if x.Address == "" {
			return ""
		}
		return x.String()
	case netip.Prefix:
		return x.String()
	case *time.Location:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Struct:
		all := yaml.MapSlice{}
		for i := range v.NumField() {
			if name := v.Type().Field(i).Tag.Get("yaml"); name != "" && name != "-" {
				all = append(all, yaml.MapItem{Key: name, Value: shown(v.Field(i))})
			}
		}
		return all
	case reflect.Map:
		all := yaml.MapSlice{}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			all = append(all, yaml.MapItem{Key: key.String(), Value: shown(v.MapIndex(key))})
		}
		return all
	case reflect.Slice:
		all := []any{}
		for i := range v.Len() {
			all = append(all, shown(v.Index(i)))
		}
		return all
	}
	return v.Interface()
}

func plain(v any) any {
	switch x := v.(type) {
	case yaml.MapSlice:
		all := map[string]any{}
		for _, item := range x {
			all[item.Key.(string)] = plain(item.Value)
		}
		return all
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	}
	return v
}

func masked(secret string) string {
	if secret == "" {
		return ""
	}
	return hidden
}

// shown leaves out whatever in the URL may be a password: the part before the host, and the parameters that hold one.
func (d Database) shown() string {
	switch d.Kind {
	case SQLite:
		return "sqlite:" + d.Path
	case PostgreSQL:
		u, err := url.Parse(d.URL.Reveal())
		if err != nil {
			return hidden
		}
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), "secret")
		}
		query := u.Query()
		for name := range query {
			if strings.Contains(name, "password") {
				query.Set(name, "secret")
			}
		}
		u.RawQuery = query.Encode()
		return u.String()
	}
	return ""
}

func (r RelayURL) shown() string {
	if !r.Given() {
		return ""
	}
	scheme := map[string]string{RelayStartTLS: "smtp", RelayTLS: "smtps", RelayPlain: "smtp+insecure"}[r.Security]
	host := r.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + ":" + strconv.Itoa(r.Port)
}

// String is the rate as it is written in the file.
func (r Rate) String() string {
	unit := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h"}[r.Per]
	return strconv.Itoa(r.Count) + "/" + unit
}

// String is the window as it is written in the file.
func (w SendWindow) String() string {
	if w.To == 0 {
		return ""
	}
	var days []string
	for d, in := range w.Days {
		if in {
			days = append(days, time.Weekday(d).String()[:3])
		}
	}
	return strings.Join(days, ",") + " " + clockText(w.From) + "-" + clockText(w.To)
}

func clockText(d time.Duration) string {
	two := func(n time.Duration) string { return strconv.Itoa(int(n/10)) + strconv.Itoa(int(n%10)) }
	return two(d/time.Hour) + ":" + two(d%time.Hour/time.Minute)
}

// durationText is the duration as people write it: days where it is whole ones, years from one on.
func durationText(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%year == 0:
		return strconv.Itoa(int(d/year)) + "y"
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	text = strings.TrimSuffix(text, "0s")
	if text == "" || !strings.HasSuffix(text, "m") {
		return d.String()
	}
	if shorter := strings.TrimSuffix(text, "h0m"); shorter != text {
		return shorter + "h"
	}
	return text
}
