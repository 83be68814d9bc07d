// Package app is the program put together: it reads the configuration's meaning into the parts, opens stores and keys,
// works on the queue's jobs, keeps the schedule, publishes, delivers and counts. It is the only package that knows both
// sides of each seam.
//
// It parses no arguments and prints no results: that is package cli.
package app
