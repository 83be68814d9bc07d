// Package slack tells operations about a run: one message a run, composed from a [report.Summary] by
// [Compose] and posted by a [Poster] with a bot token or through an incoming webhook. What to say is
// decided in package report; this package lays it out, keeps within Slack's limits whatever the night
// brings, and sees to it that nothing from data becomes a mention, a link or markup.
package slack
