// Package audit has the nouns of the nightly audit (account, run, verdict, finding, notice, hold, policy) and the
// contract of the store that keeps them. A noun may say things about itself; it decides nothing, reads nothing and
// sends nothing. What is concluded from the nouns is in package decide, and whoever needs something of the store
// declares the few methods beside its own code; [Store] is what all of them add up to and what package storetest
// holds the two stores to.
//
// It imports package providers, and must import nothing else of this module.
package audit
