package notice

import "errors"

// PageURL is the address of the guide page for one account of a letter; "" where no pages are served, or none tells of
// its verdict.
func PageURL(l Letter, s Settings) (string, error) {
	d, err := newDraft(l, s)
	if errors.Is(err, ErrNoMail) || err == nil && len(d.groups) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return d.page(d.groups[0]), nil
}
