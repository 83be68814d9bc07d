// Package gate is what every account passes before it is believed, wherever it comes from: the program's own table, a
// view of the product's, another database, a CSV file, a decryption helper. It reads known synonyms, and names the
// column of whatever it does not know. What is not known is never read as something else.
//
// It is pure: no store, no clock, no network. It must never repeat a value in what it says, for a value may be a secret
// in the wrong column.
package gate
