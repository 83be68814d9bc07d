package providers

import "testing"

// Text without a sign goes a shorter way; it must come out the same.
func FuzzFoldWords(f *testing.F) {
	for _, text := range []string{"Accepted", "Authentication successful", "  OK\u00a0then ", "gsmtp", "timestamp deadbeef", "認証に成功しました",
		"Authentification r\u00e9ussie", "OK x - gsmtp", "mail example com", "user@clinic.example"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []Reply{{Code: 235, Enhanced: "2.7.0", Text: text}, {Code: 535, Text: text}} {
			if short, long := foldText(r), foldSigns(truncate(text, maxFolded), r); short != long {
				t.Errorf("%q became %q, the long way %q", text, short, long)
			}
		}
	})
}
