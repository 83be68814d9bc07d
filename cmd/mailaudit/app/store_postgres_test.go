package app

import (
	"errors"
	"strings"
	"testing"

	"mailaudit/audit/postgres"
	"mailaudit/cmd/mailaudit/exit"
)

// Only where the tables are the older ones can a command bring them up to date.
func TestMigrateIsAdvisedWhereItHelps(t *testing.T) {
	for _, test := range []struct {
		wrong postgres.SchemaError
		want  bool
	}{
		{postgres.SchemaError{Have: 0, Want: 3}, true},
		{postgres.SchemaError{Have: 2, Want: 3}, true},
		{postgres.SchemaError{Have: 4, Want: 3}, false},
	} {
		err := schemaFault(&test.wrong)
		if strings.Contains(err.Error(), "--migrate") != test.want || !errors.As(err, new(*exit.Error)) {
			t.Errorf("have %d, want %d: %v", test.wrong.Have, test.wrong.Want, err)
		}
	}
}
