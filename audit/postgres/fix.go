package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Fix says what an operator can do about a server that cannot be worked with; "" where err is not of that kind. Codes:
// PostgreSQL's documentation, Appendix A.
func Fix(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		switch said.Code {
		case "28P01", "28000":
			return "correct user and password in the URL, or the server's pg_hba.conf"
		case "3D000":
			return "correct the database's name in the URL, or make it and run deploy/postgres/role.sql"
		case "53300":
			return "raise the server's max_connections, or set the role a share of them"
		case "57P03", "57P01":
			return "the server starts, stops or recovers: wait, then ask again"
		case "42501", "42P01", "3F000":
			return "give the role its grants: deploy/postgres/role.sql by the owner, then mailaudit migrate"
		case "53100":
			return "free space on the server's disk"
		}
		return "look into the server's log"
	}
	if errors.As(err, new(*pgconn.ConnectError)) {
		return "check host, port and sslmode in the URL, that the server is up, and DNS and firewall (NetworkPolicy) on the way"
	}
	return ""
}
