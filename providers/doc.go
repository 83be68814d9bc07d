// Package providers is the outside mail world as the audit sees it: which provider owns a mailbox, what
// its servers say, and what they mean by it.
//
// A conversation yields a [Reply] (what was said) or a [Fault] (why nothing was said); the provider's
// rules read it as a [Class] (what is meant). What we then hold to be true of the account, a verdict, is
// not decided here but in package audit. The package does no I/O; package dial speaks to servers. Start
// with [Provider], then [Rules]; the rules themselves are the rules.yaml of each provider's folder, and
// common.yaml for what servers say everywhere. Package catalog lists the providers.
package providers
