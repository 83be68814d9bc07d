package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/slack-go/slack"
)

// specimen has one of each kind of block that a summary may have.
func specimen() []slack.Block {
	return []slack.Block{
		section("*Nightly mail audit*"),
		table([][]string{{"Provider", "Accounts"}, {"Google", "12"}}),
		slack.NewDataVisualizationBlock("Open findings, 2 runs", slack.NewDataVisualizationLineChart(
			slack.NewDataVisualizationAxisConfig("1 Nov", "2 Nov"), slack.DataVisualizationDataSeries{
				Name: "open", Data: []slack.DataVisualizationDataPoint{
					slack.NewDataVisualizationDataPoint("1 Nov", 3), slack.NewDataVisualizationDataPoint("2 Nov", 2),
				},
			})),
		slack.NewContextBlock("", mrkdwn("mailaudit report")),
	}
}

// validated is the answer of blocks.validate.
type validated struct {
	OK     bool   `json:"ok"`
	Error  string `json:"error"`
	Errors []struct {
		Pointer string `json:"pointer"` // "/2/type", or "/blocks/2/type"
		Message string `json:"message"`
	} `json:"errors"`
	Detail struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// checkBlocks asks Slack whether it takes the kinds of blocks that a summary has (docs.slack.dev, blocks.validate: no
// scope, and nothing is posted). What it refuses is left out when a summary is posted, so this is worth a note and no
// more; where the token may not ask, or Slack does not know the method, there is nothing to note.
func (p *Poster) checkBlocks(ctx context.Context, c *Checked) {
	blocks := specimen()
	data, err := json.Marshal(blocks)
	if err != nil {
		return
	}
	form := url.Values{"blocks": {string(data)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(cmp.Or(p.APIURL, slack.APIURL), "/")+"/blocks.validate", strings.NewReader(form.Encode()))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+p.Token.Reveal())
	resp, err := p.client.Do(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	var answer validated
	if json.NewDecoder(resp.Body).Decode(&answer) != nil || answer.OK || answer.Error != "invalid_blocks" {
		return
	}
	refused := answer.Detail.Messages
	for _, e := range answer.Errors {
		refused = append(refused, e.Pointer)
	}
	kinds := map[slack.MessageBlockType]bool{}
	for _, at := range refused {
		if i := indexOf(at); i >= 0 && i < len(blocks) {
			kinds[blocks[i].BlockType()] = true
		}
	}
	what := "some of the summary's blocks"
	switch {
	case len(kinds) == 0 || len(kinds) > 1:
	case kinds[slack.MBTTable]:
		what = "tables"
	case kinds[slack.MBTDataVisualization]:
		what = "charts"
	}
	c.note("Slack refuses " + what + " in this workspace; the summary is posted without them")
}

// indexOf finds the block's place in a JSON pointer; -1 if it names none.
func indexOf(pointer string) int {
	_, after, found := strings.Cut(pointer, "/blocks/")
	if !found {
		_, after, found = strings.Cut(pointer, "/")
	}
	digits := strings.TrimRightFunc(after, func(r rune) bool { return r == ']' })
	digits, _, _ = strings.Cut(digits, "/")
	i, err := strconv.Atoi(digits)
	if !found || err != nil {
		return -1
	}
	return i
}
