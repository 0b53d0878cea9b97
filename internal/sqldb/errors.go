package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Away reports whether a call that failed with err may succeed later: the database cannot be reached, is busy, full,
// starting or stopping, or refuses the login. What was done by the call is not known.
func Away(err error) bool {
	var fromPostgres *pgconn.PgError
	var fromMySQL *mysql.MySQLError
	var fromSQLite *sqlite.Error
	var fromNetwork net.Error
	var login *pgconn.ConnectError
	switch {
	case err == nil:
		return false
	case errors.As(err, &login):
		return true
	case errors.As(err, &fromPostgres):
		return passingInPostgres(fromPostgres.Code)
	case errors.As(err, &fromMySQL):
		return slices.Contains(passingInMySQL, fromMySQL.Number)
	case errors.As(err, &fromSQLite):
		return slices.Contains(passingInSQLite, fromSQLite.Code()&0xff)
	case errors.As(err, &fromNetwork), pgconn.Timeout(err), pgconn.SafeToRetry(err):
		return true
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		driver.ErrBadConn, sql.ErrConnDone, mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync} {
		if errors.Is(err, known) {
			return true
		}
	}
	return strings.Contains(err.Error(), "conn closed") // of pgx, which has no name for it
}

// passingInPostgres knows SQLSTATEs: connections, logins, no database yet, a standby (25006), transactions that lost, want
// of means, an operator's intervention, failing hardware.
func passingInPostgres(code string) bool {
	for _, class := range []string{"08", "28", "3D", "25006", "40", "53", "55", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// passingInMySQL are errors of servers: full disks, too many connections, refused logins, no database yet, shutdown,
// deadlocks, timeouts, read only, killed.
var passingInMySQL = []uint16{1021, 1028, 1030, 1037, 1038, 1040, 1041, 1044, 1045, 1049, 1053, 1077, 1079, 1080, 1105, 1129, 1152, 1158, 1159,
	1160, 1161, 1184, 1203, 1205, 1206, 1213, 1226, 1290, 1317, 1792, 1836, 1927, 3024}

// passingInSQLite are: permission, busy, locked, read only, input or output, full, cannot open, protocol, authorization.
var passingInSQLite = []int{3, 5, 6, 8, 10, 13, 14, 15, 23}

// Refused reports whether a database will never take the values of a statement that failed with err: they are too long or
// have letters that it does not know.
func Refused(err error) bool {
	var fromPostgres *pgconn.PgError
	var fromMySQL *mysql.MySQLError
	var fromSQLite *sqlite.Error
	switch {
	case errors.As(err, &fromPostgres):
		return strings.HasPrefix(fromPostgres.Code, "22") || fromPostgres.Code == "54000"
	case errors.As(err, &fromMySQL):
		return slices.Contains([]uint16{1153, 1366, 1406, 3988}, fromMySQL.Number)
	case errors.As(err, &fromSQLite):
		return fromSQLite.Code()&0xff == 18
	}
	return errors.Is(err, mysql.ErrPktTooLarge)
}

// isDuplicate reports whether something could not be made because somebody else made it.
func isDuplicate(err error) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && (failed.Code == "42P04" || failed.Code == "23505")
}
