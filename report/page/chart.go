package page

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"mailaudit/report"
)

// The charts' size in their own units; the page scales them.
const (
	chartWidth  = 400
	chartHeight = 120
	chartTop    = 12
	chartLeft   = 44
	chartBottom = 18
)

// Charts are the trend as drawings; none where there are too few nights for one. Everything in them is a
// number or a date of ours.
func (v view) Charts() []template.HTML {
	if v.TrendLine() == "" {
		return nil
	}
	checked := make([]float64, len(v.Trend))
	open := make([]float64, len(v.Trend))
	for i, p := range v.Trend {
		open[i] = float64(p.Open)
		if p.Accounts > 0 {
			checked[i] = 100 * float64(p.Verified) / float64(p.Accounts)
		}
	}
	return []template.HTML{
		v.line("Open findings", open, func(f float64) string { return report.Count(int(f)) }),
		v.bars(),
		v.line("Verified", checked, func(f float64) string { return fmt.Sprintf("%.2f %%", f) }),
	}
}

// TrendTitle says over how many nights.
func (v view) TrendTitle() string { return fmt.Sprintf("Last %d runs", len(v.Trend)) }

func (v view) x(i int) float64 {
	return chartLeft + (chartWidth-chartLeft-6)*float64(i)/float64(max(1, len(v.Trend)-1))
}

func (v view) line(title string, values []float64, say func(float64) string) template.HTML {
	low, high := slices.Min(values), slices.Max(values)
	y := func(f float64) float64 {
		if high == low {
			return (chartTop + chartHeight - chartBottom) / 2
		}
		return chartTop + (chartHeight-chartBottom-chartTop)*(high-f)/(high-low)
	}
	var points []string
	for i, f := range values {
		points = append(points, fmt.Sprintf("%.1f,%.1f", v.x(i), y(f)))
	}
	last := len(values) - 1
	var out strings.Builder
	for _, f := range slices.Compact([]float64{high, low}) {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="0" y="%.1f">%s</text>`, chartLeft, chartWidth-6, y(f), y(f), y(f)+4, say(f))
	}
	fmt.Fprintf(&out, `<polyline points="%s"/><circle cx="%.1f" cy="%.1f" r="3.5"/>`, strings.Join(points, " "), v.x(last), y(values[last]))
	return v.figure(title, fmt.Sprintf("%s: lowest %s, highest %s, tonight %s", title, say(low), say(high), say(values[last])), out.String())
}

func (v view) bars() template.HTML {
	most := 1
	for _, p := range v.Trend {
		most = max(most, p.New, p.Back)
	}
	width := (chartWidth - chartLeft - 6) / float64(len(v.Trend)) * .38
	var out strings.Builder
	fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%d" y2="%d"/><text x="0" y="%d">%s</text>`, chartLeft, chartWidth-6, chartTop, chartTop, chartTop+4, report.Count(most))
	fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%d" y2="%d"/><text x="0" y="%d">0</text>`, chartLeft, chartWidth-6, chartHeight-chartBottom, chartHeight-chartBottom, chartHeight-chartBottom+4)
	for i, p := range v.Trend {
		x := chartLeft + (chartWidth-chartLeft-6)*float64(i)/float64(len(v.Trend))
		for j, n := range [...]int{p.New, p.Back} {
			h := float64(chartHeight-chartBottom-chartTop) * float64(n) / float64(most)
			class := [...]string{"new", "back"}[j]
			fmt.Fprintf(&out, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, x+float64(j)*width, chartHeight-chartBottom-h, width, h)
		}
	}
	tonight := v.Trend[len(v.Trend)-1]
	return v.figure("New failures (first bar) and recovered (second)",
		fmt.Sprintf("New failures and recovered by run: at most %s, in this run %s new and %s recovered", report.Count(most), report.Count(tonight.New), report.Count(tonight.Back)), out.String())
}

// figure frames a drawing; label is what a screen reader says of it.
func (v view) figure(title, label, drawing string) template.HTML {
	dates := fmt.Sprintf(`<text x="%d" y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s</text>`, chartLeft, chartHeight-3,
		v.Trend[0].At.In(v.Zone).Format("2 Jan"), chartWidth-6, chartHeight-3, v.Trend[len(v.Trend)-1].At.In(v.Zone).Format("2 Jan"))
	return template.HTML(fmt.Sprintf(`<figure><figcaption>%s</figcaption><svg viewBox="0 0 %d %d" role="img" aria-label="%s">%s%s</svg></figure>`,
		title, chartWidth, chartHeight, template.HTMLEscapeString(label), drawing, dates))
}
