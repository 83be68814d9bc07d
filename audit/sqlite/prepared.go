package sqlite

import (
	"context"
	"database/sql/driver"
)

// remembered is how many statements a connection keeps prepared: the store's and River's are fewer.
const remembered = 250

// preparing makes connections that prepare a statement once and keep it: to read its text takes SQLite longer than
// to run it, and it holds for River's statements as for the store's.
type preparing struct{ driver.Connector }

func (c preparing) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{made.(connects), map[string]*statement{}}, nil
}

// connects is what is used of the driver's connection. Its ways to run a text at once are not: without them
// database/sql prepares, runs and closes.
type connects interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// connection is used by one caller at a time, as database/sql sees to.
type connection struct {
	connects
	idle map[string]*statement // prepared, and not in use
}

func (c *connection) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if known, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return known, nil
	}
	made, err := c.connects.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &statement{made.(runs), c, query}, nil
}

func (c *connection) Close() error {
	for _, s := range c.idle {
		s.runs.Close() // that the connection closes is what counts
	}
	clear(c.idle)
	return c.connects.Close()
}

type runs interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement goes back to its connection when it is closed.
type statement struct {
	runs
	of    *connection
	query string
}

func (s *statement) Close() error {
	if _, twice := s.of.idle[s.query]; twice || len(s.of.idle) == remembered {
		return s.runs.Close()
	}
	s.of.idle[s.query] = s
	return nil
}
