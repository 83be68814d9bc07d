package slack

import (
	"fmt"

	"github.com/slack-go/slack"

	"mailaudit/report"
)

// chart draws the trend with Slack's data visualisation block, which takes at most 20 points a series
// (docs.slack.dev, data visualization block): every other night, tonight's always among them. It is nil where
// there is no trend yet.
func chart(s *report.Summary) slack.Block {
	if s.TrendLine() == "" {
		return nil
	}
	var categories []string
	open := slack.DataVisualizationDataSeries{Name: "open"}
	added := slack.DataVisualizationDataSeries{Name: "new"}
	step := (len(s.Trend) + pointsMax - 1) / pointsMax
	if step > 1 {
		added.Name = fmt.Sprintf("new in %d runs", step)
	}
	fresh := 0
	for i, p := range s.Trend {
		fresh += p.New
		if (len(s.Trend)-1-i)%step != 0 {
			continue
		}
		label := p.At.In(s.Zone).Format("2 Jan 06")
		if p.At.Year() == s.Run.StartedAt.Year() {
			label = p.At.In(s.Zone).Format("2 Jan")
		}
		for _, taken := range categories {
			if taken == label {
				label = fmt.Sprintf("%s (%d)", label, i+1) // two runs on one day
			}
		}
		categories = append(categories, label)
		open.Data = append(open.Data, slack.NewDataVisualizationDataPoint(label, float64(p.Open)))
		added.Data = append(added.Data, slack.NewDataVisualizationDataPoint(label, float64(fresh)))
		fresh = 0
	}
	block := slack.NewDataVisualizationBlock(fmt.Sprintf("Open and new findings, %d runs", len(s.Trend)),
		slack.NewDataVisualizationLineChart(slack.NewDataVisualizationAxisConfig(categories...), open, added))
	if block.Validate() != nil {
		return nil
	}
	return block
}
