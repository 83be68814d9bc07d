package report

import (
	"strings"
	"unicode"
)

const masking = "•••••"

// Mask hides a mailbox's name and keeps what its owner knows it by: "fr•••••@gmail.com". The number of
// dots says nothing of the name's length. Masking a masked address changes nothing.
func Mask(address string) string {
	address = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return -1 // control and direction characters would reach terminals and pages
		}
		return r
	}, strings.ToValidUTF8(address, ""))
	name, domain := address, ""
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		name, domain = address[:at], address[at:]
	}
	if strings.HasSuffix(name, masking) && len([]rune(name)) <= 2+len([]rune(masking)) {
		return name + domain
	}
	runes := []rune(name)
	keep := 2
	if len(runes) <= 3 {
		keep = len(runes) / 2
	}
	return string(runes[:keep]) + masking + domain
}
