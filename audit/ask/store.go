package ask

// Ledger is what this package needs of the store: each file names its share.
type Ledger interface {
	attemptsStore
	checkStore
	clientStore
	controlStore
	converseStore
	destinationStore
	dryAnswerStore
	duplicateStore
	roundStore
	sharedHostStore
}
