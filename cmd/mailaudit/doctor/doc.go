// Package doctor checks everything that a run needs, through the parts that the run uses, and says what to fix. It
// stores one row of its own, opens secrets without sending one, and mails and posts nothing.
package doctor
