package config

import (
	"errors"
	"io/fs"
	"os"
)

// hereFile is read from the working directory where no other file is named.
const hereFile = "mailaudit.yaml"

// Find returns the file that [Load] is to read: flag, else MAILAUDIT_CONFIG, else mailaudit.yaml in the working
// directory, which found reports; "" where there is none. A file in the working directory that others may write, or
// that is another user's, is refused: whoever stands in somebody else's folder has not chosen it.
func Find(flag string, lookupEnv func(string) (string, bool)) (path string, found bool, err error) {
	if flag != "" {
		return flag, false, nil
	}
	if named, _ := lookupEnv(configVariable); named != "" {
		return named, false, nil
	}
	info, err := os.Stat(hereFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, &Error{File: hereFile, Problem: "read the configuration: " + reason(err)}
	case !info.Mode().IsRegular():
		return "", false, &Error{File: hereFile, Problem: "is no file; name the configuration by --config"}
	case writtenByOthers(info):
		return "", false, &Error{File: hereFile, Problem: "others may write it, so it is not read; chmod o-w " + hereFile + ", or name it by --config"}
	case anotherUsers(info):
		return "", false, &Error{File: hereFile, Problem: "it belongs to another user, so it is not read; name it by --config"}
	}
	return hereFile, true, nil
}
