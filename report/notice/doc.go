// Package notice writes and sends the mails to customers: it reads the guides that the providers' folders
// hold, composes a mail from a [Letter], and hands it to the relay. It decides neither who is told nor
// when, and it keeps nothing; package audit does. Start with [Compose], [LoadGuides] and [NewSender].
package notice
