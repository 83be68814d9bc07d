package seal

import (
	"errors"
	"strings"
)

// Words splits a command line as a shell does, without one: at blanks outside quotes. Within single quotes
// every character is itself; within double quotes a backslash takes the meaning of " and \ away, outside
// quotes of any character. Nothing else is replaced. The error is a predicate.
func Words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == 0:
			return nil, errors.New("has a NUL character in it")
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			if i+1 == len(line) {
				return nil, errors.New(`ends with a backslash that has nothing after it`)
			}
			next := line[i+1]
			if quote == '"' && next != '"' && next != '\\' {
				word.WriteByte(c)
				continue
			}
			i++
			word.WriteByte(next)
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("has a quote that does not end")
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 || words[0] == "" {
		return nil, errors.New("names no program")
	}
	return words, nil
}
