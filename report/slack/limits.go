package slack

// Slack's documented limits (docs.slack.dev, Block Kit reference and chat.postMessage), and how much of
// them one message of ours uses.
const (
	sectionMax = 3000 // characters of a section's text
	textMax    = 4000 // characters of a message's text
	cellMax    = 60   // of a table's cell; all cells of a message together: 10,000

	shortTextMax = 500 // the text beside blocks is what notifications show
	actionsMax   = 8
	groupsMax    = 5 // lines of new findings
	idsMax       = 3 // accounts a line
	rowsMax      = 12

	holdsMax    = 4
	headlineMax = 140
	aheadMax    = 3
	pointsMax   = 14 // of the chart: every other night of four weeks; a series has at most 20

	idMax       = 40
	nameMax     = 60
	sentenceMax = 240
	commandMax  = 200
)
