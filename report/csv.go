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

// evidenceColumns follow where the product attests something of the run's accounts, or its traffic spared some a sign-in.
var evidenceColumns = [...]string{"two_factor_by", "two_factor_seen_at", "by_traffic"}

// WriteCSV writes a line for every account of the run, safe to open in a spreadsheet.
func (s *Summary) WriteCSV(ctx context.Context, w io.Writer, src Source) error {
	out := csv.NewWriter(w)
	row := append([]string(nil), csvColumns[:]...)
	more := s.Numbers.Attested != nil || s.Numbers.Contradicted > 0 || s.Numbers.Quality.ByTraffic > 0
	if more {
		row = append(row, evidenceColumns[:]...)
	}
	if err := out.Write(row); err != nil {
		return fmt.Errorf("write CSV report: %w", err)
	}
	err := src.Findings(ctx, s.Run, func(f audit.Finding) error {
		row = append(row[:0], f.AccountID, f.TenantID, f.TenantName, f.Provider, s.Address(f), string(f.Verdict),
			string(f.TwoFactor), string(f.Previous), stamp(f.Since), f.Rule, noticeName(f.Notice))
		if more {
			row = append(row, attestedCells(f)...)
		}
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
// text. Where the list separator is a semicolon or a tab, a program parts the cell there, whatever our quotes say, so
// each part is made harmless.
func Cell(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
	var out strings.Builder
	for rest := text; ; {
		if formula(rest) {
			out.WriteByte('\'')
		}
		i := strings.IndexAny(rest, separators)
		if i < 0 {
			if out.Len() == 0 {
				return text
			}
			return out.String() + rest
		}
		out.WriteString(rest[:i+1])
		rest = rest[i+1:]
	}
}

// separators part cells in some program's settings, or rows.
const separators = ";\t\r\n|"

// formula reports whether a cell that begins so may be taken for a formula. Some programs drop spaces and quotes
// before it, and fold full-width signs to ASCII.
func formula(cell string) bool {
	switch r, _ := utf8.DecodeRuneInString(cell); r {
	case '\t', '\r', '\n':
		return true
	}
	switch r, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, " \u00a0\"")); r {
	case '=', '+', '-', '@', '\uFF1D', '\uFF0B', '\uFF0D', '\uFF20':
		return true
	}
	return false
}
