package operate

// Ledger is what this package needs of the store: each file names its share.
type Ledger interface {
	changedStore
	correctStore
	deskStore
	nowStore
	purgeStore
	recheckStore
	releaseChangeStore
	releaseStore
	sourceStore
	toldBeforeStore
}
