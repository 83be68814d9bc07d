package sim

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Slack's documented limits of a message (docs.slack.dev, Block Kit reference and chat.postMessage).
const (
	maxBlocks      = 50
	maxText        = 40000
	maxSection     = 3000
	maxHeader      = 150
	maxField       = 2000
	maxFields      = 10
	maxContext     = 10
	maxActions     = 25
	maxButton      = 75
	maxAlt         = 2000
	maxMarkdown    = 12000
	maxTableRows   = 100
	maxTableCells  = 20
	maxTables      = 1
	maxTableText   = 10000
	maxBlockID     = 255
	maxAttachments = 100
)

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackBlock struct {
	Type     string            `json:"type"`
	BlockID  string            `json:"block_id"`
	RawText  json.RawMessage   `json:"text"`
	Fields   []slackText       `json:"fields"`
	Elements []json.RawMessage `json:"elements"`
	AltText  *string           `json:"alt_text"`
	ImageURL string            `json:"image_url"`
	File     json.RawMessage   `json:"slack_file"`
	Rows     [][]struct {
		Text string `json:"text"`
	} `json:"rows"`
}

// checkMessage gives Slack's refusal of a message that is over a limit, or has a block of a type that it refuses; nil if
// it would be taken.
func checkMessage(args map[string]json.RawMessage, noBlock string) map[string]any {
	text := str(args["text"])
	if text == "" && len(args["blocks"]) == 0 && len(args["attachments"]) == 0 && len(args["markdown_text"]) == 0 {
		return refuse("no_text")
	}
	if utf8.RuneCountInString(text) > maxText {
		return refuse("msg_too_long")
	}
	var attachments []struct {
		Blocks json.RawMessage `json:"blocks"`
	}
	if raw := args["attachments"]; len(raw) > 0 && (json.Unmarshal(raw, &attachments) != nil || len(attachments) > maxAttachments) {
		return refuse("invalid_attachments")
	}
	groups := []json.RawMessage{args["blocks"]}
	for _, a := range attachments {
		groups = append(groups, a.Blocks)
	}
	for _, raw := range groups {
		if len(raw) == 0 {
			continue
		}
		var blocks []slackBlock
		if err := json.Unmarshal(raw, &blocks); err != nil {
			return refuse("invalid_blocks_format")
		}
		if problem := checkBlocks(blocks, noBlock); problem != "" {
			return refuse("invalid_blocks", "[ERROR] "+problem)
		}
	}
	return nil
}

func checkBlocks(blocks []slackBlock, refused string) string {
	if len(blocks) > maxBlocks {
		return fmt.Sprintf("no more than %d items allowed [json-pointer:/blocks]", maxBlocks)
	}
	ids := make(map[string]bool)
	tables, tableText := 0, 0
	for i, b := range blocks {
		at := func(problem string) string { return fmt.Sprintf("%s [json-pointer:/blocks/%d]", problem, i) }
		if n := len(b.BlockID); n > maxBlockID || n > 0 && ids[b.BlockID] {
			return at("block_id is too long or not unique")
		}
		ids[b.BlockID] = true
		if b.Type == refused {
			return at("unsupported type: " + refused)
		}
		if problem := checkBlock(b); problem != "" {
			return at(problem)
		}
		if b.Type == "table" || b.Type == "data_table" {
			tables++
			for _, row := range b.Rows {
				for _, c := range row {
					tableText += utf8.RuneCountInString(c.Text)
				}
			}
		}
	}
	if tables > maxTables || tableText > maxTableText {
		return "only_one_table_allowed, or its text is too long"
	}
	return ""
}

func checkBlock(b slackBlock) string {
	switch b.Type {
	case "header":
		return checkText(b.RawText, maxHeader)
	case "section":
		if len(b.RawText) == 0 && len(b.Fields) == 0 {
			return "missing required field: text"
		}
		if len(b.Fields) > maxFields {
			return "too many fields"
		}
		for _, f := range b.Fields {
			if n := utf8.RuneCountInString(f.Text); n == 0 || n > maxField {
				return "a field is empty or too long"
			}
		}
		if len(b.RawText) > 0 {
			return checkText(b.RawText, maxSection)
		}
	case "context":
		return checkElements(b.Elements, maxContext, maxSection)
	case "actions":
		return checkElements(b.Elements, maxActions, maxButton)
	case "image":
		if b.AltText == nil || utf8.RuneCountInString(*b.AltText) > maxAlt || b.ImageURL == "" && len(b.File) == 0 {
			return "an image needs alt_text and an image"
		}
	case "markdown":
		if n := utf8.RuneCountInString(str(b.RawText)); n == 0 || n > maxMarkdown {
			return "markdown text is empty or too long"
		}
	case "table", "data_table":
		rows := maxTableRows
		if b.Type == "data_table" {
			rows++ // its header row
		}
		if len(b.Rows) == 0 || len(b.Rows) > rows {
			return "too few or too many rows"
		}
		for _, row := range b.Rows {
			if len(row) == 0 || len(row) > maxTableCells {
				return "too few or too many cells"
			}
		}
	case "divider", "rich_text", "video", "alert", "card", "carousel", "container", "data_visualization", "context_actions", "plan", "task_card":
	default:
		return fmt.Sprintf("unsupported type: %s", b.Type)
	}
	return ""
}

func checkText(raw json.RawMessage, limit int) string {
	var t slackText
	if json.Unmarshal(raw, &t) != nil || t.Type != "plain_text" && t.Type != "mrkdwn" {
		return "invalid text object"
	}
	if n := utf8.RuneCountInString(t.Text); n == 0 || n > limit {
		return fmt.Sprintf("text must be 1 to %d characters", limit)
	}
	return ""
}

func checkElements(elements []json.RawMessage, count, limit int) string {
	if len(elements) == 0 || len(elements) > count {
		return fmt.Sprintf("must have 1 to %d elements", count)
	}
	for _, raw := range elements {
		var e slackBlock
		if json.Unmarshal(raw, &e) != nil {
			return "invalid element"
		}
		switch e.Type {
		case "plain_text", "mrkdwn":
			if problem := checkText(raw, limit); problem != "" {
				return problem
			}
		case "button":
			if problem := checkText(e.RawText, limit); problem != "" {
				return problem
			}
		}
	}
	return ""
}
