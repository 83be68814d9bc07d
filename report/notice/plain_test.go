package notice

import "testing"

func TestNamesThatAGreetingTakes(t *testing.T) {
	for name, want := range map[string]string{
		"Maria": "Maria", " Maria  Lopez ": "Maria Lopez", "Dr. Anne-Marie O'Neil": "Dr. Anne-Marie O'Neil", "José María Núñez": "José María Núñez",
		"山田 太郎": "山田 太郎", "محمد علي": "محمد علي", "J. R. R. Tolkien": "J. R. R. Tolkien", "Zoe\u0308": "Zoe\u0308", "": "",
		"Your account was locked today": "", "Call 555 0142 now": "", "evil.example": "", "Go to evil.example": "", "http://evil.example": "",
		"x@evil.example": "", "<b>Maria</b>": "", "Maria $9.99": "", "Maria (front desk)": "", "ｅｖｉｌ．ｅｘａｍｐｌｅ": "", "evil。example": "", "Maria & Jose": "", "-": "",
		"{{settings}}": "", "Maria\nBcc: x": "", "+49 30 123456": "",
	} {
		if got := greetable(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestNamesOfClinics(t *testing.T) {
	for name, want := range map[string]string{
		"Sunrise Clinic": "Sunrise Clinic", "Clinic 24/7": "Clinic 24/7", "Dr. Lopez & Sons, Inc.": "Dr. Lopez & Sons, Inc.", "St. Mary's (North)": "St. Mary's (North)",
		"Pay at evil.example": "", "Call 800 555 0142": "", "ｗｗｗ．evil": "", "see x@evil.example": "",
	} {
		if got := personal(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
