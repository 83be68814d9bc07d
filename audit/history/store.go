package history

// Ledger is what this package needs of the store: each file names its share.
type Ledger interface {
	explainStore
	rulesStore
}
