package night

// Ledger is what this package needs of the store: each file names its share.
type Ledger interface {
	canaryStore
	concludeStore
	expiryStore
	missingStore
	movedStore
	paceStore
	planStore
	preflightStore
	renumberStore
	reversalsStore
	rulingsStore
	runStore
	verifyStore
	walkStore
	warnStore
	windowEndStore
}
