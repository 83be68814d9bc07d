// Package scenario plays the program from outside: nights, incidents, faults and operators' commands over real sockets,
// by configuration and command line alone, in this process and as processes of their own. scene_test.go is the language
// that the tests share.
package scenario
