package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
)

var (
	//go:embed page.js
	script string
	//go:embed page.css
	style string
)

// Policy lets nothing be loaded, and no script run but the page's own.
func (view) Policy() string {
	sum := sha256.Sum256([]byte(script))
	return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}

func (view) Script() template.JS { return template.JS(script) }
func (view) Style() template.CSS { return template.CSS(style) }

// Data is what the script reads: a JSON block, which no browser executes. encoding/json writes <, > and & as
// escapes, so that no text ends the block.
func (v view) Data() (template.JS, error) {
	type data struct {
		Heading   string             `json:"heading"`
		Columns   []column           `json:"columns"`
		Sections  map[string]int     `json:"sections"`
		Texts     []string           `json:"texts"`
		Rows      [][]int            `json:"rows"`
		Histories map[string][][]int `json:"histories"`
		Account   string             `json:"account"` // report.account_url
		Prefix    string             `json:"prefix"`  // of commands
		File      string             `json:"file"`    // of the CSV of what is shown
	}
	d := data{
		Heading: "Findings", Columns: columns[:], Sections: map[string]int{}, Rows: [][]int{}, Histories: v.findings.past,
		Account: v.AccountURL, Prefix: v.prefix(), File: "findings-" + v.Run.Key + ".csv",
	}
	for _, s := range v.findings.Sections {
		d.Sections[s.ID] = v.findings.pool.at(s.Title)
	}
	for _, r := range v.findings.rows {
		d.Rows = append(d.Rows, r.values)
	}
	d.Texts = v.findings.pool.texts
	out, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("write the page's findings: %w", err)
	}
	return template.JS(out), nil
}
