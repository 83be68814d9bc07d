package report

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"mailaudit/audit"
)

var csvColumns = [...]string{
	"account_id", "tenant_id", "tenant_name", "provider", "address", "verdict", "two_factor", "previous",
	"since", "rule", "notice",
}

// WriteCSV writes a line for every account of the run, safe to open in a spreadsheet.
func (s *Summary) WriteCSV(ctx context.Context, w io.Writer, src Source) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvColumns[:]); err != nil {
		return fmt.Errorf("write CSV report: %w", err)
	}
	row := make([]string, len(csvColumns))
	err := src.Findings(ctx, s.Run, func(f audit.Finding) error {
		row = append(row[:0], f.AccountID, f.TenantID, f.TenantName, f.Provider, s.Address(f), string(f.Verdict),
			string(f.TwoFactor), string(f.Previous), stamp(f.Since), f.Rule, noticeName(f.Notice))
		for i := range row {
			row[i] = Cell(row[i])
		}
		return out.Write(row)
	})
	if err == nil {
		out.Flush()
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write CSV report: %w", err)
	}
	return nil
}

// Cell keeps a spreadsheet from taking data for a formula (OWASP, CSV injection): an apostrophe makes it
// text. The full-width signs are folded to ASCII by some programs.
func Cell(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	switch r, _ := utf8.DecodeRuneInString(text); r {
	case '=', '+', '-', '@', '\t', '\r', '\n', '\uFF1D', '\uFF0B', '\uFF0D', '\uFF20':
		return "'" + text
	}
	return text
}
