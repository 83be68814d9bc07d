package report

import (
	"fmt"
	"html/template"
	"io"
	"path"

	"mailaudit/audit"
)

// NextFile leads from a run's folder to the next run's page. The page links to it before there is one.
const NextFile = "next.html"

// Links are the ways from a run's page to others in report.dir, relative to it.
type Links struct {
	Previous  string // "": none, or its page is gone
	Next, All string
}

// LinksIn are the links of a page in report.dir. Previous is the key of the run before, "" where its page is not there.
func LinksIn(previous string) *Links {
	l := &Links{Next: NextFile, All: path.Join("..", IndexFile)}
	if previous != "" {
		l.Previous = path.Join("..", previous, PageFile)
	}
	return l
}

var nextPage = template.Must(template.New("next").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
{{with .Next}}<meta http-equiv="refresh" content="0; url={{.}}">
{{end}}<title>Mail audit: the run after {{.Key}}</title>
</head>
<body>
<main><h1>The run after {{.Key}}</h1>
<p>{{with .Next}}<a href="{{.}}">Open the next run</a>.{{else}}No later run has concluded yet.{{end}} <a href="{{.All}}">All runs</a></p></main>
</body>
</html>
`))

// NextPage is a run's [NextFile]: it leads on to the run with the key next, "" where none has concluded yet.
func NextPage(run audit.Run, next string) File {
	return File{Name: NextFile, Write: func(w io.Writer) error {
		v := struct{ Key, Next, All string }{Key: run.Key, All: path.Join("..", IndexFile)}
		if next != "" {
			v.Next = path.Join("..", next, PageFile)
		}
		if err := nextPage.Execute(w, v); err != nil {
			return fmt.Errorf("write %s: %w", NextFile, err)
		}
		return nil
	}}
}
