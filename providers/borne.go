package providers

// Capacity is what one process found in a night that a provider bears of it. The zero value says nothing: the
// provider was down, or hardly asked.
type Capacity struct {
	AtOnce  int  // conversations at once
	Refused bool // more than that was refused; else nobody tried more
}
