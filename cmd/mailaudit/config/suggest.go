package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

func keysOf[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// unknownKey refuses a key and names the one that was perhaps meant: the nearest of its neighbours, or the
// same word in another place.
func (f *configFile) unknownKey(parent string, e pair, known []string) error {
	hint := ""
	if near := nearest(e.name, known); near != "" {
		hint = "; did you mean " + near + "?"
	} else if places := placesOf(e.name); len(places) == 1 {
		hint = "; did you mean " + places[0] + "?"
	} else if parent == "providers" {
		hint = "; known are " + strings.Join(known, ", ")
	}
	return f.faultAt(e.line, join(parent, e.name), "is not a key of the configuration"+hint)
}

// nearest gives the name that the fewest slips of the keyboard make of word, "" where none is near.
func nearest(word string, names []string) string {
	best, at := "", 3
	for _, name := range names {
		limit := min(2, len(name)/3)
		if d := slips(strings.ToLower(word), name, limit); d <= limit && d < at {
			best, at = name, d
		}
	}
	return best
}

// slips counts letters lost, added, changed or swapped with a neighbour (optimal string alignment); above
// limit any number may be returned.
func slips(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// placesOf lists the full names of the keys whose last word is word.
func placesOf(word string) (places []string) {
	var walk func(key string, t reflect.Type)
	walk = func(key string, t reflect.Type) {
		for i := range t.NumField() {
			field := t.Field(i)
			name := field.Tag.Get("yaml")
			if name == "" {
				continue
			}
			if name == word && key != "" {
				places = append(places, join(key, name))
			}
			switch {
			case field.Type.Kind() == reflect.Struct:
				walk(join(key, name), field.Type)
			case field.Type.Kind() == reflect.Map && field.Type.Elem().Kind() == reflect.Struct:
				walk(join(key, name)+".NAME", field.Type.Elem())
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	return places
}
