// Package cli is the command line: the tree of commands and one file for each. A command parses, calls package app, and
// prints. It decides nothing about accounts, notices or runs.
package cli
