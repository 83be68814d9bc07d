package audit

import "context"

// FactKeeper notes facts of a run.
type FactKeeper interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
}

const (
	AcceptFact = "accept-source"
)
