// Package audit decides and remembers: the nouns of the nightly audit (account, run, verdict, notice), the
// store's contract, and the rules that turn what a provider said into what we hold to be true and into
// whom we tell. The rules are pure functions; what reaches out (asking a provider, opening a secret,
// storing) is handed in. The night's steps are methods of [Auditor]; package queue runs them as jobs.
package audit
