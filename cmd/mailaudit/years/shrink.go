package years

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shrink makes a script that fails small: it leaves out what is not needed for that. fails plays one, and is
// asked for about as long as within.
func Shrink(s Script, fails func(Script) bool, within time.Duration) Script {
	until := time.Now().Add(within)
	ask := func(smaller Script) bool {
		return time.Now().Before(until) && fails(smaller)
	}
	for n := 1; n < s.Setup.Tenants; n++ {
		smaller := s
		smaller.Setup.Tenants = n
		if ask(smaller) {
			s = smaller
			break
		}
	}
	for size := max(1, s.Steps()/2); ; size /= 2 {
		for from := 0; from < s.Steps(); {
			if smaller := s.without(from, size); ask(smaller) {
				s = smaller
			} else {
				from += size
			}
		}
		if size <= 1 || time.Now().After(until) {
			return s
		}
	}
}

// without leaves out some steps, counted over all nights.
func (s Script) without(from, n int) Script {
	out := Script{Seed: s.Seed, Setup: s.Setup}
	i := 0
	for _, night := range s.Nights {
		var kept Night
		for _, step := range night.Steps {
			if i < from || i >= from+n {
				kept.Steps = append(kept.Steps, step)
			}
			i++
		}
		out.Nights = append(out.Nights, kept)
	}
	return out
}

// First is the script's first nights.
func (s Script) First(nights int) Script {
	s.Nights = s.Nights[:min(nights, len(s.Nights))]
	return s
}

// Recipe is what [Script.Follow] makes the script from the one of its seed.
func (s Script) Recipe() string {
	var ids []string
	for _, night := range s.Nights {
		for _, step := range night.Steps {
			ids = append(ids, strconv.Itoa(step.ID))
		}
	}
	return fmt.Sprintf("%d/%d/%s", len(s.Nights), s.Setup.Tenants, strings.Join(ids, ","))
}

// Follow leaves of a script what a recipe names.
func (s Script) Follow(recipe string) (Script, error) {
	parts := strings.Split(recipe, "/")
	if len(parts) != 3 {
		return s, fmt.Errorf("recipe %q is not NIGHTS/TENANTS/STEP,STEP…", recipe)
	}
	nights, err1 := strconv.Atoi(parts[0])
	tenants, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return s, fmt.Errorf("recipe %q is not NIGHTS/TENANTS/STEP,STEP…", recipe)
	}
	keep := strings.Split(parts[2], ",")
	s = s.First(nights)
	s.Setup.Tenants = tenants
	nightsKept := make([]Night, len(s.Nights))
	for i, night := range s.Nights {
		for _, step := range night.Steps {
			if slices.Contains(keep, strconv.Itoa(step.ID)) {
				nightsKept[i].Steps = append(nightsKept[i].Steps, step)
			}
		}
	}
	s.Nights = nightsKept
	return s, nil
}
