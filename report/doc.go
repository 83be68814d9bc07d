// Package report makes a run's report: the numbers, what changed, and what operations must do, in one
// place, so that every form of the report says the same. [Build] makes the [Summary]; [WriteJSON],
// [WriteCSV] and [WriteText] write it, and packages slack and page lay it out for Slack and for a browser.
// Reports of every account stream from the store and hold no run in memory.
package report
