package audit

// Renumbering is an account to which the product gave another id.
type Renumbering struct{ New, Former string }
