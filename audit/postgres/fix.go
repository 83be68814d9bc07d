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
			return "raise max_connections of the server or CONNECTION LIMIT of the role, or set pool_max_conns in the URL: each process works with 2 " +
				"connections to its own database and 1 to the accounts'"
		case "57P03", "57P01":
			return "the server starts, stops or recovers: wait, then ask again"
		case "25006":
			return "this server is read-only: it is a standby, or has failed over; point the URL at the primary (several hosts with target_session_attrs=read-write)"
		case "42P05", "26000":
			return "a pooler shares the sessions: set database_pooler: transaction"
		case "55P03":
			return "another session holds a lock: look for it in pg_locks and pg_stat_activity"
		case "42501", "42P01", "3F000":
			return "give the role its grants: deploy/postgres/role.sql by the owner, then mailaudit migrate"
		case "53100":
			return "free space on the server's disk"
		}
		return ""
	}
	if errors.As(err, new(*pgconn.ConnectError)) {
		return "check host, port and sslmode in the URL, that the server is up, and DNS and firewall (NetworkPolicy) on the way"
	}
	return ""
}
