// Package years plays years of nights within minutes: an invented world of customers, providers, a relay, Slack and
// operators, in which the real program works, process by process, on a clock that nobody waits for.
//
// A seed makes a [Script]: what happens in which night. A [Stage] plays it inside a bubble of testing/synctest, whose
// clock goes on when everybody waits, and lets one call after the other through to the store and to the world: which,
// the seed decides. So several processes are interleaved, and killed, at every such call, and the same seed
// plays the same years again. What an outsider sees of them goes to a watcher, see package observe.
package years
