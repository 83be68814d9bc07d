package outbox

// Ledger is what this package needs of the store: each file names its share.
type Ledger interface {
	announcedStore
	dueStore
	envelopesStore
	eventsStore
	formingStore
	holdsStore
	shownStore
	suppressStore
}
