package config

import (
	"net/url"
	"reflect"
	"slices"
	"strings"

	"mailaudit/providers"
)

// OpenerEnvironment is the environment of an opener: the program's own, in which the opener finds what it
// needs, without what is the program's alone. These are the variables whose names begin with MAILAUDIT_, the one
// that holds the fingerprint key, and those that a password, token or secret URL of the configuration came from.
func (c *Config) OpenerEnvironment(environ []string) []string {
	own := map[string]bool{}
	for _, secret := range secretsIn(reflect.ValueOf(c).Elem()) {
		own[secret] = true
		if u, err := url.Parse(secret); err == nil && u.User != nil {
			if password, given := u.User.Password(); given {
				own[password] = true
			}
		}
	}
	delete(own, "")
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "MAILAUDIT_") || own[value] || c.FingerprintKey == KeySource{Kind: "env", Value: name}
	})
}

// secretsIn lists the secrets of a configuration, wherever they stand.
func secretsIn(v reflect.Value) (all []string) {
	if s, ok := v.Interface().(providers.Secret); ok {
		return []string{s.Reveal()}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				all = append(all, secretsIn(v.Field(i))...)
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			all = append(all, secretsIn(it.Value())...)
		}
	}
	return all
}
