package notice

import (
	"fmt"
	"strconv"
)

const defaultColour = "#0b57d0"

// parseColour reads "#rrggbb" or "#rgb" and gives the text colour, black or white, that is read on it more easily.
// An empty colour is the default.
func parseColour(s string) (colour, error) {
	if s == "" {
		s = defaultColour
	}
	if len(s) == 4 { // CSS doubles each digit, and mail programs know the long form alone
		s = string([]byte{s[0], s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return colour{}, fmt.Errorf("%q is not a colour such as %s", s, defaultColour)
	}
	// Relative luminance of WCAG 2.2 needs gamma; the weighted mean is near enough to pick one of two.
	light := 299*(n>>16) + 587*(n>>8&0xff) + 114*(n&0xff)
	if light > 150_000 {
		return colour{Back: s, Text: "#000000"}, nil
	}
	return colour{Back: s, Text: "#ffffff"}, nil
}

type colour struct{ Back, Text string }
