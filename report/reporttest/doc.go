// Package reporttest invents nights for the tests of package report and of the packages that lay reports
// out: a [Store] that a report can be built from, and [Nights], one for each kind of night.
package reporttest
