// Package demo plays several nights of an invented customer base on loopback: simulated providers, a relay and a
// stand-in for Slack. It uses the program as an operator would, by its commands, and knows nothing of its inside.
package demo
