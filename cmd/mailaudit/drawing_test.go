package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The drawing is the map that newcomers trust. An arrow is an import, or stands for one through rooms that are not
// drawn; whatever one drawn room imports of another can be reached by arrows.
func TestTheDrawingInArchitectureIsTheHouse(t *testing.T) {
	drawn := drawing(t)
	imports := map[string][]string{} // of each folder that is no test's
	for _, s := range sources(t) {
		if !s.test {
			imports[s.folder] = append(imports[s.folder], "")
		}
		for _, imported := range s.imports {
			if inside, ours := strings.CutPrefix(imported, "mailaudit/"); ours && !s.test && !slices.Contains(imports[s.folder], inside) {
				imports[s.folder] = append(imports[s.folder], inside)
			}
		}
	}
	for from, all := range drawn {
		if _, exists := imports[from]; !exists {
			t.Errorf("ARCHITECTURE.md draws %s, which does not exist", from)
		}
		for _, to := range all {
			if to != "" && !reaches(imports, from, to) {
				t.Errorf("ARCHITECTURE.md draws an arrow from %s to %s, which the source does not have", from, to)
			}
		}
		for _, to := range imports[from] {
			if _, isDrawn := drawn[to]; isDrawn && !reaches(drawn, from, to) {
				t.Errorf("%s imports %s, and no arrows in ARCHITECTURE.md lead there", from, to)
			}
		}
	}
	for folder := range imports {
		if _, there := drawn[folder]; !there && layerOf(folder) > 0 && !forTests(folder) && folder != "cmd/bench" && !strings.HasPrefix(folder, "report/notice/") {
			t.Errorf("ARCHITECTURE.md does not draw %s", folder)
		}
	}
}

var (
	node  = regexp.MustCompile(`^(\w+)(?:\["([^"]+)"\])?$`)
	arrow = regexp.MustCompile(`^(.+?) --> (.+)$`)
)

// drawing is ARCHITECTURE.md's flowchart: each room with those that its arrows lead to.
func drawing(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```mermaid\nflowchart TD\n")
	chart, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("ARCHITECTURE.md has no flowchart")
	}
	names, rooms := map[string]string{}, map[string][]string{}
	parse := func(side string) (all []string) {
		for _, one := range strings.Split(side, " & ") {
			found := node.FindStringSubmatch(strings.TrimSpace(one))
			if found == nil {
				t.Fatalf("the flowchart has %q, which is no room", one)
			}
			if found[2] != "" {
				names[found[1]] = found[2]
			}
			name := names[found[1]]
			if name == "" {
				name = found[1]
			}
			all = append(all, name)
		}
		return all
	}
	for _, line := range strings.Split(strings.TrimSpace(chart), "\n") {
		found := arrow.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			t.Fatalf("the flowchart has %q, which is no arrow", line)
		}
		to := parse(found[2])
		for _, room := range to {
			rooms[room] = append(rooms[room], "") // drawn, whether or not arrows leave it
		}
		for _, from := range parse(found[1]) {
			rooms[from] = append(rooms[from], to...)
		}
	}
	return rooms
}

func reaches(arrows map[string][]string, from, to string) bool {
	seen := []string{from}
	for i := 0; i < len(seen); i++ {
		for _, next := range arrows[seen[i]] {
			if next == to {
				return true
			}
			if !slices.Contains(seen, next) {
				seen = append(seen, next)
			}
		}
	}
	return false
}
