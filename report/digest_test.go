package report

import "testing"

func TestSeal(t *testing.T) {
	const first, second = "purged-20260901T000000Z", "purged-20261002T000000Z"
	type facts map[string]string
	before := func(name string) string { return TombstoneFact + name }
	after := func(name string) string { return DigestFact + "/" + name }
	for _, c := range []struct {
		name         string
		kept, purges facts
		now, want    string
		unsealed     bool
	}{
		{"as published", facts{DigestFact: "a"}, nil, "a", "same", false},
		{"changed", facts{DigestFact: "a"}, nil, "b", "DIFFERENT", false},
		{"never published", nil, nil, "b", "none was kept", false},
		{"a purge that did not come", facts{DigestFact: "a"}, facts{before(first): "same"}, "a", "same", true},
		{"a purge that was cut off", facts{DigestFact: "a"}, facts{before(first): "same"}, "b", "DIFFERENT, the purge of 2026-09-01 was cut off: purge again", true},
		{"purged", facts{DigestFact: "a", after(first): "b"}, facts{before(first): "same"}, "b", "same since the purge of 2026-09-01", false},
		{"purged of what the digest does not cover", facts{DigestFact: "a", after(first): "a"}, facts{before(first): "same"}, "a", "same", false},
		{"purged, then changed", facts{DigestFact: "a", after(first): "b"}, facts{before(first): "same"}, "c", "DIFFERENT", false},
		{"purged, then changed back", facts{DigestFact: "a", after(first): "b"}, facts{before(first): "same"}, "a", "DIFFERENT", false},
		{"purged twice", facts{DigestFact: "a", after(first): "b", after(second): "c"}, facts{before(first): "same", before(second): "same"}, "c", "same since the purge of 2026-10-02", false},
		{"changed, then purged", facts{DigestFact: "a"}, facts{before(second): "DIFFERENT"}, "c", "DIFFERENT, before the purge of 2026-10-02 already", false},
		{"purged, changed, purged", facts{DigestFact: "a", after(first): "b"}, facts{before(first): "same", before(second): "DIFFERENT"}, "c", "DIFFERENT, before the purge of 2026-10-02 already", false},
	} {
		if got := seal(c.now, c.kept, c.purges); got.Compared != c.want || got.Unsealed() != c.unsealed {
			t.Errorf("%s: %q, unsealed %v; want %q, %v", c.name, got.Compared, got.Unsealed(), c.want, c.unsealed)
		}
	}
}
